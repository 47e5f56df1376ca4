"""A scene's windows as batches for the network, strip by strip in row-major order."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import numpy as np

from components.core.figures.centre_rule import Rings
from components.core.geometry import Window
from components.core.project import ImageRef
from components.infer_windows.arrays import Float32, UInt8
from components.infer_windows.reader import Columns, RowBuffer, RowMemory, ValidRows, laid_out_in_tiles
from components.infer_windows.windows import Strip, WindowPlan

WAITING_BATCHES = 16
"""Where most windows hold no data, a batch is full at this many times its size, so that few rows wait with it."""


@dataclass(slots=True)
class WindowBatch:
    """Windows that follow each other in a strip, in row-major order.

    Attributes:
        strip: Index of the strip.
        run: For each window whether it holds data, and so goes through the network.
        valid: What was found of which pixels hold data, since the batch before.
        pixels: (N, bands, h, w) uint8 of the windows to run, until the network was applied.
        probabilities: (N, C, h, w) float32 of these, once it was.
    """

    strip: int
    run: list[bool] = field(default_factory=list)
    valid: list[ValidRows] = field(default_factory=list)
    pixels: UInt8 | None = None
    probabilities: Float32 | None = None


def read_batches(
    image: ImageRef, plan: WindowPlan, buffers: PixelBuffers, area: tuple[Rings, ...] | None = None
) -> Generator[WindowBatch]:
    """Read a scene's windows; at least one batch comes for every strip, perhaps without any window.

    Args:
        image: The whole scene.
        plan: Which windows.
        buffers: Where the batches' pixels come from.
        area: What of the scene is wanted; None for all.

    Raises:
        DataError: If the raster cannot be read.
        StorageError: If the disk has no memory to lay it out in tiles, where that is needed.
    """
    spans = [plan.grid.rows.spans[row] for row in plan.rows]
    top, bottom = max(spans[0].start, 0), min(spans[-1].start + plan.grid.window.height, plan.grid.size.height)
    with laid_out_in_tiles(image, top, bottom, len(plan.strips)) as scene:
        strips = [_columns(scene, plan, strip, area) for strip in plan.strips]
        memory = RowMemory.of(strips, plan.grid.window.height)
        for index, columns in enumerate(strips):
            yield from _BatchReader(columns, plan, index, memory, buffers).batches()


def _columns(image: ImageRef, plan: WindowPlan, strip: Strip, area: tuple[Rings, ...] | None) -> Columns:
    """The columns of a strip and of the windows that begin there."""
    spans = [plan.grid.columns.spans[column] for column in strip.own]
    left = min([strip.left, *(span.start for span in spans[:1])])
    right = max([strip.right, *(span.start + plan.grid.window.width for span in spans[-1:])])
    return Columns.of(image, left, right, area)


class _BatchReader:
    """Reads one strip."""

    def __init__(
        self, columns: Columns, plan: WindowPlan, index: int, memory: RowMemory, buffers: PixelBuffers
    ) -> None:
        self._plan = plan
        self._buffers = buffers
        self._index = index
        self._strip = plan.strips[index]
        self._lefts = [plan.grid.columns.spans[column].start for column in self._strip.own]
        self._tops = [plan.grid.rows.spans[row].start for row in plan.rows]
        self._rows = RowBuffer(columns, self._tops[0], self._tops[-1] + plan.grid.window.height, memory)
        self._pixels: UInt8 | None = None
        self._count = 0
        self._batch = WindowBatch(index)

    def batches(self) -> Generator[WindowBatch]:
        """Read from the top down."""
        size, plan = self._plan.grid.window, self._plan
        if not self._lefts and not self._rows.columns.is_masked:
            yield self._batch
            return
        for top in self._tops:
            self._read(top)
            for left in self._lefts:
                window = Window(top, left, size.height, size.width)
                valid = self._rows.valid(window)
                run = valid is None or bool(valid.any())
                self._batch.run.append(run)
                if run:
                    self._append(self._rows.pixels(window))
                if self._count == plan.batch_size or len(self._batch.run) >= WAITING_BATCHES * plan.batch_size:
                    yield self._filled()
        yield self._filled()

    def _read(self, top: int) -> None:
        """Read what a row of windows needs, and note which of the wanted pixels hold data."""
        first = self._rows.bottom
        self._rows.read(top, top + self._plan.grid.window.height)
        new = Window.of_bounds(first, self._strip.left, self._rows.bottom, self._strip.right)
        wanted = new.intersection(Window(self._plan.top, new.left, self._plan.bottom - self._plan.top, new.width))
        if wanted is not None:
            valid = self._rows.valid(wanted)
            if valid is not None and not valid.all():
                self._batch.valid.append(ValidRows.packed(wanted.top, valid))

    def _append(self, pixels: UInt8) -> None:
        if self._pixels is None:
            self._pixels = self._buffers.take((self._plan.batch_size, *pixels.shape))
        self._pixels[self._count] = pixels
        self._count += 1

    def _filled(self) -> WindowBatch:
        batch, self._batch = self._batch, WindowBatch(self._index)
        if self._pixels is not None:
            batch.pixels, self._pixels, self._count = self._pixels[: self._count], None, 0
        return batch


class PixelBuffers:
    """Arrays for pixels, handed from thread to thread: to touch fresh memory takes longer than to fill it."""

    def __init__(self) -> None:
        self._free: SimpleQueue[UInt8] = SimpleQueue()

    def take(self, shape: tuple[int, ...]) -> UInt8:
        """An array of any content."""
        try:
            array = self._free.get_nowait()
        except Empty:
            return np.empty(shape, np.uint8)
        return array if array.shape == shape else np.empty(shape, np.uint8)

    def give_back(self, pixels: UInt8) -> None:
        """Take an array, or a part of it, that nobody uses any more."""
        self._free.put(pixels if pixels.base is None else pixels.base)
