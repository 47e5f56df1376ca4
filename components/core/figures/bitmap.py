"""A figure made of pixels."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from components.core.figures.figure import Figure, Shape
from components.core.figures.mask import BoolPixels, InlineMask, Mask, tight_window
from components.core.geometry import FlipAxis, Size, Window


@dataclass(frozen=True, eq=False)
class Bitmap(Figure):
    """A mask whose box lies at (top, left) of the image."""

    shape: ClassVar[Shape] = Shape.BITMAP
    top: int
    left: int
    mask: Mask

    @classmethod
    def of_pixels(cls, pixels: BoolPixels, top: int = 0, left: int = 0) -> Bitmap | None:
        """The tight bitmap of a (H, W) bool array whose first pixel lies at (top, left); None where none is set."""
        box = tight_window(pixels)
        if box is None:
            return None
        return cls(top + box.top, left + box.left, InlineMask(pixels[box.slices].copy()))

    @property
    def window(self) -> Window:
        """The box in the image."""
        return Window(self.top, self.left, self.mask.size.height, self.mask.size.width)

    @property
    def area(self) -> float:
        """Number of set pixels."""
        return self.mask.area

    def moved(self, rows: int, columns: int) -> Bitmap:
        """The same pixels, moved down by rows and right by columns."""
        return Bitmap(self.top + rows, self.left + columns, self.mask)

    def crop(self, window: Window) -> list[Figure]:
        """The pixels inside the window; one bitmap, even when it falls into pieces."""
        inner = window.intersection(self.window)
        if inner is None:
            return []
        if inner == self.window:
            return [Bitmap(self.top - window.top, self.left - window.left, self.mask)]
        placed = self.mask.crop(inner.shift(-self.top, -self.left))
        if placed is None:
            return []
        return [Bitmap(inner.top - window.top + placed.top, inner.left - window.left + placed.left, placed.mask)]

    def flip(self, axis: FlipAxis, size: Size) -> Bitmap:
        """Mirrored by whole pixels."""
        if axis is FlipAxis.LEFT_RIGHT:
            return Bitmap(self.top, size.width - self.window.right, self.mask.flip(axis))
        return Bitmap(size.height - self.window.bottom, self.left, self.mask.flip(axis))

    def normalise(self, size: Size) -> list[Figure]:
        """Clipped to the image, tight."""
        return self.crop(Window.of_size(size))

    def draw(self, canvas: npt.NDArray[np.uint8], value: int) -> None:
        """Set the mask's pixels."""
        height, width = canvas.shape
        seen = self.window.intersection(Window(0, 0, height, width))
        if seen is not None:
            pixels = self.mask.read(seen.shift(-self.top, -self.left))
            np.copyto(canvas[seen.slices], np.uint8(value), where=pixels)

    def key(self) -> Hashable:
        """Place and pixels."""
        return self.top, self.left, self.mask.size, np.packbits(self.mask.pixels()).tobytes()
