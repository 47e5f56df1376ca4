"""`resize` and `rotate`: sizes, figures, pixels, georeferences."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from components.core.dtl.graph import build_query
from components.core.errors import ConfigError, TooManySkippedError
from components.core.figures import Bitmap, Line, Point, Polygon, Rectangle, vertices
from components.core.geometry import Size
from components.core.project import Item, Object, open_project
from tests.builders import TRANSFORM, scene_project
from tests.components.core.dtl.projects import car, house, item, names, run, write
from tests.queries import data, layer, save

SQUARE = Object("house", Polygon(vertices([(10, 10), (10, 30), (30, 30), (30, 10)])))


def resize(width: int, height: int, keep: bool = True) -> list[Any]:
    settings = {"width": width, "height": height, "aspect_ratio": {"keep": keep}}
    return [data(), layer("resize", "$all", "$1", **settings), save("$1")]


def rotate(least: float, most: float | None = None, mode: str = "keep") -> list[Any]:
    angles = {"min_degrees": least, "max_degrees": least if most is None else most}
    return [data(), layer("rotate", "$all", "$1", rotate_angles=angles, black_regions={"mode": mode}), save("$1")]


def pixels_of(found: Item) -> np.ndarray:
    """(H, W, 3) uint8 RGB."""
    assert found.image is not None
    return np.ascontiguousarray(np.moveaxis(found.image.pixels(), 0, 2))


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize(
    ("layers", "size"),
    [
        (resize(75, 95, keep=False), Size(95, 75)),
        (resize(-1, 50), Size(50, 75)),
        (resize(180, -1), Size(120, 180)),
        (resize(100, 100), Size(100, 100)),
        (resize(190, 60), Size(60, 190)),
        (resize(121, 81), Size(81, 121)),
        (resize(1, -1), Size(1, 1)),
    ],
)
def test_sizes(tmp_path: Path, layers: list[Any], size: Size, dry: bool) -> None:
    (found,), _ = run(layers, write(tmp_path, [item("a", house(), size=Size(81, 121))]), dry=dry)
    assert found.size == size and found.name == f"a_{size}".replace("×", "x")


def test_vectors_are_multiplied_by_the_factor_as_it_is(tmp_path: Path) -> None:
    objects = (
        car(8, 10, 60.5, 34),
        Object("car", Point(20, 121)),
        Object("car", Line(vertices([(0, 0), (81, 121)]))),
        SQUARE,
    )
    project = write(tmp_path, [item("a", *objects, size=Size(81, 121))])
    (found,), _ = run(resize(180, -1), project)
    factor = 180 / 121
    box, point, line, square = (entry.figure for entry in found.objects)
    assert box == Rectangle(8 * factor, 10 * factor, 60.5 * factor, 34 * factor)
    assert point == Point(20 * factor, 180)
    assert isinstance(line, Line) and line.points.max(axis=0) == pytest.approx([120, 180], abs=0.8), "clipped"
    assert isinstance(square, Polygon) and square.area == pytest.approx(400 * factor**2)


def test_a_letterbox_is_centred_on_black(tmp_path: Path) -> None:
    project = scene_project(tmp_path, ("town1",), Size(40, 61))
    source, (found,) = next(iter(open_project(project))), run(resize(100, 100), project)[0]
    factor = 100 / 61
    inner = cv2.resize(pixels_of(source), None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    height = inner.shape[0]
    top = (100 - height) // 2
    pixels = pixels_of(found)
    assert np.abs(pixels[top : top + height].astype(int) - inner).max() <= 1
    assert not pixels[:top].any() and not pixels[top + height :].any()
    mask, before = canvas_of(found), canvas_of(source)
    rows = ((np.arange(height) + 0.5) * 40 / height).astype(int)
    columns = ((np.arange(100) + 0.5) * 61 / 100).astype(int)
    assert (mask[top : top + height] == before[rows][:, columns]).all()
    assert not mask[:top].any() and not mask[top + height :].any()


def canvas_of(found: Item) -> np.ndarray:
    canvas = np.zeros((found.size.height, found.size.width), np.uint8)
    for entry in found.objects:
        entry.figure.draw(canvas, 1)
    return canvas


def test_what_vanishes_is_dropped_and_the_image_stays(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", house("#", top=1, left=1), house("#" * 50, *["#" * 50] * 30, top=5, left=5))])
    (found,), report = run(resize(6, 4, keep=False), project)
    assert len(found.objects) == 1 and not report.skipped


def test_georeference_of_resized_images(tmp_path: Path) -> None:
    (found,), _ = run(resize(30, -1), scene_project(tmp_path, ("town1",), Size(40, 60)))
    assert found.image is not None and found.image.item_transform is not None
    assert found.image.item_transform @ (30, 20) == pytest.approx(TRANSFORM @ (60, 40))


@pytest.mark.parametrize(
    ("layers", "fault"),
    [
        (resize(-1, -1), "width and height are both -1"),
        (resize(-1, 5, keep=False), "set aspect_ratio.keep to true"),
        (resize(0, 5), "width: 0 leaves no pixel"),
        (resize(5, -2), "height"),
        (resize(1 << 30, 5), "width"),
        ([data(), layer("resize", "$all", "$1", width=1, height=1), save("$1")], "aspect_ratio: is missing"),
        (rotate(10, 5), "min_degrees 10 is above max_degrees 5"),
        (rotate(0, 400), "max_degrees"),
        (rotate(0, 1, "fill"), "black_regions.mode"),
        ([data(), layer("rotate", "$all", "$1", rotate_angles={"min_degrees": 1}), save("$1")], "is missing"),
    ],
)
def test_faulty_settings(layers: list[Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=rf"query\[1\]\.settings.*{fault}"):
        build_query(layers)


def test_too_large_a_result_is_explained(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", size=Size(4, 40_000))])
    with pytest.raises(TooManySkippedError, match=r"would become .* px; sides are up to"):
        run(resize(-1, 400), project)
    project = write(tmp_path, [item("a", size=Size(4, 2_000_000))], "wide")
    layers = rotate(5)
    layers[0] = data("wide/*")
    with pytest.raises(TooManySkippedError, match="is too large to be rotated: a canvas of"):
        run(layers, project)


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize(
    ("degrees", "mode", "size"),
    [
        (30, "keep", Size(130, 144)),
        (-100, "keep", Size(133, 100)),
        (90, "keep", Size(120, 80)),
        (180, "keep", Size(80, 120)),
        (20, "crop", Size(56, 80)),
        (-7, "crop", Size(68, 102)),
        (90, "crop", Size(120, 80)),
        (0, "crop", Size(80, 120)),
        (35, "preserve_size", Size(80, 120)),
        (70, "preserve_size", Size(80, 120)),
        (90, "preserve_size", Size(80, 120)),
    ],
)
def test_canvases(tmp_path: Path, degrees: float, mode: str, size: Size, dry: bool) -> None:
    project = write(tmp_path, [item("a", size=Size(80, 120))])
    (found,), _ = run(rotate(degrees, mode=mode), project, dry=dry)
    assert found.size == size and found.name == f"a_rot{degrees}"


def test_angles_are_drawn_for_each_item(tmp_path: Path) -> None:
    project = write(tmp_path, [item(f"a{index}") for index in range(20)])
    found, _ = run(rotate(-20, 20, "preserve_size"), project)
    degrees = [float(entry.name.split("_rot")[1]) for entry in found]
    assert all(-20 <= angle <= 20 for angle in degrees) and len(set(degrees)) == 20
    assert min(degrees) < -5 and max(degrees) > 5
    assert names(run(rotate(-20, 20, "preserve_size"), project)[0]) == names(found)
    assert names(run(rotate(-20, 20, "preserve_size"), project, seed=7)[0]) != names(found)


@pytest.mark.parametrize("degrees", [17.0, -40.0, 123.0])
def test_no_black_is_left_when_it_is_cropped(tmp_path: Path, degrees: float) -> None:
    """Nearly none: the corner may lie half a pixel outside, as sides are rounded."""
    project = scene_project(tmp_path, ("town1",), Size(200, 240))
    (found,), _ = run(rotate(degrees, mode="crop"), project)
    assert found.image is not None
    from components.core.imagery import read_validity

    assert np.count_nonzero(~read_validity(found.image.uri, found.image.recipe)) <= 4


def test_pixels_turn_about_the_middle(tmp_path: Path) -> None:
    project = scene_project(tmp_path, ("town1",), Size(40, 61))
    source, (found,) = next(iter(open_project(project))), run(rotate(33), project)[0]
    matrix = cv2.getRotationMatrix2D((61 / 2, 40 / 2), 33, 1.0)
    matrix[:, 2] += ((found.size.width - 61) / 2, (found.size.height - 40) / 2)
    shape = (found.size.width, found.size.height)
    expected = cv2.warpAffine(pixels_of(source), matrix, shape, flags=cv2.INTER_LANCZOS4)
    assert np.abs(pixels_of(found).astype(int) - expected).mean() < 0.2
    (kept,) = run(rotate(33, mode="preserve_size"), project)[0]
    top, left = (found.size.height - 40 + 1) // 2, (found.size.width - 61 + 1) // 2
    whole = np.pad(pixels_of(found), ((0, 9), (0, 9), (0, 0)))
    assert (pixels_of(kept) == whole[top : top + 40, left : left + 61]).all()
    assert (canvas_of(kept) == np.pad(canvas_of(found), ((0, 9), (0, 9)))[top : top + 40, left : left + 61]).all()


def test_vectors_turn_about_the_middle(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", Object("house", Point(40, 110)), SQUARE, size=Size(80, 120))])
    (found,), _ = run(rotate(30), project)
    point, square = (entry.figure for entry in found.objects)
    assert isinstance(point, Point)
    assert point.column == pytest.approx(144 / 2 + 50 * math.cos(math.radians(30)))
    assert point.row == pytest.approx(130 / 2 - 50 * math.sin(math.radians(30)))
    assert square.area == pytest.approx(400)


def test_figures_are_cut_with_the_image(tmp_path: Path) -> None:
    corner = house("##", "##")
    project = write(tmp_path, [item("a", corner, SQUARE, size=Size(40, 40))])
    (found,), _ = run(rotate(45, mode="crop"), project)
    assert [type(entry.figure) for entry in found.objects] == [Polygon], "the corner is cut off"
    (whole,), _ = run(rotate(45), project)
    assert [type(entry.figure) for entry in whole.objects] == [Bitmap, Polygon]


def test_an_image_with_a_rectangle_fails(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", car()), item("b", house())])
    found, report = run(rotate(10), project, max_bad=1)
    assert names(found) == ["b_rot10"]
    (bad,) = report.skipped
    assert bad.source == "INRIA/ds/a"
    assert "query[1]: an object of 'car' in image 'a' is a rectangle, which cannot be rotated" in bad.reason


def test_a_narrow_image_that_crop_leaves_nothing_of_fails(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", size=Size(10, 1000))])
    with pytest.raises(
        TooManySkippedError, match=r"mode: crop leaves nothing of image 'a' of 10×1000 px, turned by 20°"
    ):
        run(rotate(20, mode="crop"), project)


def test_georeference_of_turned_images(tmp_path: Path) -> None:
    (found,), _ = run(rotate(90), scene_project(tmp_path, ("town1",), Size(40, 60)))
    assert found.image is not None and found.image.item_transform is not None
    assert found.image.item_transform @ (0, 60) == pytest.approx(TRANSFORM @ (0, 0))
    assert found.image.item_transform @ (40, 0) == pytest.approx(TRANSFORM @ (60, 40))


def test_summaries() -> None:
    def said(layers: list[Any]) -> str:
        return build_query(layers).layers[1].action.summary()

    assert said(resize(-1, 50)) == "auto × 50 px, aspect ratio kept"
    assert said(resize(20, 50, keep=False)) == "20 × 50 px"
    assert said(rotate(-5, 5, "crop")) == "-5° to 5°, crop"
    assert said(rotate(90)) == "90°, keep"
