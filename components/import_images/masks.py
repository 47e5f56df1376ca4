"""Masks made ready for windowed reading: left where they are, or rewritten as 0 and 255; read in full either way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from components.core.errors import DataError
from components.core.figures import tight_window
from components.core.geometry import Window
from components.core.imagery.writing import RasterProfile, raster_writer
from components.core.storage import StoredObject
from components.import_images.rasters import Pixels, bands_of, read_rows, value_bands
from components.import_images.rewriting import finished_tags, opened, rewritten_uri
from components.import_images.task import Outcome, SceneTask


@dataclass(frozen=True, slots=True)
class MaskScan:
    """What a mask holds: the box around its set pixels, and their number."""

    box: Window | None
    area: int


def ready_mask(source: StoredObject, task: SceneTask) -> tuple[str, MaskScan, Outcome]:
    """Leave a mask where it is, or rewrite it; read it all in either case."""
    with opened(source) as (dataset, info):
        indexes = value_bands(dataset)
        if np.dtype(info.dtype).kind not in "iufb":
            raise DataError(f"{source.uri}: pixels are {info.dtype}; a mask holds real numbers")
        scan = _Scanner()
        if info.is_tiled and indexes == (1,):
            for rows in bands_of(info):
                scan.add(rows, _set_pixels(read_rows(dataset, source.uri, rows, indexes)))
            return source.uri, scan.result(), Outcome.KEPT
        target = rewritten_uri(source, task, "masks")
        if finished_tags(target, info.size) is not None:
            with opened(target) as (finished, finished_info):
                for rows in bands_of(finished_info):
                    scan.add(rows, _set_pixels(read_rows(finished, target, rows, (1,))))
            return target, scan.result(), Outcome.REUSED
        profile = RasterProfile(size=info.size, crs=info.crs, transform=info.transform, compress="deflate")
        with raster_writer(target, profile) as writer:
            for rows in bands_of(info):
                pixels = _set_pixels(read_rows(dataset, source.uri, rows, indexes))
                scan.add(rows, pixels)
                writer.write(pixels.view(np.uint8) * np.uint8(255))
        return target, scan.result(), Outcome.REWRITTEN


def _set_pixels(values: Pixels) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(H, W) bool of (C, H, W): where any band is above 0."""
    return np.asarray((values > 0).any(axis=0))


class _Scanner:
    """Finds box and area of a mask from its rows, top to bottom."""

    def __init__(self) -> None:
        self._top = self._left = -1
        self._bottom = self._right = -1
        self._area = 0

    def add(self, rows: Window, pixels: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        """Take the pixels of some rows."""
        box = tight_window(pixels)
        if box is None:
            return
        box = box.shift(rows.top, rows.left)
        self._left = box.left if self._top < 0 else min(self._left, box.left)
        self._top = box.top if self._top < 0 else self._top
        self._bottom, self._right = box.bottom, max(self._right, box.right)
        self._area += int(np.count_nonzero(pixels))

    def result(self) -> MaskScan:
        """Box and area of all rows so far."""
        if self._top < 0:
            return MaskScan(None, 0)
        return MaskScan(Window.of_bounds(self._top, self._left, self._bottom, self._right), self._area)
