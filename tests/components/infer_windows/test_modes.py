"""The modes that look at regions, from project and model to predictions."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch

from components.collect_predictions.collect_predictions import collect_predictions
from components.core.documents.tutorial import INFERENCE_CONFIG
from components.core.errors import ConfigError, TooManySkippedError
from components.core.figures import Point, Polygon, Rectangle, Shape, vertices
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery import Crop, Flip
from components.core.imagery.operations import Resize, Rotate
from components.core.imagery.recipe import Step
from components.core.network.model_artifact import load_model
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, open_project, write_manifest
from components.infer_windows.infer_windows import InferenceResult, infer_windows
from tests.builders import CRS, TRANSFORM, noise, write_raster, write_tiled
from tests.components.infer_windows.small import (
    CONFIDENCE_ERROR,
    SIZE,
    SOFT,
    WINDOW_PX,
    bitmaps,
    raster,
    save_pair_model,
)

CAR, TREE, SPOT = "car", "tree", "spot"
META = ProjectMeta(
    "INRIA",
    (
        ClassInfo.with_own_color(CAR, Shape.RECTANGLE),
        ClassInfo.with_own_color(TREE, Shape.POLYGON),
        ClassInfo.with_own_color(SPOT, Shape.POINT),
    ),
)
BOX = Window(20, 30, 48, 60)
WHOLE = Window.of_size(SIZE)


def rectangle(box: Window, title: str = CAR) -> Object:
    return Object(title, Rectangle(box.top, box.left, box.bottom, box.right))


def polygon(box: Window, title: str = TREE) -> Object:
    corners = [(box.top, box.left), (box.top, box.right), (box.bottom, box.right), (box.bottom, box.left)]
    return Object(title, Polygon(vertices(corners), ()))


def write_item(root: Path, *objects: Object, name: str = "a", size: Size = SIZE, seed: int = 1) -> Item:
    uri = write_tiled(root / f"{name}.tif", noise(size, seed), photometric="rgb")
    return Item("ds", name, size, ImageRef.whole(uri, size, CRS, TRANSFORM), objects=objects)


def config_of(source: str, **mode: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(INFERENCE_CONFIG.read_text())
    return document | {"mode": {"source": source, **mode}, "gpu_devices": [], "precision": "float32"}


Found = tuple[InferenceResult, ProjectMeta, list[Item]]


def run(root: Path, items: Item | list[Item], model: Path, config: dict[str, Any], **options: Any) -> Found:
    write_manifest(root / "project", META, [items] if isinstance(items, Item) else items)
    places: dict[str, Any] = {"data_root": str(root / "data"), "image_tags": ()}
    report = infer_windows(root / "project", model, root / "inf", config=config, **places, **options)
    result = open_project(root / "inf")
    return report, result.meta, list(result)


def infer(root: Path, items: Item | list[Item], model: Path, source: str, **mode: Any) -> Found:
    return run(root, items, model, config_of(source, **mode))


def rasters(item: Item) -> tuple[np.ndarray, np.ndarray]:
    return raster(item.rasters["classes"]), raster(item.rasters["confidence"])


def bounds(window: Window, size: Size = SIZE) -> dict[str, str]:
    """The bounds of `roi` that leave a window."""
    sides = (window.top, window.left, size.height - window.bottom, size.width - window.right)
    return {side: f"{length}px" for side, length in zip(("top", "left", "bottom", "right"), sides, strict=True)}


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose results are shares of all sizes."""
    return save_pair_model(tmp_path_factory.mktemp("model") / "soft", SOFT)


def shares(model: Path, image: ImageRef, window: Window) -> np.ndarray:
    """(C, h, w) float32 probabilities that the network gives for a part of an image, stretched there and back."""
    pixels = torch.from_numpy(image.then(Crop(window)).pixels().astype(np.float32))[None]
    network, stretch = load_model(model).network, torch.nn.functional.interpolate
    with torch.inference_mode():
        small = network(stretch(pixels, (WINDOW_PX, WINDOW_PX), mode="bilinear")).softmax(1)
        result: np.ndarray = stretch(small, (window.height, window.width), mode="bilinear")[0].numpy()
    return result


def test_the_whole_image_is_stretched_there_and_back(tmp_path: Path, soft: Path) -> None:
    report, meta, (found,) = infer(tmp_path, write_item(tmp_path), soft, "full_image")

    values, confidence = rasters(found)
    assert found.image is not None
    probabilities = shares(soft, found.image, WHOLE)
    chosen = np.take_along_axis(probabilities, values[np.newaxis], axis=0)[0]
    assert np.abs(chosen - probabilities.max(axis=0)).max() < 1e-5
    assert np.abs(confidence - chosen * 255).max() <= CONFIDENCE_ERROR
    assert meta.titles == ("bg_dl", "untitled_dl")
    assert (report.megapixels, report.no_data_megapixels, report.skipped_windows) == (0.012, 0, 0)
    with rasterio.open(found.rasters["classes"]) as dataset:
        assert (dataset.nodata, dataset.transform) == (None, TRANSFORM)


def test_a_full_image_is_one_window_of_its_size(tmp_path: Path, soft: Path) -> None:
    item = write_item(tmp_path)
    _, _, (full,) = infer(tmp_path, item, soft, "full_image")
    window = {"height": SIZE.height, "width": SIZE.width}
    _, _, (sliding,) = infer(tmp_path, item, soft, "sliding_window", window=window, min_overlap={"x": 0, "y": 0})

    assert full.rasters != sliding.rasters
    for role in ("classes", "confidence"):
        assert Path(full.rasters[role]).read_bytes() == Path(sliding.rasters[role]).read_bytes()


def test_regions_of_the_whole_image_are_the_full_image_and_one_work(tmp_path: Path, soft: Path) -> None:
    item = write_item(tmp_path, rectangle(WHOLE), rectangle(WHOLE), polygon(WHOLE))

    first, _, (full,) = infer(tmp_path, item, soft, "full_image")
    second, _, (roi,) = infer(tmp_path, item, soft, "roi")
    third, _, (boxes,) = infer(tmp_path, item, soft, "bboxes")

    assert [report.reused for report in (first, second, third)] == [0, 1, 1]
    assert full == roi == boxes


def test_a_region_is_seen_as_an_image_of_its_own(tmp_path: Path, soft: Path) -> None:
    item = write_item(tmp_path, rectangle(Window(0, 0, 9, 9)))
    assert item.image is not None
    cut = item.image.then(Crop(BOX))
    _, _, (alone,) = infer(tmp_path, Item("ds", "cut", BOX.size, cut), soft, "full_image")

    report, _, (found,) = infer(tmp_path, item, soft, "roi", bounds=bounds(BOX))

    for whole, part, outside in zip(rasters(found), rasters(alone), (255, 0), strict=True):
        assert np.array_equal(whole[BOX.slices], part)
        assert np.count_nonzero(whole == outside) >= SIZE.area - BOX.size.area
        whole[BOX.slices] = outside
        assert (whole == outside).all()
    for title, figure in bitmaps(found).items():
        own = bitmaps(alone)[title]
        assert figure.window == own.window.shift(BOX.top, BOX.left) and figure.area == own.area
        assert np.array_equal(figure.mask.pixels(), own.mask.pixels())
    assert report.no_data_megapixels == pytest.approx((SIZE.area - BOX.size.area) / 1e6)
    with rasterio.open(found.rasters["classes"]) as dataset:
        assert (dataset.nodata, dataset.transform) == (255, TRANSFORM)


def test_the_box_of_an_object_is_the_roi_of_the_same_bounds(tmp_path: Path, soft: Path) -> None:
    inner = Window(25, 33, 40, 50)
    padding = {"top": "5px", "left": "3px", "bottom": "3px", "right": "14%"}
    item = write_item(tmp_path, polygon(inner), rectangle(Window(0, 0, 9, 9)))

    first, _, (roi,) = infer(tmp_path, item, soft, "roi", bounds=bounds(BOX))
    second, _, (boxes,) = infer(tmp_path, item, soft, "bboxes", from_classes=[TREE], padding=padding)

    assert (first.reused, second.reused) == (0, 1) and roi == boxes


def test_overlapping_boxes_are_averaged(tmp_path: Path, soft: Path) -> None:
    places = [Window(5, 10, 40, 70), BOX, Window(60, 0, 40, 120), Window(0, 119, 100, 1)]
    item = write_item(tmp_path, *(rectangle(place) for place in reversed(places)))

    _, _, (found,) = infer(tmp_path, item, soft, "bboxes")

    assert found.image is not None
    sums, counts = np.zeros((2, SIZE.height, SIZE.width)), np.zeros((SIZE.height, SIZE.width))
    for place in places:
        sums[(slice(None), *place.slices)] += shares(soft, found.image, place)
        counts[place.slices] += 1
    values, confidence = rasters(found)
    seen = counts > 0
    means = sums[:, seen] / counts[seen]
    chosen = np.take_along_axis(means, values[seen][np.newaxis].astype(int), axis=0)[0]
    assert counts.max() > 1 and (values[~seen] == 255).all() and (confidence[~seen] == 0).all()
    assert np.abs(chosen - means.max(axis=0)).max() < 1e-5
    assert np.abs(confidence[seen] - chosen * 255).max() <= CONFIDENCE_ERROR


def test_one_bitmap_a_class_whatever_the_boxes(tmp_path: Path, model: Path) -> None:
    item = write_item(tmp_path, rectangle(Window(0, 0, 20, 20)), rectangle(Window(70, 70, 30, 30)))

    _, meta, (found,) = infer(tmp_path, item, model, "bboxes")

    assert [entry.class_title for entry in found.objects] == ["bg_dl", "untitled_dl"]
    assert sum(figure.area for figure in bitmaps(found).values()) == 400 + 900
    assert meta.titles == ("bg_dl", "untitled_dl")


def test_saved_rectangles_are_of_the_region_and_of_each_object(tmp_path: Path, model: Path) -> None:
    inner = Window(25, 33, 40, 50)
    item = write_item(tmp_path, rectangle(inner), polygon(inner), rectangle(inner), Object(SPOT, Point(1.0, 1.0)))

    _, meta, (roi,) = infer(tmp_path, item, model, "roi", bounds=bounds(BOX), save=True)
    _, boxes_meta, (boxes,) = infer(
        tmp_path, item, model, "bboxes", from_classes=[TREE, CAR], padding={"top": "2px"}, save=True
    )

    assert meta.titles == ("bg_dl", "untitled_dl", "inference_roi")
    assert roi.objects[0] == Object("inference_roi", Rectangle(20, 30, 68, 90))
    assert boxes_meta.titles == ("bg_dl", "untitled_dl", "car_input_bbox", "tree_input_bbox")
    assert [known.shape for known in boxes_meta.classes[2:]] == [Shape.RECTANGLE] * 2
    saved = [entry for entry in boxes.objects if entry.class_title.endswith("_input_bbox")]
    assert [entry.class_title[:4] for entry in saved] == ["car_", "tree", "car_"]
    assert {entry.figure.key() for entry in saved} == {(23, 33, 65, 83)}


def test_existing_objects_stay_by_class_and_the_model_s_too(tmp_path: Path, model: Path) -> None:
    car, tree = rectangle(BOX), polygon(Window(0, 0, 30, 30))
    config = config_of("bboxes", from_classes=[CAR], save=True, add_suffix="_seen") | {
        "model_classes": {"save_classes": ["untitled"], "add_suffix": "_net"},
        "existing_objects": {"save_classes": [TREE, CAR], "add_suffix": "_old"},
    }

    _, meta, (found,) = run(tmp_path, write_item(tmp_path, car, tree), model, config)

    assert meta.titles == ("car_old", "tree_old", "untitled_net", "car_seen")
    assert [entry.class_title for entry in found.objects] == ["car_old", "tree_old", "car_seen", "untitled_net"]
    assert found.objects[1] == replace(tree, class_title="tree_old")


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        (
            {"source": "bboxes", "from_classes": ["house", CAR]},
            "mode.from_classes: 'house' is not a class of project 'INRIA'; its classes: 'car', 'tree', 'spot'",
        ),
        (
            {"source": "bboxes", "save": True, "add_suffix": ""},
            "class 'car' would come both from existing_objects and from mode.add_suffix",
        ),
        ({"source": "roi", "save": True, "class_name": "bg_dl"}, "class 'bg_dl' would come both from model_classes"),
    ],
)
def test_classes_that_are_not_there_or_twice_are_refused(
    tmp_path: Path, model: Path, mode: dict[str, Any], message: str
) -> None:
    config = config_of(**mode) | {"existing_objects": {"save_classes": [CAR]}}

    with pytest.raises(ConfigError, match=message):
        run(tmp_path, write_item(tmp_path, rectangle(BOX)), model, config)
    assert not (tmp_path / "inf").exists() and not (tmp_path / "data").exists()


def test_a_project_without_classes_has_no_boxes(tmp_path: Path, model: Path) -> None:
    write_manifest(tmp_path / "project", ProjectMeta("bare", ()), [write_item(tmp_path)])

    with pytest.raises(ConfigError, match="'bboxes' infers boxes of objects, and project 'bare' has no class; give"):
        infer_windows(
            tmp_path / "project",
            model,
            tmp_path / "inf",
            data_root=str(tmp_path / "data"),
            image_tags=(),
            config=config_of("bboxes"),
        )


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (
            {"source": "full_image"},
            "mode.source: 'full_image' runs the image through the network at once, which is 3×8193",
        ),
        ({"source": "roi", "bounds": {"top": "3px"}}, "mode.bounds: top 3px and bottom 0px leave none of the 3 rows"),
        ({"source": "bboxes"}, "'bboxes' runs rows 0–2, columns 0–8192, the box of an object of class 'car', through"),
    ],
)
def test_an_image_that_cannot_be_done_is_named_before_anything_is_run(
    tmp_path: Path, model: Path, mode: dict[str, Any], reason: str
) -> None:
    size = Size(3, 8193)
    wide = write_item(tmp_path, rectangle(Window.of_size(size)), name="wide", size=size)
    items = [write_item(tmp_path, rectangle(BOX)), wide]

    with pytest.raises(TooManySkippedError, match=rf"1 of 2 images skipped.*ds/wide: inference\.config: .*{reason}"):
        run(tmp_path, items, model, config_of(**mode))
    assert not list((tmp_path / "data").rglob("*.tif"))

    report, _, (found,) = run(tmp_path, items, model, config_of(**mode), max_bad=1)
    assert found.name == "a" and [entry.name for entry in report.skipped] == ["ds/wide"]


def test_images_without_a_box_are_named_and_get_no_prediction(
    tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    items = [
        write_item(tmp_path, rectangle(BOX)),
        write_item(tmp_path, name="bare"),
        write_item(tmp_path, Object(SPOT, Point(5.0, 5.0)), rectangle(Window(100, 0, 5, 5)), name="outside"),
    ]

    with caplog.at_level(logging.WARNING):
        report, _, found = infer(tmp_path, items, model, "bboxes")

    assert "2 of 3 images have no annotated box to infer and get no prediction: ds/bare, ds/outside" in caplog.text
    assert [len(item.objects) for item in found] == [2, 0, 0]
    assert (rasters(found[1])[0] == 255).all() and (rasters(found[1])[1] == 0).all()
    assert report.scenes == 3 and report.no_data_megapixels == pytest.approx(0.036 - BOX.size.area / 1e6)
    assert infer(tmp_path, items, model, "bboxes")[0].reused == 3


def test_what_moves_a_region_makes_it_another_result(tmp_path: Path, model: Path) -> None:
    car = write_item(tmp_path, rectangle(BOX), polygon(Window(0, 0, 9, 9)))
    moved = replace(car, objects=(rectangle(BOX.shift(1, 0)), car.objects[1]))
    other = replace(car, objects=(car.objects[0], polygon(Window(50, 50, 9, 9))))

    def reused(item: Item, **mode: Any) -> int:
        return infer(tmp_path, item, model, "bboxes", from_classes=[CAR], **mode)[0].reused

    assert [reused(car), reused(moved), reused(other), reused(car, flips="both")] == [0, 0, 1, 0]
    assert [reused(car, save=True), reused(car, padding={"left": "1px"}), reused(car)] == [1, 0, 1]


def test_large_scenes_in_parts_are_the_scene(tmp_path: Path, soft: Path) -> None:
    size = Size(1300, 120)
    objects = [rectangle(Window(top, 5 * (top // 100), 300, 60)) for top in range(0, 1000, 200)]
    item = write_item(tmp_path, *objects, size=size)
    config = config_of("bboxes", save=True, padding={"top": "10%"})

    _, _, (whole,) = run(tmp_path, item, soft, config)
    _, _, parts = run(tmp_path, item, soft, config, max_item_pixels=512 * 120)

    assert [part.size.height for part in parts] == [512, 512, 276]
    for index, joined in enumerate(rasters(whole)):
        assert np.array_equal(np.concatenate([rasters(part)[index] for part in parts]), joined)
    drawn = [canvas(part, "car_input_bbox") for part in parts]
    assert np.array_equal(np.concatenate(drawn), canvas(whole, "car_input_bbox"))


def canvas(item: Item, title: str) -> np.ndarray:
    """Where the rectangles of a class lie, each without the row and column behind its last ones."""
    result = np.zeros((item.size.height, item.size.width), np.bool_)
    for entry in item.objects:
        if entry.class_title == title and isinstance(entry.figure, Rectangle):
            top, left, bottom, right = entry.figure.pixel_sides
            result[top:bottom, left:right] = True
    return result


def test_shards_together_are_the_whole(tmp_path: Path, model: Path) -> None:
    items = [
        write_item(tmp_path, rectangle(BOX.shift(number, number)), name=f"s{number}", seed=number)
        for number in range(3)
    ]
    config = config_of("bboxes", save=True)
    _, _, together = run(tmp_path, items, model, config)
    for number in (1, 2):
        run(tmp_path, items, model, config, shard=f"{number}/2")
        (tmp_path / "inf").rename(tmp_path / f"part{number}")

    collect_predictions([tmp_path / "part1", tmp_path / "part2"], tmp_path / "project", tmp_path / "all")

    assert list(open_project(tmp_path / "all")) == together


@pytest.mark.parametrize("source", ["full_image", "roi", "bboxes"])
@pytest.mark.parametrize("size", [Size(1, 1), Size(1, 90), Size(301, 2)])
def test_the_smallest_and_narrowest_images_are_done(tmp_path: Path, model: Path, source: str, size: Size) -> None:
    item = write_item(tmp_path, rectangle(Window(0, 0, 1, 1)), size=size)

    _, _, (found,) = infer(tmp_path, item, model, source)

    values, _ = rasters(found)
    assert values.shape == (size.height, size.width)
    assert np.count_nonzero(values < 2) == (1 if source == "bboxes" else size.area)


TURNS: dict[str, list[Step]] = {
    "upside down": [Flip(FlipAxis.UP_DOWN), Flip(FlipAxis.LEFT_RIGHT)],
    "turned by 180": [Rotate(180.0)],
    "turned by 90, cut": [Rotate(90.0), Crop(Window(10, 5, 110, 90))],
    "turned by 180, twice as large": [Rotate(180.0), Resize(200, 240, 2.0, 2.0)],
    "turned by 33": [Rotate(33.0)],
}


@pytest.mark.parametrize("turn", TURNS)
def test_images_are_looked_at_as_their_recipes_show_them(tmp_path: Path, soft: Path, turn: str) -> None:
    item = write_item(tmp_path)
    assert item.image is not None
    shown = item.image
    for step in TURNS[turn]:
        shown = shown.then(step)
    size = shown.recipe.size
    stored = write_raster(tmp_path / "stored.png", shown.pixels())
    box = rectangle(Window(3, 30, 40, 50))
    items = [
        Item("ds", "shown", size, shown, objects=(box,)),
        Item("ds", "stored", size, ImageRef.whole(stored, size), objects=(box,)),
    ]

    for config in (
        config_of("full_image"),
        config_of("roi", bounds={"top": "33px", "left": "9%"}),
        config_of("bboxes"),
    ):
        _, _, (one, other) = run(tmp_path, items, soft, config)
        for left, right in zip(rasters(one), rasters(other), strict=True):
            assert np.array_equal(left, right)


def test_mirror_images_count_in_every_mode(tmp_path: Path, soft: Path) -> None:
    item = write_item(tmp_path)
    _, _, (plain,) = infer(tmp_path, item, soft, "full_image")
    _, _, (flipped,) = infer(tmp_path, item, soft, "full_image", flips="left_right")

    assert plain.image is not None
    mirrored = plain.image.then(Flip(FlipAxis.LEFT_RIGHT))
    means = (shares(soft, plain.image, WHOLE) + shares(soft, mirrored, WHOLE)[..., ::-1]) / 2
    values, confidence = rasters(flipped)
    assert np.abs(confidence - means.max(axis=0) * 255).max() <= CONFIDENCE_ERROR
    assert not np.array_equal(values, rasters(plain)[0])
