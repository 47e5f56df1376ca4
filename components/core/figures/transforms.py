"""Figures of images that are resized or turned: masks by the nearest pixel, vectors by the same factors and angles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.figures.bitmap import Bitmap
from components.core.figures.figure import Figure, Vertices, vertices
from components.core.figures.mask import InlineMask
from components.core.figures.vector import Line, Point, Polygon, Rectangle
from components.core.geometry import Size, Window, row_bands
from components.core.imagery.operations import Resize, Rotate

BAND_PIXELS = 1 << 22
"""Of a mask that is at hand at once beside the result."""

OnPoints = Callable[[Vertices], Vertices]
"""From (N, 2) (row, column) in the image to those in the result."""


def resized(figure: Figure, resize: Resize, size: Size) -> list[Figure]:
    """A figure on the resized image; none where it vanishes.

    Vectors are multiplied by the factors, which are not rounded; a pixel i of a mask is pixel
    floor((i + 0.5) · old side / new side) of the old one.

    Args:
        figure: On the image.
        resize: What is done to the image.
        size: Of the image, in pixels.
    """
    if isinstance(figure, Bitmap):
        return _resized_bitmap(figure, resize, size)
    factors = np.array((resize.down, resize.right))
    return _moved(figure, lambda points: vertices(points * factors), size, resize.result_size(size))


def rotated(figure: Figure, rotate: Rotate, size: Size) -> list[Figure]:
    """A figure on the turned image; none where nothing is left of it.

    Args:
        figure: On the image.
        rotate: What is done to the image.
        size: Of the image, in pixels.

    Raises:
        DataError: If it is a rectangle: turned, it is none.
    """
    if isinstance(figure, Bitmap):
        return _rotated_bitmap(figure, rotate, size)
    if isinstance(figure, Rectangle):
        raise DataError("rectangles cannot be rotated")
    matrix = rotate.forward(size)
    turn = np.array(((matrix.e, matrix.d), (matrix.b, matrix.a)))
    shift = np.array((matrix.f, matrix.c))
    return _moved(figure, lambda points: vertices(points @ turn.T + shift), size, rotate.result_size(size))


def placed(figure: Figure, top: int, left: int, size: Size, canvas: Size) -> list[Figure]:
    """A figure on a canvas that the image lies on.

    Args:
        figure: On the image.
        top: Row of the canvas at which the image begins.
        left: Its column.
        size: Of the image, in pixels.
        canvas: Size of the canvas, in pixels; nowhere smaller.
    """
    if isinstance(figure, Bitmap):
        return [Bitmap(figure.top + top, figure.left + left, figure.mask)]
    return _moved(figure, lambda points: vertices(points + np.array((top, left))), size, canvas)


def _moved(figure: Figure, move: OnPoints, before: Size, after: Size) -> list[Figure]:
    """A vector with its points moved, in form; what lay inside the image is clipped to the new one.

    A polygon that left the image before is not clipped, as on reading.
    """
    if isinstance(figure, Polygon):
        moved = figure.moved(move)
        if _lies_inside(figure.exterior, before) and not _lies_inside(move(figure.exterior), after):
            return moved.crop(Window.of_size(after))
        return moved.normalise(after)
    if isinstance(figure, Line):
        return Line(move(figure.points)).normalise(after)
    if isinstance(figure, Rectangle):
        corners = vertices([(figure.top, figure.left), (figure.bottom, figure.right)])
        return Rectangle.of_corners(move(corners)).normalise(after)
    if isinstance(figure, Point):
        ((row, column),) = move(vertices([(figure.row, figure.column)])).tolist()
        return Point(min(max(row, 0.0), float(after.height)), min(max(column, 0.0), float(after.width))).normalise(
            after
        )
    raise TypeError(f"nothing moves a {figure.shape}")


def _lies_inside(points: Vertices, size: Size) -> bool:
    return bool((points >= 0).all() and (points <= (size.height, size.width)).all())


def _resized_bitmap(figure: Bitmap, resize: Resize, size: Size) -> list[Figure]:
    from components.core.imagery.resampling import nearest  # OpenCV, for those who look at pixels

    rows = nearest(0, resize.height, size.height, resize.height)
    columns = nearest(0, resize.width, size.width, resize.width)
    box = figure.window
    top, bottom = np.searchsorted(rows, (box.top, box.bottom)).tolist()
    left, right = np.searchsorted(columns, (box.left, box.right)).tolist()
    if top == bottom or left == right:
        return []
    rows, columns = rows[top:bottom] - box.top, columns[left:right] - box.left
    result = np.zeros((len(rows), len(columns)), np.bool_)
    step = max(1, BAND_PIXELS // box.width)
    for first in range(0, box.height, step):
        band = Window(first, 0, min(step, box.height - first), box.width)
        start, end = np.searchsorted(rows, (band.top, band.bottom)).tolist()
        if start < end:
            result[start:end] = figure.mask.read(band)[np.ix_(rows[start:end] - first, columns)]
    return _listed(Bitmap.of_pixels(result, top, left))


def _rotated_bitmap(figure: Bitmap, rotate: Rotate, size: Size) -> list[Figure]:
    from components.core.imagery.resampling import turned_nearest

    matrix, box, turns = rotate.forward(size), figure.window, rotate.quarter_turns
    corners = [matrix @ (column, row) for column in (box.left, box.right) for row in (box.top, box.bottom)]
    columns, rows = zip(*corners, strict=True)
    if turns is not None:
        pixels = np.rot90(figure.mask.pixels(), turns).copy()
        return [Bitmap(round(min(rows)), round(min(columns)), InlineMask(pixels))]
    reached = Window.of_bounds(int(min(rows)) - 2, int(min(columns)) - 2, int(max(rows)) + 2, int(max(columns)) + 2)
    shown = reached.intersection(Window.of_size(rotate.result_size(size)))
    if shown is None:
        return []
    bands = [
        turned_nearest(rotate, size, band.shift(shown.top, shown.left), lambda asked: _drawn(figure, asked))[0]
        for band in row_bands(shown.size, max(1, BAND_PIXELS // shown.width))
    ]
    return _listed(Bitmap.of_pixels(np.concatenate(bands) > 0, shown.top, shown.left))


def _drawn(figure: Bitmap, window: Window) -> npt.NDArray[np.uint8]:
    """(1, H, W) uint8, 1 where a window of the image shows the bitmap."""
    canvas = np.zeros((1, window.height, window.width), np.uint8)
    seen = window.intersection(figure.window)
    if seen is not None:
        inside = seen.shift(-window.top, -window.left)
        canvas[0][inside.slices] = figure.mask.read(seen.shift(-figure.top, -figure.left))
    return canvas


def _listed(bitmap: Bitmap | None) -> list[Figure]:
    return [] if bitmap is None else [bitmap]
