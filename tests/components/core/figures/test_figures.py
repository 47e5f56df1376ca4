"""What every figure holds to, whatever its shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.figures import Bitmap, Figure, InlineMask, Line, Point, Polygon, Rectangle, vertices
from components.core.geometry import FlipAxis, Size, Window
from tests import strategies


@st.composite
def figures_in_images(draw: st.DrawFn) -> tuple[Figure, Size]:
    size = draw(strategies.sizes())
    return draw(strategies.figures(size)), size


def drawn(figure: Figure, size: Size) -> np.ndarray:
    canvas = np.zeros((size.height, size.width), np.uint8)
    figure.draw(canvas, 1)
    return canvas


@given(figures_in_images(), strategies.axes)
def test_flip_twice_is_identity(case: tuple[Figure, Size], axis: FlipAxis) -> None:
    figure, size = case
    again = figure.flip(axis, size).flip(axis, size)
    assert again == figure
    assert hash(again) == hash(figure)


@given(figures_in_images())
def test_flips_along_both_axes_commute(case: tuple[Figure, Size]) -> None:
    figure, size = case
    one, other = FlipAxis
    assert figure.flip(one, size).flip(other, size) == figure.flip(other, size).flip(one, size)


@given(figures_in_images(), strategies.axes)
def test_flip_keeps_area_and_kind(case: tuple[Figure, Size], axis: FlipAxis) -> None:
    figure, size = case
    mirrored = figure.flip(axis, size)
    assert type(mirrored) is type(figure)
    assert mirrored.area == pytest.approx(figure.area)


@given(figures_in_images())
def test_the_whole_image_crops_nothing_off(case: tuple[Figure, Size]) -> None:
    figure, size = case
    if isinstance(figure, (Bitmap, Point)) or (isinstance(figure, Rectangle) and figure.area):
        assert figure.crop(Window.of_size(size)) == [figure]


@given(figures_in_images(), st.data())
def test_crops_lie_in_their_window(case: tuple[Figure, Size], data: st.DataObject) -> None:
    figure, size = case
    window = data.draw(strategies.windows(size))
    for part in figure.crop(window):
        assert type(part) is type(figure)
        assert part.flip(FlipAxis.LEFT_RIGHT, window.size).crop(Window.of_size(window.size)), "still inside"
        if isinstance(part, Polygon):
            assert part.exterior.min() >= -1e-9
            assert (part.exterior <= (window.height + 1e-9, window.width + 1e-9)).all()
        if isinstance(part, Rectangle):
            assert 0 <= part.top < part.bottom <= window.height
            assert 0 <= part.left < part.right <= window.width


@given(strategies.sizes().flatmap(lambda size: st.tuples(strategies.masks(size), strategies.windows(size))))
def test_a_bitmaps_crop_is_the_crop_of_its_pixels(case: tuple[np.ndarray, Window]) -> None:
    pixels, window = case
    size = Size(*pixels.shape)
    bitmap = Bitmap.of_pixels(pixels)
    parts = bitmap.crop(window) if bitmap else []
    expected = pixels[window.slices]
    assert len(parts) == int(expected.any()), "one bitmap, even when it falls into pieces"
    for part in parts:
        assert (drawn(part, window.size) == expected).all()
        assert part.area == expected.sum()
        assert part == Bitmap.of_pixels(expected), "tight"
    assert (drawn(bitmap, size) == pixels).all() if bitmap else not pixels.any()


def test_flip_moves_masks_by_pixel_and_vectors_by_side() -> None:
    size = Size(10, 20)
    bitmap = Bitmap(2, 3, InlineMask(np.array([[True, False], [True, True]])))
    mirrored = bitmap.flip(FlipAxis.LEFT_RIGHT, size)
    assert (mirrored.top, mirrored.left) == (2, 15)
    assert mirrored.mask.pixels().tolist() == [[False, True], [True, True]]
    assert Point(2, 3).flip(FlipAxis.LEFT_RIGHT, size) == Point(2, 17)
    assert Point(2, 3).flip(FlipAxis.UP_DOWN, size) == Point(8, 3)
    assert Rectangle(1, 2, 3, 4).flip(FlipAxis.UP_DOWN, size) == Rectangle(7, 2, 9, 4)


def test_borders_belong_to_points_and_not_to_areas() -> None:
    left, right = Window(0, 0, 10, 10), Window(0, 10, 10, 10)
    assert Point(5, 10).crop(left) == [Point(5, 10)]
    assert Point(5, 10).crop(right) == [Point(5, 0)]
    rectangle = Rectangle(0, 4, 10, 10)
    assert rectangle.crop(left) == [rectangle]
    assert rectangle.crop(right) == []
    square = Polygon(vertices([(0, 4), (0, 10), (10, 10), (10, 4)]))
    assert len(square.crop(left)) == 1
    assert square.crop(right) == []


def test_a_line_that_leaves_and_comes_back_falls_in_two() -> None:
    line = Line(vertices([(1, 0), (1, 30), (5, 30), (5, 0)]))
    parts = line.crop(Window(0, 0, 10, 10))
    assert sorted(part.points.tolist() for part in parts) == [[[1, 0], [1, 10]], [[5, 10], [5, 0]]]


def test_a_line_inside_keeps_its_loops() -> None:
    loop = Line(vertices([(0, 1), (0, 0), (0.5, 0), (0, 0.5), (0, 0.5)]))
    assert loop.normalise(Size(4, 4)) == [loop]
    assert Line(vertices([(1, 1), (1, 1)])).normalise(Size(4, 4)) == [], "a single place is not a line"


def test_a_crop_keeps_a_polygons_holes() -> None:
    ring = vertices([(0, 0), (0, 20), (20, 20), (20, 0)])
    hole = vertices([(2, 2), (2, 4), (4, 4), (4, 2)])
    (part,) = Polygon(ring, (hole,)).crop(Window(1, 1, 10, 10))
    assert len(part.interiors) == 1
    assert sorted(map(tuple, part.interiors[0].tolist())) == [(1, 1), (1, 3), (3, 1), (3, 3)]


def test_reading_clips_all_but_polygons() -> None:
    size = Size(10, 10)
    wide = Polygon(vertices([(0, 0), (0, 20), (5, 20)]))
    assert wide.normalise(size) == [wide]
    assert Polygon(vertices([(0, 0), (0, 20)])).normalise(size) == []
    assert Rectangle(-5, 2, 5, 30).normalise(size) == [Rectangle(0, 2, 5, 10)]
    assert Point(3, 11).normalise(size) == []
    outside = Bitmap(8, -1, InlineMask(np.ones((4, 3), np.bool_)))
    (clipped,) = outside.normalise(size)
    assert clipped.window == Window(8, 0, 2, 2)


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (Rectangle(1, 1, 2, 3), [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]),
        (Rectangle(0.5, 0.5, 1.4, 1.4), [(1, 1)]),
        (Point(0.5, 1.5), [(0, 2)]),
        (Point(4, 4), []),
        (Line(vertices([(0, 0), (0, 2)])), [(0, 0), (0, 1), (0, 2)]),
    ],
)
def test_drawing_rounds_as_the_format_asks(figure: Figure, expected: list[tuple[int, int]]) -> None:
    assert list(zip(*map(list, np.nonzero(drawn(figure, Size(4, 4)))), strict=True)) == expected


def test_vertices_and_masks_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        vertices([(1, 2)])[0, 0] = 5
    with pytest.raises(ValueError, match="read-only"):
        InlineMask(np.ones((2, 2), np.bool_)).pixels()[0, 0] = False
