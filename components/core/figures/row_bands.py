"""Figures met by a window that moves down a scene: memory is a band, however many figures or rows there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from components.core.figures.bitmap import Bitmap
from components.core.figures.drawing import drawn
from components.core.figures.figure import Figure
from components.core.figures.mask import BoolPixels
from components.core.figures.vector import Line, Point
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
    if isinstance(figure, Line | Point):
        raise TypeError(f"a {figure.shape} covers no area")
    return drawn(figure, size)
