"""Rows of a scene's columns, read once from the top down for windows that overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.geometry import Window
from components.core.imagery import Crop, describe, read_validity
from components.core.project import ImageRef
from components.infer_windows.arrays import Bool, UInt8

DECODED_BYTES = 16 << 20
"""The most that one read decodes of a raster whose rows are stored whole: GDAL keeps it while it gives the bands one
after the other, rather than decoding a PNG from its top for each."""

MOST_BLOCK_ROWS = 1024
"""Blocks up to this height are read whole; to wait for higher ones would take too much memory."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of an image in the pixels that its recipe shows, as windows ask for them.

    Attributes:
        image: The image.
        left: First column; below 0 where windows reach over the border.
        right: The column after the last.
        most_rows: The most rows that are read at once.
        block_rows: Rows are stored together so many at a time; 1 where that does not matter.
        is_masked: Whether the raster says of some pixels that they hold no data.
    """

    image: ImageRef
    left: int
    right: int
    most_rows: int
    block_rows: int
    is_masked: bool

    @classmethod
    def of(cls, image: ImageRef, left: int, right: int) -> Columns:
        """Look up how a raster is stored.

        Raises:
            DataError: If it cannot be opened.
        """
        info = describe(image.uri)
        block = info.tile.height if info.tile.height <= MOST_BLOCK_ROWS and not image.recipe.is_mirrored else 1
        decoded = info.size.width if info.tile.width >= info.size.width else right - left
        blocks = DECODED_BYTES // (decoded * info.bands * block)
        return cls(image, left, right, max(blocks, 1) * block, block, info.is_masked)

    def read(self, top: int, bottom: int) -> Iterator[tuple[UInt8, Bool | None]]:
        """Some rows from the top down, a few at a time.

        Args:
            top: First row; rows and columns outside the image are its mirror image.
            bottom: The row after the last.

        Returns:
            (3, n, W) uint8 RGB, and (n, W) whether these pixels hold data; None where all of them do.

        Raises:
            DataError: If the raster cannot be read.
        """
        for first in range(top, bottom, self.most_rows):
            yield self._read(first, min(first + self.most_rows, bottom))

    def _read(self, top: int, bottom: int) -> tuple[UInt8, Bool | None]:
        size = self.image.recipe.size
        rows, columns = mirrored(top, bottom, size.height), mirrored(self.left, self.right, size.width)
        place = Window.of_bounds(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        shown = self.image.then(Crop(place))
        pixels = shown.pixels()
        valid = read_validity(shown.uri, shown.recipe) if self.is_masked else None
        if place == Window.of_bounds(top, self.left, bottom, self.right):
            return pixels, valid
        rows, columns = rows[:, np.newaxis] - place.top, columns - place.left
        return pixels[:, rows, columns], None if valid is None else valid[rows, columns]

    def end_of_block(self, row: int) -> int:
        """The first row at or below `row` at which another block of the raster begins."""
        top = self.image.recipe.window.top
        return -(-(top + row) // self.block_rows) * self.block_rows - top


def mirrored(low: int, high: int, length: int) -> npt.NDArray[np.int64]:
    """(high - low,) pixels of an image of `length` that stand for `low`..`high - 1`, those outside by reflection.

    The border's own pixel is not repeated: … 2 1 | 0 1 2 …; reflections go on where the image is small.
    """
    period = max(2 * (length - 1), 1)
    places = np.arange(low, high) % period
    return np.minimum(places, period - places) if length > 1 else np.zeros(high - low, np.int64)


@dataclass(frozen=True, slots=True)
class Room:
    """Memory for the open rows of any strip of a scene.

    Attributes:
        pixels: (3, rows, columns) uint8.
        valid: (rows, columns) bool; None where the raster does not say which pixels hold data.
    """

    pixels: UInt8
    valid: Bool | None

    @classmethod
    def of(cls, strips: Sequence[Columns], window_rows: int) -> Room:
        """Make room for the widest strip.

        Args:
            strips: Of one image.
            window_rows: Height of the windows.
        """
        shape = window_rows + strips[0].block_rows - 1, max(strip.right - strip.left for strip in strips)
        return cls(np.empty((3, *shape), np.uint8), np.empty(shape, np.bool_) if strips[0].is_masked else None)


class OpenRows:
    """The rows that windows still need, of all that were read so far.

    Attributes:
        columns: Of which columns.
        bottom: The row after the last that was read.
    """

    def __init__(self, columns: Columns, top: int, end: int, room: Room) -> None:
        """Begin above the first window.

        Args:
            columns: What is read.
            top: First row.
            end: The row after the last that any window needs.
            room: Not used by others meanwhile.
        """
        self.columns = columns
        self.bottom = top
        self._top = top
        self._end = end
        width = columns.right - columns.left
        self._pixels = room.pixels[..., :width]
        self._valid = None if room.valid is None else room.valid[:, :width]

    def read(self, top: int, bottom: int) -> None:
        """Have rows `top`..`bottom - 1`, and those that are stored with them; rows above `top` are forgotten."""
        kept = self.bottom - top
        for array in (self._pixels, self._valid):
            if array is not None:
                array[..., :kept, :] = array[..., top - self._top : self.bottom - self._top, :]
        self._top = top
        if bottom <= self.bottom:
            return
        bottom = max(bottom, min(self.columns.end_of_block(bottom), self._end))
        for pixels, valid in self.columns.read(self.bottom, bottom):
            place = slice(self.bottom - top, self.bottom - top + pixels.shape[1])
            self._pixels[:, place] = pixels
            if self._valid is not None:
                self._valid[place] = True if valid is None else valid
            self.bottom += pixels.shape[1]

    def pixels(self, window: Window) -> UInt8:
        """(3, h, w) uint8 RGB of a window of the rows that are there; a view."""
        return self._pixels[(slice(None), *self._place(window))]

    def valid(self, window: Window) -> Bool | None:
        """(h, w) bool whether the pixels hold data, a view; None where the raster says so of all its pixels."""
        return None if self._valid is None else self._valid[self._place(window)]

    def _place(self, window: Window) -> tuple[slice, slice]:
        return window.shift(-self._top, -self.columns.left).slices
