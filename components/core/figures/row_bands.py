"""Figures met by a window that moves down a scene: memory is a band, however many figures or rows there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from components.core.figures.bitmap import Bitmap
from components.core.figures.figure import Figure
from components.core.figures.mask import BoolPixels
from components.core.figures.vector import Polygon, Rectangle
from components.core.geometry import Size, Window, row_bands


def indices_by_band(windows: Sequence[Window], bands: Iterable[Window]) -> Iterator[tuple[Window, list[int]]]:
    """Which windows each band meets; every window is looked at only while bands pass over it.

    Args:
        windows: In any order.
        bands: From the top down: neither top nor bottom may rise from one to the next; they may overlap.

    Returns:
        (band, indices into `windows` in ascending order), one pair a band.
    """
    waiting = sorted(range(len(windows)), key=lambda index: windows[index].top, reverse=True)
    active: list[int] = []
    for band in bands:
        while waiting and windows[waiting[-1]].top < band.bottom:
            active.append(waiting.pop())
        active = [index for index in active if windows[index].bottom > band.top]
        yield band, sorted(index for index in active if windows[index].intersection(band) is not None)


def mask_bands(
    bitmaps: Sequence[Bitmap], size: Size, band_rows: int, halo_rows: int = 0
) -> Iterator[tuple[Window, BoolPixels]]:
    """Draw bitmaps band by band.

    Args:
        bitmaps: What is drawn; where they overlap, they join.
        size: Of the scene, in pixels.
        band_rows: Rows a band; changes the memory used, never the result.
        halo_rows: Further rows given above and below each band; outside the scene they are unset.

    Returns:
        (band, (halo + H + halo, W) bool) from the top down.
    """
    bands = list(row_bands(size, band_rows))
    seen = (_with_halo(band, halo_rows, size) for band in bands)
    boxes = [bitmap.window for bitmap in bitmaps]
    for band, (window, indices) in zip(bands, indices_by_band(boxes, seen), strict=True):
        canvas = np.zeros((band.height + 2 * halo_rows, size.width), np.bool_)
        origin = band.top - halo_rows
        for index in indices:
            part = boxes[index].intersection(window)
            if part is not None:
                inside = part.shift(-boxes[index].top, -boxes[index].left)
                canvas[part.shift(-origin, 0).slices] |= bitmaps[index].mask.read(inside)
        yield band, canvas


def _with_halo(band: Window, rows: int, size: Size) -> Window:
    return Window.of_bounds(max(band.top - rows, 0), band.left, min(band.bottom + rows, size.height), band.right)


def as_bitmap(figure: Figure, size: Size) -> Bitmap | None:
    """The pixels that an area covers when it is drawn on an image.

    Args:
        figure: A bitmap, which is clipped to the image, a polygon or a rectangle.
        size: Of the image, in pixels.

    Returns:
        The bitmap; None where no pixel is covered.

    Raises:
        TypeError: If the figure is a line or a point, which cover no area.
    """
    if isinstance(figure, Bitmap):
        return next((part for part in figure.normalise(size) if isinstance(part, Bitmap)), None)
    if isinstance(figure, Polygon):
        corners = np.concatenate([figure.exterior, *figure.interiors])
    elif isinstance(figure, Rectangle):
        corners = np.array([(figure.top, figure.left), (figure.bottom, figure.right)])
    else:
        raise TypeError(f"a {figure.shape} covers no area")
    if not len(corners):
        return None
    top, left = (max(math.floor(side) // 2 * 2, 0) for side in corners.min(axis=0))  # even: halves round to even
    bottom, right = (math.ceil(side) + 1 for side in corners.max(axis=0))
    box = Window.of_bounds(top, left, min(bottom, size.height), min(right, size.width))
    if box.height <= 0 or box.width <= 0:
        return None
    canvas = np.zeros((box.height, box.width), np.uint8)
    _moved(figure, box).draw(canvas, 1)
    return Bitmap.of_pixels(canvas > 0, box.top, box.left)


def _moved(figure: Polygon | Rectangle, origin: Window) -> Figure:
    if isinstance(figure, Rectangle):
        return Rectangle(
            figure.top - origin.top,
            figure.left - origin.left,
            figure.bottom - origin.top,
            figure.right - origin.left,
        )
    shift = np.array([origin.top, origin.left], np.float64)
    return Polygon(figure.exterior - shift, tuple(hole - shift for hole in figure.interiors))
