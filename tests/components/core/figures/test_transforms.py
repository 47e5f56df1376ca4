"""Figures of images that are resized, turned or put on a canvas, against the pixels of the same images."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap, Figure, Line, Point, Polygon, Rectangle, transforms, vertices
from components.core.figures.transforms import placed, resized, rotated
from components.core.geometry import Size, Window
from components.core.imagery.operations import Resize, Rotate
from components.core.imagery.rendering import render_validity
from tests import strategies
from tests.builders import block_mask, mask_object, write_tiled

SQUARE = Polygon(vertices([(2, 4), (2, 14), (12, 14), (12, 4)]), (vertices([(4, 6), (4, 8), (6, 8)]),))


def moved_mask(mask: np.ndarray, operation: Resize | Rotate) -> np.ndarray:
    size = Size(*mask.shape)
    result = operation.result_size(size)
    pixels = mask.view(np.uint8)[np.newaxis]
    return (
        render_validity(
            (operation,),
            (size, result),
            Window.of_size(result),
            lambda part: np.ascontiguousarray(pixels[(slice(None), *part.slices)]),
        )[0]
        > 0
    )


def drawn(figures: list[Figure], size: Size) -> np.ndarray:
    canvas = np.zeros((size.height, size.width), np.uint8)
    for figure in figures:
        figure.draw(canvas, 1)
    return canvas > 0


@st.composite
def resizes(draw: st.DrawFn, size: Size) -> Resize:
    down, right = draw(st.floats(0.3, 3)), draw(st.floats(0.3, 3))
    return Resize(max(1, round(size.height * down)), max(1, round(size.width * right)), down, right)


angles = st.one_of(st.floats(-360, 360), st.sampled_from([-90.0, 0.0, 90.0, 180.0, 270.0]))


@given(st.data(), strategies.sizes())
def test_masks_go_the_way_of_pixels(data: st.DataObject, size: Size) -> None:
    mask = data.draw(strategies.masks(size))
    bitmap = Bitmap.of_pixels(mask)
    for operation, move in (
        (data.draw(resizes(size)), resized),
        (Rotate(data.draw(angles)), rotated),
    ):
        found = move(bitmap, operation, size) if bitmap else []  # type: ignore[operator]
        expected = moved_mask(mask, operation)
        assert (drawn(found, operation.result_size(size)) == expected).all()
        assert len(found) == expected.any(), "what vanishes is dropped"
        assert all(figure.key() == Bitmap.of_pixels(expected).key() for figure in found), "tight"


@pytest.mark.parametrize("operation", [Resize(31, 150, 0.31, 1.25), Rotate(23.0), Rotate(270.0)])
def test_masks_of_rasters_and_bands_of_any_height(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: Resize | Rotate
) -> None:
    size = Size(100, 120)
    mask = block_mask(size)
    uri = write_tiled(tmp_path / "mask.tif", mask.view(np.uint8))
    figure = mask_object(uri, mask).figure
    move = resized if isinstance(operation, Resize) else rotated
    for pixels in (1, 500, 1 << 22):
        monkeypatch.setattr(transforms, "BAND_PIXELS", pixels)
        found = move(figure, operation, size)  # type: ignore[arg-type]
        assert (drawn(found, operation.result_size(size)) == moved_mask(mask, operation)).all()


@given(st.data(), strategies.sizes())
def test_nothing_leaves_the_image(data: st.DataObject, size: Size) -> None:
    figure = data.draw(strategies.figures(size))
    resize, rotate = data.draw(resizes(size)), Rotate(data.draw(angles))
    moved = [(part, resize.result_size(size)) for part in resized(figure, resize, size)]
    if not isinstance(figure, Rectangle):
        moved += [(part, rotate.result_size(size)) for part in rotated(figure, rotate, size)]
    for part, canvas in moved:
        assert type(part) is type(figure)
        box = Window(0, 0, canvas.height, canvas.width)
        if isinstance(part, Bitmap):
            assert box.contains(part.window)
            continue
        for row, column in corners(part):
            assert -1e-6 <= row <= canvas.height + 1e-6
            assert -1e-6 <= column <= canvas.width + 1e-6


def corners(figure: Figure) -> list[tuple[float, float]]:
    if isinstance(figure, Polygon):
        return [tuple(point) for ring in (figure.exterior, *figure.interiors) for point in ring.tolist()]
    if isinstance(figure, Line):
        return [tuple(point) for point in figure.points.tolist()]
    if isinstance(figure, Rectangle):
        return [(figure.top, figure.left), (figure.bottom, figure.right)]
    assert isinstance(figure, Point)
    return [(figure.row, figure.column)]


@given(st.data(), st.floats(0.5, 3), st.floats(0.5, 3))
def test_areas_grow_by_the_factors_and_stay_in_a_turn(data: st.DataObject, down: float, right: float) -> None:
    size = Size(40, 60)
    resize = Resize(round(40 * down), round(60 * right), down, right)
    (larger,) = resized(SQUARE, resize, size)
    assert larger.area == pytest.approx(100 * down * right)
    (box,) = resized(Rectangle(2, 4, 12, 14), resize, size)
    assert box.area == pytest.approx(100 * down * right)
    (turned,) = rotated(SQUARE, Rotate(data.draw(angles)), size)
    assert turned.area == pytest.approx(100)
    block = Bitmap.of_pixels(np.ones((10, 10), np.bool_), 2, 4)
    assert block is not None
    (mask,) = resized(block, resize, size)
    assert abs(mask.area - 100 * down * right) <= 10 * (down + right) + 2
    (mask,) = rotated(block, Rotate(data.draw(angles)), size)
    assert abs(mask.area - 100) <= 12


@given(angles)
def test_turned_vectors_cover_the_turned_mask(degrees: float) -> None:
    """Both are drawn; but for their outlines they cover the same pixels."""
    size, rotate = Size(60, 80), Rotate(degrees)
    polygon = Polygon(vertices([(10, 15), (8, 60), (40, 70), (50, 20)]))
    canvas = np.zeros((60, 80), np.uint8)
    polygon.draw(canvas, 1)
    bitmap = Bitmap.of_pixels(canvas > 0)
    assert bitmap is not None
    result = rotate.result_size(size)
    vector, mask = (drawn(rotated(figure, rotate, size), result) for figure in (polygon, bitmap))
    tolerance = 1.5 * (2 * (50 + 40)) if rotate.quarter_turns is None else 2 * (50 + 40)
    assert np.count_nonzero(vector ^ mask) <= tolerance


def test_a_quarter_turn_moves_vectors_about_the_middle() -> None:
    size = Size(80, 120)
    assert rotated(Point(0, 0), Rotate(90.0), size) == [Point(120, 0)]
    assert rotated(Point(0, 120), Rotate(90.0), size) == [Point(0, 0)]
    assert rotated(Point(80, 120), Rotate(180.0), size) == [Point(0, 0)]
    assert rotated(Line(vertices([(0, 0), (80, 0)])), Rotate(-90.0), size) == [Line(vertices([(0, 80), (0, 0)]))]


def test_a_turn_is_counter_clockwise() -> None:
    ((turned),) = rotated(Point(50, 100), Rotate(30.0), Size(100, 100))
    assert isinstance(turned, Point)
    middle = math.ceil(100 * (math.cos(math.radians(30)) + math.sin(math.radians(30)))) / 2
    assert turned.column == pytest.approx(middle + 50 * math.cos(math.radians(30)))
    assert turned.row == pytest.approx(middle - 50 * math.sin(math.radians(30)))


def test_rectangles_cannot_be_turned() -> None:
    with pytest.raises(DataError, match="rectangles cannot be rotated"):
        rotated(Rectangle(0, 0, 2, 2), Rotate(90.0), Size(4, 4))


def test_a_polygon_that_left_the_image_before_is_not_clipped() -> None:
    outside = Polygon(vertices([(-5, 0), (5, 10), (5, 0)]))
    (found,) = resized(outside, Resize(20, 20, 2.0, 2.0), Size(10, 10))
    assert found == Polygon(vertices([(-10, 0), (10, 20), (10, 0)]))


def test_what_rounding_cuts_off_is_clipped() -> None:
    size, resize = Size(81, 81), Resize(120, 120, 120.49 / 81, 120.49 / 81)
    inside = Polygon(vertices([(0, 0), (0, 81), (81, 81), (81, 0)]))
    (found,) = resized(inside, resize, size)
    assert found.area == 120 * 120
    assert resized(Point(81, 81), resize, size) == [Point(120, 120)]
    (line,) = resized(Line(vertices([(81, 0), (0, 81)])), resize, size)
    assert all(0 <= value <= 120 for point in corners(line) for value in point)


@given(st.data(), strategies.sizes())
def test_a_canvas_moves_figures(data: st.DataObject, size: Size) -> None:
    figure = data.draw(strategies.figures(size))
    canvas = Size(size.height + 7, size.width + 9)
    (found,) = placed(figure, 3, 4, size, canvas) or [None]
    if found is None:
        assert not drawn([figure], Size(size.height + 1, size.width + 1)).any() or figure.area == 0
        return
    moved = np.zeros((canvas.height, canvas.width), np.bool_)
    before = drawn([figure], Size(size.height + 1, size.width + 1))
    moved[3 : 3 + size.height + 1, 4 : 4 + size.width + 1] = before
    if isinstance(figure, Bitmap):
        assert (drawn([found], canvas) == moved).all()
    else:
        assert np.array(corners(found)) == pytest.approx(np.array(corners(figure)) + np.array((3, 4)))
