"""The box of a figure, whatever its shape."""

from __future__ import annotations

import numpy as np

from components.core.figures.bitmap import Bitmap
from components.core.figures.figure import Figure, Vertices
from components.core.figures.vector import Line, Point, Polygon, Rectangle


def rings_of(figure: Figure) -> list[Vertices]:
    """The vertices of a polygon, ring by ring, or of a line; of a rectangle two corners, of a point the point.

    Raises:
        TypeError: If the figure is a bitmap, which has pixels instead.
    """
    if isinstance(figure, Polygon):
        return [figure.exterior, *figure.interiors]
    if isinstance(figure, Line):
        return [figure.points]
    if isinstance(figure, Rectangle):
        return [np.array([(figure.top, figure.left), (figure.bottom, figure.right)])]
    if isinstance(figure, Point):
        return [np.array([(figure.row, figure.column)])]
    raise TypeError(f"a {figure.shape} has no vertices")


def bounds_of(figure: Figure) -> Rectangle:
    """The smallest rectangle that holds a figure; without area for a point or a level line, or without vertices.

    Of a bitmap it is the box of its pixels, from the first row and column to behind the last ones; nothing is read.
    Of a polygon it is that of the exterior.
    """
    if isinstance(figure, Bitmap):
        box = figure.window
        return Rectangle(float(box.top), float(box.left), float(box.bottom), float(box.right))
    corners = rings_of(figure)[0]
    return Rectangle.of_corners(corners) if len(corners) else Rectangle(0.0, 0.0, 0.0, 0.0)
