"""Crop and augment: rows that refer to windows of the imagery."""

from __future__ import annotations

import json
import runpy
import sys
from collections import Counter
from pathlib import Path

import pytest
from kfp import dsl

from components.core.errors import TooManySkippedError
from components.core.geometry import Size
from components.core.project import open_project, write_manifest
from components.crop_augment.component import crop_augment as component
from components.crop_augment.crop_augment import crop_augment
from tests.builders import bitmap_meta, files_below, scene_item
from tests.queries import choose, data, save, windows
from tests.shims import artifact, compiled, input_names, output_kinds

SIZE = Size(600, 700)

OWN = json.dumps([data("INRIA_TAGGED/*"), windows("$all", "$1", 200, 200), save("$1", "MINE")])


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenes for training, one for testing and one smaller than the tutorial's window."""
    root = tmp_path_factory.mktemp("tagged")
    entries = [
        scene_item(root, "austin1", SIZE, 1, ("trainval",)),
        scene_item(root, "austin2", SIZE, 2, ("trainval",)),
        scene_item(root, "austin3", SIZE, 3, ("test",)),
        scene_item(root, "small", Size(500, 700), 4, ("test",)),
    ]
    write_manifest(root / "project", bitmap_meta("INRIA_TAGGED", tags=("trainval", "test")), entries)
    return root / "project"


def test_the_tutorials_query_makes_windows_four_ways(tagged: Path, tmp_path: Path) -> None:
    run = crop_augment(tagged, tmp_path / "crops")
    assert run.meta.name == "INRIA_train" and run.result.emitted[2, 0] == 2 * 2 * 2
    found = list(open_project(tmp_path / "crops"))
    assert {entry.size for entry in found} == {Size(512, 512)} and all(entry.objects for entry in found)
    assert {entry.name.split("_")[0] for entry in found} == {"austin1", "austin2"}
    flips = Counter("_".join(entry.name.split("_")[3:]) for entry in found)
    assert len(flips) == 4 and len(set(flips.values())) == 1
    assert {entry.tags[-1] for entry in found} <= {"train", "val"}
    image = found[0].image
    assert image is not None and image.size == SIZE and image.crs == "EPSG:32633"
    assert not [path for path in (tmp_path / "crops").rglob("*") if path.suffix in (".png", ".tif")]


def test_another_query_seed_and_workers(tagged: Path, tmp_path: Path) -> None:
    assert crop_augment(tagged, tmp_path / "own", query=OWN).counts() == {"items_in": 4, "items": 48, "skipped": 0}
    for name, options in {"1": {}, "2": {"workers": 2}, "3": {"seed": 5}}.items():
        crop_augment(tagged, tmp_path / name, **options)  # type: ignore[arg-type]
    assert files_below(tmp_path / "1") == files_below(tmp_path / "2") != files_below(tmp_path / "3")


def test_images_smaller_than_the_window_count_as_bad(tagged: Path, tmp_path: Path) -> None:
    query = json.dumps([data("INRIA_TAGGED/*"), windows("$all", "$1", 512, 512), save("$1")])
    with pytest.raises(TooManySkippedError, match=r"small: .*exceeds the height 500"):
        crop_augment(tagged, tmp_path / "crops", query=query)
    assert not (tmp_path / "crops").exists()
    assert crop_augment(tagged, tmp_path / "crops", query=query, max_bad=1).counts()["skipped"] == 1


def test_images_smaller_than_the_window_are_let_through_where_the_query_says_so(tagged: Path, tmp_path: Path) -> None:
    cut = windows("$all", "$1", 512, 512)
    with pytest.raises(TooManySkippedError, match='"small_images": "whole", which a training pads'):
        crop_augment(tagged, tmp_path / "crops", query=json.dumps([data("INRIA_TAGGED/*"), cut, save("$1")]))
    cut["settings"] |= {"small_images": "whole"}
    crop_augment(tagged, tmp_path / "crops", query=json.dumps([data("INRIA_TAGGED/*"), cut, save("$1")]))
    sizes = {entry.name: entry.size for entry in open_project(tmp_path / "crops") if entry.name.startswith("small")}
    assert sizes and all(size.height == 500 and size.width <= 512 for size in sizes.values())


def test_the_report_shows_the_query_and_crops(tagged: Path, tmp_path: Path) -> None:
    crop_augment(tagged, tmp_path / "crops", report=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "4 items in, 32 out" in page and "sliding_window" in page and "data:image/" in page


def test_the_report_of_an_empty_result(tagged: Path, tmp_path: Path) -> None:
    nothing = choose("$all", ["$1", "null"], tags=["nothing has this"])
    query = json.dumps([data("INRIA_TAGGED/*"), nothing, save("$1")])
    run = crop_augment(tagged, tmp_path / "crops", query=query, report=tmp_path / "report.html")
    assert run.result.written == 0 and len(open_project(tmp_path / "crops")) == 0
    assert "nothing to show" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_command_line(
    tagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--project", str(tagged), "--crops", str(tmp_path / "crops"), "--report", str(tmp_path / "r.html")]
    monkeypatch.setattr(sys, "argv", ["crop_augment", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("components.crop_augment", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.endswith(f"project 'INRIA_train', at {tmp_path / 'crops'}\n")
    assert (tmp_path / "r.html").is_file()
    monkeypatch.setattr(sys, "argv", ["crop_augment", *arguments, "--query", "[]"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("components.crop_augment", run_name="__main__")
    assert ended.value.code == 2
    assert "python -m components.crop_augment: query: has no `data` layer" in capsys.readouterr().err


def test_component(tagged: Path, tmp_path: Path) -> None:
    crops, report = artifact(dsl.Dataset, tmp_path / "crops"), artifact(dsl.HTML, tmp_path / "report.html")
    metrics = artifact(dsl.Metrics, tmp_path / "metrics")
    source = artifact(dsl.Dataset, tagged)
    component.python_func(project=source, crops=crops, metrics=metrics, report=report, seed=3, workers=1)
    expected = crop_augment(tagged, tmp_path / "again", seed=3)
    assert crops.metadata == expected.counts()
    assert metrics.metadata.items() >= expected.counts().items()
    assert metrics.metadata["local_written_mb"] > 0
    assert files_below(tmp_path / "again") == files_below(tmp_path / "crops")
    assert (tmp_path / "report.html").is_file()


def test_the_component_compiles(tmp_path: Path) -> None:
    spec = compiled(component, tmp_path)
    assert output_kinds(spec) == {"crops": "system.Dataset", "metrics": "system.Metrics", "report": "system.HTML"}
    assert input_names(spec) == component.component_spec.inputs.keys()
