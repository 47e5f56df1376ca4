"""Masks of polygons that are drawn window by window, when their pixels are read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from components.core.figures.bitmap import Bitmap
from components.core.figures.centre_rule import Rings, holding_centres
from components.core.figures.mask import BoolPixels, InlineMask, PlacedMask, tight_window
from components.core.geometry import FlipAxis, Size, Window, row_bands

BAND_PIXELS = 1 << 22
"""Of what is drawn at once to count the pixels."""


@dataclass(frozen=True)
class PolygonMask:
    """The pixels whose centres lie in one area.

    Attributes:
        rings: The area, in pixels of the image.
        box: The tight box in the image.
        area: Number of set pixels.
    """

    rings: Rings
    box: Window
    area: int = field(compare=False)

    @property
    def size(self) -> Size:
        """Size of the box."""
        return self.box.size

    def pixels(self) -> BoolPixels:
        """(H, W) bool of the box, drawn."""
        return holding_centres([self.rings], self.box)

    def read(self, window: Window) -> BoolPixels:
        """(H, W) bool of one window of the box; draws that window alone."""
        return holding_centres([self.rings], window.shift(self.box.top, self.box.left))

    def flip(self, axis: FlipAxis) -> InlineMask:
        """The mirrored mask, drawn."""
        return InlineMask(np.flip(self.pixels(), axis.array_axis).copy())

    def crop(self, window: Window) -> PlacedMask | None:
        """The pixels inside `window`, tight, drawn."""
        part = self.read(window)
        found = tight_window(part)
        return None if found is None else PlacedMask(found.top, found.left, InlineMask(part[found.slices].copy()))


def drawn_when_read(rings: Rings, window: Window) -> Bitmap | None:
    """The bitmap of an area within a window; None where it holds no centre there.

    Args:
        rings: The area, in pixels of the image.
        window: Of the image.
    """
    area, rows, columns = 0, np.zeros(window.height, np.bool_), np.zeros(window.width, np.bool_)
    for band in row_bands(window.size, max(1, BAND_PIXELS // window.width)):
        pixels = holding_centres([rings], band.shift(window.top, window.left))
        area += int(np.count_nonzero(pixels))
        rows[band.top : band.bottom] = pixels.any(axis=1)
        columns |= pixels.any(axis=0)
    if not area:
        return None
    (top, *_, bottom), (left, *_, right) = (
        (int(found[0]), int(found[-1])) for found in (np.flatnonzero(rows), np.flatnonzero(columns))
    )
    box = Window.of_bounds(top, left, bottom + 1, right + 1).shift(window.top, window.left)
    return Bitmap(box.top, box.left, PolygonMask(rings, box, area))
