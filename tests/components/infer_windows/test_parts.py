"""Scenes of which some rows are wanted, and scenes that become several items."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from components.core.errors import ConfigError, TooManySkippedError
from components.core.figures import Bitmap, Rectangle
from components.core.geometry import Size
from components.core.project import Item, open_project, write_manifest
from components.core.project.parts import Rows, ScenePart, part_of, with_wanted_rows
from components.infer_windows.infer_windows import InferenceResult, infer_windows
from tests.builders import bitmap_meta, scene_item
from tests.components.infer_windows.small import CONFIG, raster

SIZE = Size(1300, 120)
PART_PIXELS = 512 * SIZE.width


@pytest.fixture
def scene(tmp_path: Path) -> Item:
    return scene_item(tmp_path, "austin1", SIZE)


def infer(root: Path, item: Item, model: Path, **options: Any) -> tuple[InferenceResult, list[Item]]:
    write_manifest(root / "project", bitmap_meta(), [item])
    options = {"data_root": str(root / "data"), "config": CONFIG, "image_tags": []} | options
    report = infer_windows(root / "project", model, root / "inf", **options)
    return report, list(open_project(root / "inf"))


def drawn(item: Item, title: str) -> np.ndarray:
    canvas = np.zeros((item.size.height, item.size.width), np.uint8)
    for entry in item.objects:
        if entry.class_title == title:
            entry.figure.draw(canvas, 1)
    return canvas


def test_a_large_scene_becomes_parts_that_look_like_it(tmp_path: Path, scene: Item, model: Path) -> None:
    config = CONFIG | {
        "mode": CONFIG["mode"] | {"save": True},
        "existing_objects": {"save_classes": ["untitled"], "add_suffix": "_gt"},
    }
    _, (whole,) = infer(tmp_path, scene, model, config=config)
    report, parts = infer(tmp_path, scene, model, config=config, max_item_pixels=PART_PIXELS)

    assert (report.scenes, report.items, report.reused) == (1, 3, 0)
    assert [part.name for part in parts] == ["austin1__r0000000", "austin1__r0000512", "austin1__r0001024"]
    assert [part.size.height for part in parts] == [512, 512, 276]
    assert part_of(whole) is None
    for part in parts:
        place = part_of(part)
        assert place is not None and place == ScenePart("austin1", place.top, SIZE)
        rows = slice(place.top, place.top + part.size.height)
        for role in ("classes", "confidence"):
            assert np.array_equal(raster(part.rasters[role]), raster(whole.rasters[role])[rows])
        for title in ("untitled_gt", "untitled_dl", "bg_dl"):
            assert np.array_equal(drawn(part, title), drawn(whole, title)[rows])
        assert any(isinstance(entry.figure, Rectangle) for entry in part.objects)
        found = [entry.figure for entry in part.objects if entry.class_title == "untitled_dl"]
        assert all(isinstance(figure, Bitmap) and figure.area == figure.mask.pixels().sum() for figure in found)
        assert part.image is not None and whole.image is not None
        assert np.array_equal(part.image.pixels(), whole.image.pixels()[:, rows])


def test_wanted_rows_alone_are_done_and_are_those_of_the_scene(tmp_path: Path, scene: Item, model: Path) -> None:
    _, (whole,) = infer(tmp_path, scene, model)
    report, (part,) = infer(tmp_path, with_wanted_rows(scene, Rows(300, 410)), model)

    assert report.megapixels == pytest.approx(110 * 120 / 1e6)
    assert (part.name, part.size) == ("austin1__r0000300", Size(110, 120))
    for role in ("classes", "confidence"):
        assert np.array_equal(raster(part.rasters[role]), raster(whole.rasters[role])[300:410])


def test_parts_are_the_same_whoever_does_them(tmp_path: Path, scene: Item, model: Path) -> None:
    _, together = infer(tmp_path, scene, model, max_item_pixels=PART_PIXELS)
    apart = []
    for top, bottom in ((0, 512), (512, 1300)):
        wanted = with_wanted_rows(scene, Rows(top, bottom))
        report, items = infer(tmp_path, wanted, model, max_item_pixels=PART_PIXELS)
        assert report.reused == 1
        apart += items

    assert apart == together


def test_parts_are_done_again_where_one_is_missing(tmp_path: Path, scene: Item, model: Path) -> None:
    _, first = infer(tmp_path, scene, model, max_item_pixels=PART_PIXELS)
    for file in (Path(first[1].rasters["classes"]).with_suffix(".json"), Path(first[1].rasters["probability"])):
        file.unlink()

    report, again = infer(tmp_path, scene, model, max_item_pixels=PART_PIXELS)

    assert report.reused == 0 and again == first
    assert infer(tmp_path, scene, model, max_item_pixels=PART_PIXELS)[0].reused == 1


def test_all_rows_and_a_scene_below_the_limit_are_the_scene(tmp_path: Path, scene: Item, model: Path) -> None:
    _, whole = infer(tmp_path, scene, model)
    report, wanted = infer(tmp_path, with_wanted_rows(scene, Rows(0, 1300)), model, max_item_pixels=10**6)

    assert report.reused == 1 and wanted == whole


def test_rows_that_the_scene_does_not_have_make_it_a_bad_one(tmp_path: Path, scene: Item, model: Path) -> None:
    broken = replace(scene, extra={"wanted_rows": [0, 1301]})

    report, items = infer(tmp_path, broken, model, max_bad=1, allow_empty=True)

    assert items == [] and "is not a range of its 1300 rows" in report.skipped[0].reason


def test_a_negative_limit_is_refused(tmp_path: Path, scene: Item, model: Path) -> None:
    with pytest.raises(ConfigError, match="max_item_pixels: -1 is negative; use 0"):
        infer(tmp_path, scene, model, max_item_pixels=-1)


def break_tile(file: Path, row: int) -> None:
    """Overwrite a tile of the first column."""
    with rasterio.open(file) as dataset:
        start, length = (int(dataset.get_tag_item(f"BLOCK_{what}_0_{row}", "TIFF", 1)) for what in ("OFFSET", "SIZE"))
    content = bytearray(file.read_bytes())
    content[start : start + length] = bytes(length)
    file.write_bytes(content)


def test_a_scene_that_fails_half_way_leaves_nothing_of_itself(tmp_path: Path, model: Path) -> None:
    """The objects that are kept come from a mask of which only the last part cannot be read."""
    scenes = [scene_item(tmp_path, name, SIZE, seed) for seed, name in enumerate(("austin1", "vienna1"))]
    break_tile(tmp_path / "gt" / "austin1.tif", 2)
    write_manifest(tmp_path / "project", bitmap_meta(), scenes)
    options: dict[str, Any] = {
        "data_root": str(tmp_path / "data"),
        "config": CONFIG | {"existing_objects": {"save_classes": ["untitled"], "add_suffix": "_gt"}},
        "image_tags": [],
        "max_item_pixels": PART_PIXELS,
    }
    with pytest.raises(TooManySkippedError, match=r"1 of 2 images skipped.*austin1: .*gt/austin1\.tif"):
        infer_windows(tmp_path / "project", model, tmp_path / "inf", **options)

    report = infer_windows(tmp_path / "project", model, tmp_path / "inf", max_bad=1, **options)

    assert [scene.name for scene in report.skipped] == ["ds/austin1"]
    assert [item.name for item in open_project(tmp_path / "inf")] == [f"vienna1__r{top:07}" for top in (0, 512, 1024)]


def test_an_item_that_leads_elsewhere_is_skipped(tmp_path: Path, scene: Item, model: Path) -> None:
    assert scene.image is not None
    elsewhere = replace(scene, name="odd", image=replace(scene.image, uri="/vsicurl/http://host/a.tif"))
    write_manifest(tmp_path / "project", bitmap_meta(), [elsewhere, scene])
    options: dict[str, Any] = {"data_root": str(tmp_path / "data"), "config": CONFIG, "image_tags": []}
    report = infer_windows(tmp_path / "project", model, tmp_path / "inf", max_bad=1, **options)
    assert [(entry.name, "leads elsewhere" in entry.reason) for entry in report.skipped] == [("ds/odd", True)]
    assert [item.name for item in open_project(tmp_path / "inf")] == ["austin1"]
