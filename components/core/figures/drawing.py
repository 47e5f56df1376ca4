"""Figures drawn as bitmaps, in memory of the size of their boxes.

A figure is drawn on a canvas that begins at an even row and column, since halves round to even, and that ends where
the image does, since OpenCV cuts lines at the border of what it draws on: the pixels are those of a drawing on the
whole image.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from components.core.figures.bitmap import Bitmap
from components.core.figures.bounds import bounds_of, rings_of
from components.core.figures.connected_components import connected_components
from components.core.figures.figure import Figure, Vertices, pixel_vertices
from components.core.figures.polygon_mask import drawn_when_read
from components.core.figures.vector import Line, Point, Polygon, Rectangle
from components.core.geometry import Size, Window

MOST_DRAWN_PIXELS = 1 << 24
"""A polygon by centres whose box has more is drawn when it is read."""

Canvas = npt.NDArray[np.uint8]


def drawn(figure: Figure, size: Size) -> Bitmap | None:
    """The pixels that a figure covers when it is drawn on an image.

    Args:
        figure: A bitmap, which is clipped to the image and otherwise stays as it is, unread where it lies inside; a
            polygon, drawn with its outline and those of its holes, or by centres where it is one of these; a rectangle
            with both corners; a line, one pixel wide; or a point, one pixel. A large polygon by centres is drawn when
            its pixels are read, window by window.
        size: Of the image, in pixels.

    Returns:
        The bitmap; None where no pixel is covered.
    """
    if isinstance(figure, Bitmap):
        return next((part for part in figure.normalise(size) if isinstance(part, Bitmap)), None)
    box = _canvas_window(figure, size)
    if box is not None and isinstance(figure, Polygon) and figure.by_centres and box.size.area > MOST_DRAWN_PIXELS:
        return drawn_when_read(figure.rings, box)
    return None if box is None else _painted(box, lambda canvas: _moved(figure, box).draw(canvas, 1))


def outlined(figure: Figure, size: Size, width: int) -> Bitmap | None:
    """The pixels of a figure's outline, drawn with lines of some width.

    Args:
        figure: A bitmap, whose outer and inner borders are drawn along the centres of its border pixels; a polygon,
            whose rings are, or a rectangle, its sides; a line; or a point, which becomes a disc of the radius
            `width / 2`, halves rounded to even.
        size: Of the image, in pixels.
        width: Of the lines, in pixels.

    Returns:
        The bitmap, clipped to the image; None where no pixel is covered.
    """
    box = _canvas_window(figure, size, width + 1)
    if box is None:
        return None
    if isinstance(figure, Bitmap):
        return _painted(box, lambda canvas: _outline_mask(canvas, figure, box, width))
    return _painted(box, lambda canvas: _outline_vector(canvas, _moved(figure, box), width))


def _canvas_window(figure: Figure, size: Size, margin: int = 0) -> Window | None:
    """Where a figure is drawn; None where that is outside the image."""
    if not isinstance(figure, Bitmap) and not len(rings_of(figure)[0]):
        return None
    sides = [bounds_of(figure)]
    if isinstance(figure, Polygon):
        sides += [Rectangle.of_corners(hole) for hole in figure.interiors if len(hole)]
    top, left = (
        max((math.floor(side) - margin) // 2 * 2, 0)
        for side in (min(side.top for side in sides), min(side.left for side in sides))
    )
    bottom, right = max(side.bottom for side in sides), max(side.right for side in sides)
    bottom, right = math.ceil(bottom) + 1 + margin, math.ceil(right) + 1 + margin
    box = Window.of_bounds(top, left, min(bottom, size.height), min(right, size.width))
    return box if box.height > 0 and box.width > 0 else None


def _painted(box: Window, paint: Callable[[Canvas], None]) -> Bitmap | None:
    canvas = np.zeros((box.height, box.width), np.uint8)
    paint(canvas)
    return Bitmap.of_pixels(canvas.view(np.bool_), box.top, box.left)


def _moved(figure: Figure, origin: Window) -> Figure:
    """A figure of vertices in the coordinates of a window."""
    shift = np.array([origin.top, origin.left], np.float64)
    if isinstance(figure, Polygon):
        return figure.moved(lambda ring: ring - shift)
    rings: list[Vertices] = [ring - shift for ring in rings_of(figure)]
    if isinstance(figure, Line):
        return Line(rings[0])
    if isinstance(figure, Rectangle):
        return Rectangle.of_corners(rings[0])
    return Point(float(rings[0][0, 0]), float(rings[0][0, 1]))


def _outline_mask(canvas: Canvas, bitmap: Bitmap, box: Window, width: int) -> None:
    """Component by component: of a mask raster no more is read at once than a band."""
    import cv2

    for part in connected_components(bitmap.mask):
        found, _ = cv2.findContours(part.mask.pixels().view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        top, left = bitmap.top + part.top - box.top, bitmap.left + part.left - box.left
        cv2.drawContours(canvas, found, -1, 1, width, offset=(left, top))


def _outline_vector(canvas: Canvas, figure: Figure, width: int) -> None:
    import cv2

    if isinstance(figure, Point):
        centre = round(figure.column), round(figure.row)
        cv2.circle(canvas, centre, round(width / 2), 1, cv2.FILLED)
    elif isinstance(figure, Rectangle):
        top, left, bottom, right = figure.pixel_sides
        cv2.rectangle(canvas, (left, top), (right, bottom), 1, width)
    else:
        rings = [pixel_vertices(ring) for ring in rings_of(figure) if len(ring)]
        cv2.polylines(canvas, rings, isinstance(figure, Polygon), 1, width)
