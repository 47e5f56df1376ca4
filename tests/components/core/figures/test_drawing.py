"""Figures drawn in their boxes: the pixels of a drawing on the whole image."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import Bitmap, Figure, Line, Point, Polygon, Rectangle, vertices
from components.core.figures.bounds import bounds_of
from components.core.figures.drawing import drawn, outlined
from components.core.geometry import Size
from tests.builders import mask_object, write_tiled
from tests.strategies import figures

SIZE = Size(15, 12)

SQUARE = ((2.0, 2.0), (2.0, 9.0), (9.0, 9.0), (9.0, 2.0))


def canvas_of(bitmap: Bitmap | None, size: Size = SIZE) -> np.ndarray:
    """(H, W) uint8 of a bitmap."""
    canvas = np.zeros((size.height, size.width), np.uint8)
    if bitmap is not None:
        bitmap.draw(canvas, 1)
    return canvas


@st.composite
def shifted(draw: st.DrawFn) -> Figure:
    """Vectors that may lie outside the image, and bitmaps inside."""
    figure = draw(figures(SIZE))
    move = np.array([draw(st.integers(-20, 20)), draw(st.integers(-20, 20))]) / 2
    if isinstance(figure, Polygon):
        return Polygon(vertices(figure.exterior + move), tuple(vertices(hole + move) for hole in figure.interiors))
    if isinstance(figure, Line):
        return Line(vertices(figure.points + move))
    if isinstance(figure, Rectangle):
        corners = np.array([(figure.top, figure.left), (figure.bottom, figure.right)]) + move
        return Rectangle.of_corners(vertices(corners))
    if isinstance(figure, Point):
        return Point(figure.row + move[0], figure.column + move[1])
    return figure


@settings(max_examples=400, deadline=None)
@given(shifted())
def test_a_figure_covers_what_its_drawing_on_the_image_covers(figure: Figure) -> None:
    canvas = np.zeros((SIZE.height, SIZE.width), np.uint8)
    figure.draw(canvas, 1)
    found = drawn(figure, SIZE)
    assert np.array_equal(canvas_of(found), canvas)
    assert found is None or Bitmap.of_pixels(found.mask.pixels(), found.top, found.left) == found, "tight"


def outline_on_image(figure: Figure, width: int) -> np.ndarray:
    """The same outline, drawn on the whole image at once."""
    canvas = np.zeros((SIZE.height, SIZE.width), np.uint8)
    if isinstance(figure, Bitmap):
        found, _ = cv2.findContours(canvas_of(figure), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(canvas, found, -1, 1, width)
    elif isinstance(figure, Point):
        cv2.circle(canvas, (round(figure.column), round(figure.row)), round(width / 2), 1, cv2.FILLED)
    elif isinstance(figure, Rectangle):
        top, left, bottom, right = (
            int(np.floor(side + 0.5)) for side in (figure.top, figure.left, figure.bottom, figure.right)
        )
        cv2.rectangle(canvas, (left, top), (right, bottom), 1, width)
    else:
        rings = [figure.points] if isinstance(figure, Line) else [figure.exterior, *figure.interiors]  # type: ignore[attr-defined]
        points = [np.rint(ring[:, ::-1]).astype(np.int32) for ring in rings]
        cv2.polylines(canvas, points, isinstance(figure, Polygon), 1, width)
    return canvas


@settings(max_examples=400, deadline=None)
@given(shifted(), st.integers(1, 7))
def test_an_outline_is_that_drawn_on_the_image(figure: Figure, width: int) -> None:
    assert np.array_equal(canvas_of(outlined(figure, SIZE, width)), outline_on_image(figure, width))


def test_outlines_follow_holes() -> None:
    hole = vertices([(4.0, 4.0), (4.0, 7.0), (7.0, 7.0), (7.0, 4.0)])
    ring = outlined(Polygon(vertices(SQUARE), (hole,)), SIZE, 1)
    expected = np.zeros((15, 12), np.uint8)
    expected[2:10, 2:10] = 1
    expected[3:9, 3:9] = 0
    expected[4:8, 4:8] = 1
    expected[5:7, 5:7] = 0
    assert np.array_equal(canvas_of(ring), expected)
    mask = Bitmap.of_pixels(expected > 0)
    assert mask is not None
    assert np.array_equal(canvas_of(outlined(mask, SIZE, 1)), expected)


def test_a_mask_raster_stays_where_it_is_and_is_outlined_like_its_pixels(tmp_path: Path) -> None:
    pixels = np.zeros((90, 70), np.bool_)
    pixels[5:60, 3:50], pixels[20:30, 20:40], pixels[70:80, 60:66] = True, False, True
    uri = write_tiled(tmp_path / "mask.tif", pixels.view(np.uint8), tile=16)
    figure = mask_object(uri, pixels).figure
    assert drawn(figure, Size(90, 70)).mask is figure.mask  # type: ignore[attr-defined, union-attr]
    inline = Bitmap.of_pixels(pixels)
    assert inline is not None
    assert outlined(figure, Size(90, 70), 3) == outlined(inline, Size(90, 70), 3)


@pytest.mark.parametrize("figure", [Point(-9, 3), Line(vertices([])), Rectangle(40, 2, 50, 4), Polygon(vertices([]))])
def test_nothing_in_the_image_gives_nothing(figure: Figure) -> None:
    assert drawn(figure, SIZE) is None
    assert outlined(figure, SIZE, 2) is None


def test_bounds() -> None:
    bitmap = Bitmap.of_pixels(np.ones((2, 3), np.bool_), 4, 5)
    assert bitmap is not None
    assert bounds_of(bitmap) == Rectangle(4, 5, 6, 8)
    assert bounds_of(Polygon(vertices([(1, 2), (5.5, 0), (3, 7)]))) == Rectangle(1, 0, 5.5, 7)
    assert bounds_of(Line(vertices([(3, 1), (3, 9)]))) == Rectangle(3, 1, 3, 9)
    assert bounds_of(Point(3, 4)) == Rectangle(3, 4, 3, 4)
    assert bounds_of(Rectangle(1, 2, 3, 4)) == Rectangle(1, 2, 3, 4)
    assert bounds_of(Line(vertices([]))) == Rectangle(0, 0, 0, 0)
