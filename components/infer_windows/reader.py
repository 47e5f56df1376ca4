"""A scene's pixels as windows ask for them: rows of a strip of columns, read once from the top down.

Rows stay in a buffer as long as any window needs them. Of an untiled TIFF or a PNG, whoever reads some columns decodes
all of them; where such a scene is cut into several strips it is first laid out in tiles, or it would be decoded, and
fetched from object storage, once for each.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core import storage
from components.core.figures.centre_rule import Rings, holding_centres
from components.core.geometry import Size, Window
from components.core.imagery import Crop, RasterProfile, Recipe, describe, raster_writer, read_validity
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
        block_rows: How many rows the raster stores together; 1 where that does not matter.
        has_gaps: Whether the raster says of some pixels that they hold no data.
        area: What of the image is wanted, in its pixels; the rest is as if it held no data. None for all.
    """

    image: ImageRef
    left: int
    right: int
    most_rows: int
    block_rows: int
    has_gaps: bool
    area: tuple[Rings, ...] | None = None

    @property
    def is_masked(self) -> bool:
        """Whether some pixels hold no data, or are not wanted."""
        return self.has_gaps or self.area is not None

    @classmethod
    def of(cls, image: ImageRef, left: int, right: int, area: tuple[Rings, ...] | None = None) -> Columns:
        """Look up how a raster is stored.

        Raises:
            DataError: If it cannot be opened.
        """
        info = describe(image.uri)
        block = info.tile.height if info.tile.height <= MOST_BLOCK_ROWS and image.recipe.is_plain else 1
        decoded = info.size.width if info.tile.width >= info.size.width else right - left
        blocks = DECODED_BYTES // (decoded * info.bands * block)
        return cls(image, left, right, max(blocks, 1) * block, block, info.is_masked, area)

    def read(self, top: int, bottom: int) -> Iterator[tuple[UInt8, Bool | None]]:
        """Some rows from the top down, a few at a time.

        Args:
            top: First row; rows and columns outside the image are its mirror image.
            bottom: The row after the last.

        Returns:
            (C, n, W) uint8, the bands of the image, and (n, W) whether these pixels hold data; None where all do.

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
        valid = read_validity(shown.uri, shown.recipe) if self.has_gaps else None
        if self.area is not None:
            wanted = holding_centres(self.area, place)
            valid = wanted if valid is None else valid & wanted
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
class RowMemory:
    """Memory for the buffered rows of any strip of a scene.

    Attributes:
        pixels: (C, rows, columns) uint8.
        valid: (rows, columns) bool; None where the raster does not say which pixels hold data.
    """

    pixels: UInt8
    valid: Bool | None

    @classmethod
    def of(cls, strips: Sequence[Columns], window_rows: int) -> RowMemory:
        """As much as the widest strip takes.

        Args:
            strips: Of one image.
            window_rows: Height of the windows.
        """
        shape = window_rows + strips[0].block_rows - 1, max(strip.right - strip.left for strip in strips)
        return cls(
            np.empty((len(strips[0].image.bands), *shape), np.uint8),
            np.empty(shape, np.bool_) if strips[0].is_masked else None,
        )


class RowBuffer:
    """A sliding buffer of rows: those that windows still need, of all that were read so far.

    Attributes:
        columns: Of which columns.
        bottom: The row after the last that was read.
    """

    def __init__(self, columns: Columns, top: int, end: int, memory: RowMemory) -> None:
        """Begin above the first window.

        Args:
            columns: What is read.
            top: First row.
            end: The row after the last that any window needs.
            memory: Not used by others meanwhile.
        """
        self.columns = columns
        self.bottom = top
        self._top = top
        self._end = end
        width = columns.right - columns.left
        self._pixels = memory.pixels[..., :width]
        self._valid = None if memory.valid is None else memory.valid[:, :width]

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
        """(C, h, w) uint8 of a window of the rows that are there; a view."""
        return self._pixels[(slice(None), *self._place(window))]

    def valid(self, window: Window) -> Bool | None:
        """(h, w) bool whether the pixels hold data, a view; None where the raster says so of all its pixels."""
        return None if self._valid is None else self._valid[self._place(window)]

    def _place(self, window: Window) -> tuple[slice, slice]:
        return window.shift(-self._top, -self.columns.left).slices


@dataclass(frozen=True, slots=True)
class ValidRows:
    """Rows of a strip, some pixels of which hold no data.

    Attributes:
        top: The first row in the scene.
        bits: (n, ⌈W / 8⌉) uint8: eight pixels a byte, set where a pixel holds data.
    """

    top: int
    bits: npt.NDArray[np.uint8]

    @classmethod
    def packed(cls, top: int, valid: Bool) -> ValidRows:
        """From (n, W) bool."""
        return cls(top, np.packbits(valid, axis=1))

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + len(self.bits)


class Validity:
    """Which pixels of a strip hold data; rows are requested from the top down."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._waiting: deque[ValidRows] = deque()

    def add(self, rows: Iterable[ValidRows]) -> None:
        """Take in rows, which come from the top down; those of which none come hold data in all pixels."""
        self._waiting.extend(rows)

    def invalid(self, top: int, height: int) -> Bool | None:
        """(height, W) bool, set where a pixel holds no data; None where all hold some. Rows above are forgotten."""
        while self._waiting and self._waiting[0].bottom <= top:
            self._waiting.popleft()
        result: Bool | None = None
        for rows in self._waiting:
            low, high = max(rows.top, top), min(rows.bottom, top + height)
            if low >= high:
                break
            if result is None:
                result = np.zeros((height, self._width), np.bool_)
            bits = rows.bits[low - rows.top : high - rows.top]
            result[low - top : high - top] = np.unpackbits(bits, axis=1, count=self._width) == 0
        return result


@contextmanager
def laid_out_in_tiles(image: ImageRef, top: int, bottom: int, strips: int) -> Iterator[ImageRef]:
    """Give an image of the same pixels, some of whose columns can be read without the others.

    Args:
        image: The scene.
        top: The first row that will be read.
        bottom: The row after the last.
        strips: Into how many strips of columns it is cut.

    Returns:
        The image itself where it is tiled or read in one strip; else one of those rows in a temporary file of as many
        bytes as they have (one a pixel and band, another where the raster says which pixels hold data), gone when the
        block ends.

    Raises:
        DataError: If the raster cannot be read.
        StorageError: If the disk has no room for it.
    """
    info = describe(image.uri)
    if strips == 1 or info.tile.width < info.size.width:
        yield image
        return
    whole = image.recipe.size
    size = Size(bottom - top, whole.width)
    with storage.scratch_folder("tiles") as folder:
        file = folder / "scene.tif"
        bands = len(image.bands) + info.is_masked
        with raster_writer(file, RasterProfile(size, bands=bands, alpha=info.is_masked)) as writer:
            for pixels, valid in Columns.of(image, 0, whole.width).read(top, bottom):
                planes = pixels if valid is None else np.concatenate([pixels, valid[np.newaxis] * np.uint8(255)])
                writer.write(planes)
        try:
            yield ImageRef(str(file), size, Recipe(Window(-top, 0, whole.height, whole.width)), bands=image.bands)
        finally:
            os.truncate(file, 0)  # it is still open for the next window, and would keep its place on the disk
