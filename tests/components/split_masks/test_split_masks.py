"""Split masks: one object a building."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kfp import dsl

from components.core.errors import DataError, TooManySkippedError
from components.core.geometry import Size
from components.core.project import ImageRef, Item, manifest_writer, open_project, write_manifest
from components.core.project.history import StageRun, read_history
from components.core.skip_budget import Skipped
from components.split_masks.component import split_masks as component
from components.split_masks.split_masks import split_masks
from tests.builders import CRS, TRANSFORM, bitmap_meta, files_below, mask_object, noise, write_tiled
from tests.odd_files import vrt_of
from tests.queries import data, layer, save
from tests.shims import artifact, compiled, input_names, output_kinds

SIZE = Size(120, 160)
BOXES = ((3, 4, 20, 30), (50, 10, 70, 40), (50, 100, 52, 150), (110, 150, 120, 160))
"""Top, left, bottom and right of each building."""


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What inference gives: a mask raster of two classes, one object each, and a confidence raster."""
    root = tmp_path_factory.mktemp("predictions")
    buildings = np.zeros((SIZE.height, SIZE.width), np.bool_)
    for top, left, bottom, right in BOXES:
        buildings[top:bottom, left:right] = True
    image = write_tiled(root / "image.tif", noise(SIZE))
    mask = write_tiled(root / "mask.tif", buildings.view(np.uint8) * np.uint8(255))
    ground = write_tiled(root / "ground.tif", (~buildings).view(np.uint8) * np.uint8(255))
    entry = Item(
        "ds",
        "austin1",
        SIZE,
        ImageRef.whole(image, SIZE, CRS, TRANSFORM),
        ("austin", "test"),
        objects=(mask_object(ground, ~buildings, "bg_dl"), mask_object(mask, buildings, "untitled_dl")),
        rasters={"confidence": image},
    )
    write_manifest(root / "project", bitmap_meta("inf_INRIA_test_part", "bg_dl", "untitled_dl"), [entry])
    return root / "project"


def test_the_tutorials_query_splits_buildings(predictions: Path, tmp_path: Path) -> None:
    run = split_masks(predictions, tmp_path / "split")
    assert run.meta.name == "inf_splitted" and run.meta.titles == ("bg_dl", "untitled_dl")
    (found,) = open_project(tmp_path / "split")
    assert [entry.class_title for entry in found.objects] == ["bg_dl", *["untitled_dl"] * len(BOXES)]
    boxes = [entry.figure.window for entry in found.objects[1:]]  # type: ignore[attr-defined]
    assert [(box.top, box.left, box.bottom, box.right) for box in boxes] == list(BOXES)
    assert found.tags == ("austin", "test") and found.rasters and found.image is not None
    assert found.image.crs == CRS, "what publishing needs is kept"


def test_another_query(predictions: Path, tmp_path: Path) -> None:
    both = layer("split_masks", "$all", "$1", classes=["untitled_dl", "bg_dl"])
    query = json.dumps([data("inf_INRIA_test_part/*"), both, save("$1", "MINE")])
    assert split_masks(predictions, tmp_path / "split", query=query, seed=4, workers=2).meta.name == "MINE"


def test_the_report_shows_the_query_and_the_buildings(predictions: Path, tmp_path: Path) -> None:
    split_masks(predictions, tmp_path / "split", report=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1 items in, 1 out" in page and "split_masks" in page and "austin1" in page


def test_a_mask_that_is_none_is_skipped(predictions: Path, tmp_path: Path) -> None:
    (good,) = open_project(predictions)
    odd = write_tiled(tmp_path / "odd.tif", noise(SIZE, bands=1))
    objects = (mask_object(odd, np.ones((SIZE.height, SIZE.width), np.bool_), "untitled_dl"),)
    meta = open_project(predictions).meta
    write_manifest(tmp_path / "in", meta, [good, replace(good, name="odd", objects=objects)])
    Path(odd).write_text(vrt_of("/etc/passwd"))
    with pytest.raises(
        TooManySkippedError, match=r"1 of 2 items skipped, and max_bad allows 0.*: .*/odd: .*odd\.tif: "
    ):
        split_masks(tmp_path / "in", tmp_path / "split")

    run = split_masks(tmp_path / "in", tmp_path / "split", max_bad=1)

    assert run.counts() == {"items_in": 1, "items": 1, "skipped": 1}
    assert [item.name for item in open_project(tmp_path / "split")] == [good.name]
    assert read_history(tmp_path / "split")[-1].skipped[0].name == "odd"


def test_command_line(
    predictions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["split_masks", "--project", str(predictions), "--split", str(tmp_path / "split"), "--workers", "1"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("components.split_masks", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"1 items in, 1 out: project 'inf_splitted', at {tmp_path / 'split'}\n"


def test_nothing_predicted_gives_an_empty_project_with_its_history_where_that_is_allowed(
    tmp_path: Path,
) -> None:
    with manifest_writer(tmp_path / "none", bitmap_meta("inf_INRIA_test_part", "untitled_dl")) as writer:
        writer.history = (StageRun("infer_windows", 0, 0.0, 1.0, (Skipped("austin1", "unreadable"),)),)
    with pytest.raises(DataError, match="holds no item"):
        split_masks(tmp_path / "none", tmp_path / "split")
    split_masks(tmp_path / "none", tmp_path / "split", report=tmp_path / "report", allow_empty=True)
    assert len(open_project(tmp_path / "split")) == 0
    assert "0 items in, 0 out" in (tmp_path / "report").read_text(encoding="utf-8")
    before, last = read_history(tmp_path / "split")
    assert before == writer.history[0]
    assert (last.stage, last.scenes, last.skipped) == ("split_masks", 0, ())


def test_component(predictions: Path, tmp_path: Path) -> None:
    split, report = artifact(dsl.Dataset, tmp_path / "split"), artifact(dsl.HTML, tmp_path / "report.html")
    metrics = artifact(dsl.Metrics, tmp_path / "metrics")
    source = artifact(dsl.Dataset, predictions)
    component.python_func(project=source, split=split, metrics=metrics, report=report, workers=1)
    assert split.metadata == {"items_in": 1, "items": 1, "skipped": 0}
    assert metrics.metadata.items() >= split.metadata.items()
    assert metrics.metadata["local_read_mb"] > 0
    split_masks(predictions, tmp_path / "again")
    assert files_below(tmp_path / "again") == files_below(tmp_path / "split")
    assert (tmp_path / "report.html").is_file()


def test_the_component_compiles(tmp_path: Path) -> None:
    spec = compiled(component, tmp_path)
    assert output_kinds(spec) == {"split": "system.Dataset", "metrics": "system.Metrics", "report": "system.HTML"}
    assert input_names(spec) == component.component_spec.inputs.keys()
