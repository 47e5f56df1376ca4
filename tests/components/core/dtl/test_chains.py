"""Random chains of actions on pixels: figures, pixels and places stay together, and nothing leaves the image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import Bitmap, InlineMask, Polygon, vertices
from components.core.geometry import Size, Window
from components.core.imagery.images import read_image, read_validity
from components.core.imagery.recipe import Crop
from components.core.project import ClassInfo, Item, Object, ProjectMeta, open_project
from components.core.project.rows import item_of_row, row_of_item
from tests.builders import write_tiled
from tests.components.core.dtl.projects import META, run, write
from tests.queries import data, layer, save

SIZE = Size(48, 64)

KINDS = ("flip", "crop", "random", "sliding_window", "instances", "resize", "rotate", "blur")
OTHERS = ["yard", "field", "road", "tree", "car"]
"""Classes that are not what images are cut out by."""


@st.composite
def queries(draw: st.DrawFn, most: int = 4) -> list[Any]:
    """A query of actions that move pixels, one after the other."""
    layers: list[Any] = [data()]
    side = st.integers(12, 60)
    for number in range(1, draw(st.integers(1, most)) + 1):
        kind = draw(st.sampled_from([*KINDS]))
        source, target = layers[-1]["dst"], f"${number}"
        if kind == "flip":
            layers.append(layer("flip", source, target, axis=draw(st.sampled_from(["vertical", "horizontal"]))))
        elif kind == "crop":
            sides = {name: draw(st.sampled_from(["0px", "3px", "10%"])) for name in ("left", "top", "right", "bottom")}
            layers.append(layer("crop", source, target, sides=sides))
        elif kind == "random":
            share = {"min_percent": 50, "max_percent": 100}
            layers.append(layer("crop", source, target, random_part={"height": share, "width": share}))
        elif kind == "sliding_window":
            window, overlap = {"width": draw(side), "height": draw(side)}, {"x": 0, "y": 0}
            more = {"window": window, "min_overlap": overlap, "small_images": "whole"}
            layers.append(layer("sliding_window", source, target, **more))
        elif kind == "instances":
            pad = {"sides": dict.fromkeys(("left", "top", "right", "bottom"), draw(st.sampled_from(["0px", "4px"])))}
            layers.append(layer("instances_crop", source, target, classes=["house"], pad=pad, save_classes=OTHERS))
        elif kind == "resize":
            keep = {"aspect_ratio": {"keep": draw(st.booleans())}}
            layers.append(layer("resize", source, target, width=draw(side), height=draw(side), **keep))
        elif kind == "rotate":
            degrees = draw(st.one_of(st.sampled_from([90.0, 180.0, -90.0]), st.floats(-180, 180)))
            angles = {"min_degrees": degrees, "max_degrees": degrees}
            mode = {"mode": draw(st.sampled_from(["keep", "preserve_size"]))}
            layers.append(layer("rotate", source, target, rotate_angles=angles, black_regions=mode))
        else:
            layers.append(layer("blur", source, target, name="median", kernel=3))
    return [*layers, save(layers[-1]["dst"])]


@pytest.fixture(name="project", scope="module")
def fixture_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image that is its own mask: white where its house is, and black elsewhere."""
    root = tmp_path_factory.mktemp("chains")
    mask = np.zeros((SIZE.height, SIZE.width), np.bool_)
    mask[8:30, 10:34] = True
    mask[12:18, 16:24] = False
    mask[32:44, 40:60] = True
    uri = write_tiled(root / "a.tif", np.repeat(mask[np.newaxis] * np.uint8(255), 3, axis=0))
    bitmap = Bitmap.of_pixels(mask)
    polygon = Polygon(vertices([(32, 40), (32, 59), (43, 59), (43, 40)]))
    assert bitmap is not None
    from components.core.project import ImageRef

    entry = Item("ds", "a", SIZE, ImageRef.whole(uri, SIZE), objects=(Object("house", bitmap), Object("yard", polygon)))
    yard = ClassInfo("yard", polygon.shape, "#000000")
    return write(root, [entry], meta=replace(META, classes=(*META.classes, yard)))


def drawn(found: Item, title: str) -> np.ndarray:
    canvas = np.zeros((found.size.height, found.size.width), np.uint8)
    for entry in found.objects:
        if entry.class_title == title:
            entry.figure.draw(canvas, 1)
    return canvas > 0


def border_of(mask: np.ndarray, reach: int) -> np.ndarray:
    """Pixels within so many of a change."""
    import cv2

    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    padded = mask.view(np.uint8)
    return cv2.dilate(padded, kernel) != cv2.erode(padded, kernel, borderValue=1)


@settings(max_examples=80)
@given(layers=queries())
def test_masks_cover_the_pixels_that_they_did(project: Path, layers: list[Any]) -> None:
    """Bright pixels lie under the mask but for a rim: both are resampled, each by its own rule."""
    found, report = run(layers, project)
    assert not report.skipped
    rim = 1 + 2 * sum(entry["action"] in ("resize", "rotate", "blur") for entry in layers)
    for entry in found:
        assert entry.image is not None and entry.image.recipe.size == entry.size
        bright = entry.image.pixels()[0] > 127
        mask = drawn(entry, "house")
        assert bright.shape == mask.shape
        apart = (bright != mask) & ~border_of(mask, rim) & ~border_of(bright, rim)
        assert not apart.any(), layers


@settings(max_examples=80)
@given(layers=queries())
def test_polygons_stay_on_the_mask_that_they_were_drawn_on(project: Path, layers: list[Any]) -> None:
    found, _ = run(layers, project)
    tolerance = 1
    for entry in layers:
        tolerance += {"flip": 1, "resize": 3, "rotate": 3}.get(entry["action"], 0)
    for entry in found:
        mask, yard = drawn(entry, "house"), drawn(entry, "yard")
        outside = yard & ~mask & ~border_of(mask, tolerance) & ~border_of(yard, tolerance)
        assert not outside.any(), layers


@settings(max_examples=80)
@given(layers=queries())
def test_nothing_leaves_the_image_and_nothing_is_empty(project: Path, layers: list[Any]) -> None:
    found, _ = run(layers, project)
    for entry in found:
        for kept in entry.objects:
            figure = kept.figure
            assert figure.area > 0
            if isinstance(figure, Bitmap):
                assert Window.of_size(entry.size).contains(figure.window)
                pixels = figure.mask.pixels()
                assert pixels[0].any() and pixels[-1].any() and pixels[:, 0].any() and pixels[:, -1].any(), "tight"
            else:
                assert isinstance(figure, Polygon)
                assert (figure.exterior >= -1e-6).all()
                assert (figure.exterior <= np.array((entry.size.height, entry.size.width)) + 1e-6).all()


@settings(max_examples=60)
@given(layers=queries(), share=st.floats(0, 1), part=st.floats(0.1, 1))
def test_any_window_of_an_item_shows_what_the_whole_shows(
    project: Path, layers: list[Any], share: float, part: float
) -> None:
    for entry in run(layers, project)[0][:3]:
        assert entry.image is not None
        height, width = max(1, int(entry.size.height * part)), max(1, int(entry.size.width * part))
        top, left = int((entry.size.height - height) * share), int((entry.size.width - width) * share)
        window = Window(top, left, height, width)
        cut = entry.image.then(Crop(window))
        assert (cut.pixels() == entry.image.pixels()[(slice(None), *window.slices)]).all()
        valid = read_validity(cut.uri, cut.recipe)
        assert (valid == read_validity(entry.image.uri, entry.image.recipe)[window.slices]).all()


@settings(max_examples=60)
@given(layers=queries())
def test_items_come_back_from_the_manifest(project: Path, layers: list[Any]) -> None:
    for entry in run(layers, project)[0]:
        assert entry.image is not None
        row = row_of_item(entry)
        row["objects"] = [
            {
                **dict.fromkeys(
                    ("top", "left", "height", "width", "area", "bits", "raster", "value", "recipe", "rings")
                ),
                **o,
            }
            for o in row["objects"]
        ]
        assert item_of_row(row) == entry


@settings(max_examples=60)
@given(layers=queries())
def test_places_follow_the_pixels(tmp_path_factory: pytest.TempPathFactory, layers: list[Any]) -> None:
    """The image's values tell the row and the column that they were at, and the affine says the same."""
    root = tmp_path_factory.getbasetemp() / "places"
    size = Size(48, 64)
    file = root / "INRIA-slopes.tif"
    if not file.exists():
        rows, columns = np.mgrid[: size.height, : size.width].astype(np.uint8)
        write_tiled(file, np.stack([rows * 4 + 20, columns * 3 + 20, np.full_like(rows, 200)]))
        from components.core.project import ImageRef

        entry = Item("ds", "a", size, ImageRef.whole(str(file), size))
        write(root, [entry], meta=ProjectMeta("INRIA"))
    tolerance = 1.5 + 1.5 * sum(entry["action"] in ("resize", "rotate", "blur") for entry in layers)
    for entry in run(layers, root / "INRIA")[0][:3]:
        assert entry.image is not None
        pixels = read_image(entry.image.uri, entry.image.recipe).astype(float)
        matrix = entry.image.recipe.affine()
        for row in range(0, entry.size.height, 5):
            for column in range(0, entry.size.width, 5):
                x, y = matrix @ (column + 0.5, row + 0.5)
                if 5 <= x <= size.width - 5 and 5 <= y <= size.height - 5 and pixels[2, row, column] > 195:
                    assert abs((pixels[0, row, column] - 20) / 4 + 0.5 - y) <= tolerance
                    assert abs((pixels[1, row, column] - 20) / 3 + 0.5 - x) <= tolerance


def test_inline_masks_are_made_of_masks_in_rasters(project: Path) -> None:
    layers = [data(), layer("resize", "$all", "$1", width=32, height=24, aspect_ratio={"keep": False}), save("$1")]
    (found,), _ = run(layers, project)
    assert all(isinstance(entry.figure.mask, InlineMask) for entry in found.objects if isinstance(entry.figure, Bitmap))
    assert len(list(open_project(project))) == 1
