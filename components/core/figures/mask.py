"""The pixels of a bitmap: packed in memory when small, a window into a mask raster when large."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Crop, Flip, Recipe

BoolPixels = npt.NDArray[np.bool_]
"""(H, W) bool, read-only."""


def tight_window(pixels: npt.NDArray[np.bool_]) -> Window | None:
    """The smallest window that holds every set pixel of a (H, W) bool array; None where none is set."""
    rows = np.flatnonzero(pixels.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(pixels[rows[0] : rows[-1] + 1].any(axis=0))
    return Window.of_bounds(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


class Mask(Protocol):
    """A set of pixels inside a box that holds them tightly; immutable."""

    @property
    def size(self) -> Size:
        """Size of the box."""

    @property
    def area(self) -> int:
        """Number of set pixels."""

    def pixels(self) -> BoolPixels:
        """(H, W) bool of the box."""

    def read(self, window: Window) -> BoolPixels:
        """(H, W) bool of one window of the box."""
        ...

    def flip(self, axis: FlipAxis) -> Mask:
        """The mirrored mask."""

    def crop(self, window: Window) -> PlacedMask | None:
        """The pixels inside `window` (of the box), tight, placed relative to the window; None where none is set."""


@dataclass(frozen=True, slots=True)
class PlacedMask:
    """A mask and where its box lies."""

    top: int
    left: int
    mask: Mask


@dataclass(frozen=True, eq=False)
class InlineMask:
    """A mask held in memory."""

    array: BoolPixels

    def __post_init__(self) -> None:
        self.array.flags.writeable = False

    @classmethod
    def unpacked(cls, size: Size, bits: bytes) -> InlineMask:
        """From packed bits in row-major order, eight pixels a byte, first pixel in the high bit."""
        flat = np.unpackbits(np.frombuffer(bits, np.uint8), count=size.area)
        return cls(flat.view(np.bool_).reshape(size.height, size.width))

    def packed(self) -> bytes:
        """The pixels as packed bits; see `unpacked`."""
        return np.packbits(self.array).tobytes()

    @property
    def size(self) -> Size:
        """Size of the box."""
        return Size(*self.array.shape)

    @cached_property
    def area(self) -> int:
        """Number of set pixels."""
        return int(np.count_nonzero(self.array))

    def pixels(self) -> BoolPixels:
        """(H, W) bool of the box."""
        return self.array

    def read(self, window: Window) -> BoolPixels:
        """(H, W) bool of one window of the box; a view."""
        return self.array[window.slices]

    def flip(self, axis: FlipAxis) -> InlineMask:
        """The mirrored mask."""
        return InlineMask(np.flip(self.array, axis.array_axis))

    def crop(self, window: Window) -> PlacedMask | None:
        """The pixels inside `window`, tight."""
        part = self.array[window.slices]
        box = tight_window(part)
        return None if box is None else PlacedMask(box.top, box.left, InlineMask(part[box.slices].copy()))


@dataclass(frozen=True)
class RasterMask:
    """A window of a mask raster, whose pixels are read at the moment of use.

    Attributes:
        raster: The mask raster and which of its values count as set.
        recipe: The tight box in the raster, and how it is mirrored.
        area: Number of set pixels.
    """

    raster: MaskRaster
    recipe: Recipe
    area: int = field(compare=False)

    @property
    def size(self) -> Size:
        """Size of the box."""
        return self.recipe.size

    def pixels(self) -> BoolPixels:
        """(H, W) bool of the box, read from the raster."""
        return self.recipe.apply(self.raster.read(self.recipe.window))

    def read(self, window: Window) -> BoolPixels:
        """(H, W) bool of one window of the box; reads that window of the raster alone."""
        cut = self.recipe.then(Crop(window))
        return cut.apply(self.raster.read(cut.window))

    def flip(self, axis: FlipAxis) -> RasterMask:
        """The mirrored mask; nothing is read."""
        return RasterMask(self.raster, self.recipe.then(Flip(axis)), self.area)

    def crop(self, window: Window) -> PlacedMask | None:
        """The pixels inside `window`, tight; reads that window alone."""
        cut = self.recipe.then(Crop(window))
        pixels = cut.apply(self.raster.read(cut.window))
        box = tight_window(pixels)
        if box is None:
            return None
        area = int(np.count_nonzero(pixels))
        return PlacedMask(box.top, box.left, RasterMask(self.raster, cut.then(Crop(box)), area))
