"""A scene's regions as batches for the network, strip by strip."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from components.core.figures.centre_rule import Rings
from components.core.geometry import Window
from components.core.project import ImageRef
from components.infer_windows.batches import PixelBuffers, WindowBatch
from components.infer_windows.reader import Columns, ValidRows, laid_out_in_tiles
from components.infer_windows.regions import RegionPlan


def read_regions(
    image: ImageRef, plan: RegionPlan, buffers: PixelBuffers, area: tuple[Rings, ...] | None = None
) -> Generator[WindowBatch]:
    """Read a scene's regions, each a batch of its own; an empty batch comes for a strip in which none begins.

    Args:
        image: The whole scene.
        plan: Which regions.
        buffers: Where the batches' pixels come from.
        area: What of the scene is wanted; None for all.

    Raises:
        DataError: If the raster cannot be read.
        StorageError: If the disk has no room to lay it out in tiles, where that is needed.
    """
    if not plan.windows:
        yield from map(WindowBatch, range(len(plan.strips)))
        return
    top, bottom = plan.windows[0].top, max(window.bottom for window in plan.windows)
    with laid_out_in_tiles(image, top, bottom, len(plan.windows)) as scene:
        for index, strip in enumerate(plan.strips):
            if not strip.own:
                yield WindowBatch(index)
            for region in strip.own:
                yield _batch(scene, index, plan.windows[region], buffers, area)


def _batch(
    image: ImageRef, strip: int, window: Window, buffers: PixelBuffers, area: tuple[Rings, ...] | None
) -> WindowBatch:
    """One region; where some of its pixels hold no data the batch says so of all its rows."""
    columns = Columns.of(image, window.left, window.right, area)
    pixels = buffers.take((1, len(image.bands), window.height, window.width))
    holds_data = np.ones((window.height, window.width), np.bool_) if columns.is_masked else None
    row = 0
    for values, valid in columns.read(window.top, window.bottom):
        place = slice(row, row + values.shape[1])
        pixels[0, :, place] = values
        if holds_data is not None and valid is not None:
            holds_data[place] = valid
        row = place.stop
    if holds_data is None or holds_data.all():
        return WindowBatch(strip, [True], pixels=pixels)
    if not holds_data.any():
        buffers.give_back(pixels)
        return WindowBatch(strip, [False])
    return WindowBatch(strip, [True], [ValidRows.packed(window.top, holds_data)], pixels)
