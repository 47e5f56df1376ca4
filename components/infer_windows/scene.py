"""One scene: read ahead, through the network, blended, decided and written, each step beside the others.

Three threads hand on what they finished: one reads windows, one runs the network, and the caller's blends, decides
and writes. Memory is a few batches and the open rows of a strip, whatever the scene's size.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from typing import Protocol

import numpy as np

from components.core.geometry import Window
from components.core.imagery import TILE_PX
from components.core.project import ImageRef
from components.core.project.parts import Rows
from components.infer_windows.ahead import ahead
from components.infer_windows.arrays import Float32, UInt8
from components.infer_windows.batches import Batch, WindowPlan, read_batches
from components.infer_windows.blending import Band, Totals, blend
from components.infer_windows.buffers import Buffers
from components.infer_windows.deciding import NO_DATA, decide
from components.infer_windows.extents import ClassExtent
from components.infer_windows.grid import Grid
from components.infer_windows.pieces import Handover, StripPieces
from components.infer_windows.rasters import PartFiles, open_rasters
from components.infer_windows.strips import STRIP_COLUMNS, column_strips


class Predictor(Protocol):
    """A network in use."""

    def __call__(self, windows: UInt8) -> Float32:
        """Map (N, 3, H, W) uint8 RGB to (N, C, H, W) float32 probabilities, whose sum over C is 1.

        The array of windows is used again after the call.
        """
        ...


def plan_windows(
    grid: Grid, batch_size: int, classes: int, rows: Rows | None = None, strip_columns: int = STRIP_COLUMNS
) -> WindowPlan:
    """Decide how a scene is done.

    Args:
        grid: Its windows.
        batch_size: How many go through the network at once.
        classes: Number of channels that the network gives.
        rows: The rows that are wanted; None for all.
        strip_columns: The most columns of a strip.
    """
    wanted = rows or Rows(0, grid.size.height)
    strips = column_strips(grid.columns, strip_columns, TILE_PX)
    return WindowPlan(grid, wanted.top, wanted.bottom, strips, batch_size, classes)


def predict_scene(
    image: ImageRef, plan: WindowPlan, predictor: Predictor, mask: str, confidence: str
) -> tuple[ClassExtent, ...]:
    """Write the class of every pixel of an image, and how sure the network is of it.

    Args:
        image: What to look at; everything is in the pixels that its recipe shows.
        plan: Windows and batches.
        predictor: The network.
        mask: Where the class indices go: a tiled GeoTIFF, uint8, 255 where the image holds no data.
        confidence: Where the mean probability of that class goes: a tiled GeoTIFF, uint8, probability × 255 rounded.

    Returns:
        The classes that occur, by value.

    Raises:
        DataError: If a window cannot be read or the network gives something that is no probability.
        StorageError: If a raster cannot be written.
    """
    part = PartFiles(Rows(plan.top, plan.bottom), mask, confidence)
    buffers = Buffers()
    read = read_batches(image, plan, buffers)
    with closing(ahead(applied(predictor, read, buffers), depth=1)) as batches:
        return write_scene(image, plan, batches, [part])[0]


def applied(predictor: Predictor, batches: Generator[Batch], buffers: Buffers) -> Generator[Batch]:
    """Put batches, which are read in a thread of their own, through the network."""
    with closing(ahead(batches, depth=1)) as waiting:
        for batch in waiting:
            apply(predictor, batch, buffers)
            yield batch


def apply(predictor: Predictor, batch: Batch, buffers: Buffers) -> None:
    """Apply the network to a batch, unless no window of it holds data; its pixels are given back."""
    if batch.pixels is not None:
        batch.probabilities = predictor(batch.pixels)
        buffers.give_back(batch.pixels)
        batch.pixels = None


def write_scene(
    image: ImageRef, plan: WindowPlan, batches: Iterable[Batch], parts: Sequence[PartFiles]
) -> list[tuple[ClassExtent, ...]]:
    """Blend a scene's windows, decide and write.

    Args:
        image: The scene.
        plan: How it was cut.
        batches: All of them, after the network.
        parts: Row parts from the top down, which together are the wanted rows.

    Returns:
        For each part the classes that occur, by value.

    Raises:
        DataError: If the network gave something that is no probability.
        StorageError: If a raster cannot be written.
    """
    with open_rasters(image, parts, plan.classes) as rasters:
        for pieces, bands in blended(plan, batches):
            rasters.begin(pieces.strip.width)
            for band in bands:
                values, sureness = decide(band.probabilities)
                invalid = pieces.validity.invalid(band.top, len(values))
                if invalid is not None:
                    np.copyto(values, np.uint8(NO_DATA), where=invalid)
                    np.copyto(sureness, np.uint8(0), where=invalid)
                rasters.write(band.top, values, sureness)
        return rasters.extents()


def blended(plan: WindowPlan, batches: Iterable[Batch]) -> Iterator[tuple[StripPieces, Iterator[Band]]]:
    """Blend a scene's windows strip by strip.

    Args:
        plan: How it was cut.
        batches: All of them, after the network.

    Returns:
        For each strip what knows which of its pixels hold data, and its bands; take them before the next strip.
    """
    rows, columns = plan.grid.rows.totals[plan.top : plan.bottom], plan.grid.columns.totals
    room = np.empty((plan.classes, plan.grid.window.height, max(strip.width for strip in plan.strips)), np.float32)
    by_strip = groupby(batches, key=lambda batch: batch.strip)
    with ExitStack() as open_files:
        earlier = Handover()
        for strip, (_, own) in zip(plan.strips, by_strip, strict=True):
            later = open_files.enter_context(Handover())
            pieces = StripPieces(plan, strip, earlier, later)
            area = Window.of_bounds(plan.top, strip.left, plan.bottom, strip.right)
            totals = Totals(rows, columns[strip.left : strip.right])
            yield pieces, blend(pieces.of(own), area, room, totals, plan.band_rows)
            earlier.close()
            earlier = later
