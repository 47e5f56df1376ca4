"""How sure the network was of an object: the sum of its pixels' confidence, from which the mean is made at last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.figures import Bitmap
from components.core.figures.row_bands import indices_by_band
from components.core.geometry import Window, row_bands
from components.core.imagery import read_band
from components.core.project import Item
from components.core.project.predictions import CONFIDENCE_ROLE, FULL_CONFIDENCE

BAND_ROWS = 512


def confidence_sums(item: Item, bitmaps: Sequence[Bitmap]) -> npt.NDArray[np.int64] | None:
    """Sum of the confidence over the pixels of each bitmap, read by row band.

    Args:
        item: The item, whose raster "confidence" lies pixel on pixel with it.
        bitmaps: In the item's pixels.

    Returns:
        (N,) int64, 0 to `FULL_CONFIDENCE` a pixel; None where the item has no such raster.

    Raises:
        DataError: If the raster cannot be read or is not 8-bit.
    """
    uri = item.rasters.get(CONFIDENCE_ROLE)
    if uri is None:
        return None
    boxes = [bitmap.window for bitmap in bitmaps]
    sums = np.zeros(len(bitmaps), np.int64)
    for band, indices in indices_by_band(boxes, row_bands(item.size, BAND_ROWS)):
        if not indices:
            continue
        values = _read(uri, band)
        for index in indices:
            part = boxes[index].intersection(band)
            if part is not None:
                chosen = bitmaps[index].mask.read(part.shift(-boxes[index].top, -boxes[index].left))
                sums[index] += int(values[part.shift(-band.top, -band.left).slices][chosen].sum(dtype=np.int64))
    return sums


def confidence_pixels(item: Item, bitmaps: Sequence[Bitmap]) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """The confidence in each bitmap's box, read by row band; boxes are held only while bands pass over them.

    Args:
        item: The item, with its raster "confidence".
        bitmaps: In the item's pixels.

    Returns:
        (index into `bitmaps`, (H, W) uint8 of its box), by last row.

    Raises:
        DataError: If there is no raster, it cannot be read or is not 8-bit.
    """
    uri = item.rasters.get(CONFIDENCE_ROLE)
    if uri is None:
        raise DataError(f"{item.key}: has no confidence raster, which its split goes by; split the masks again")
    boxes = [bitmap.window for bitmap in bitmaps]
    held: dict[int, npt.NDArray[np.uint8]] = {}
    for band, indices in indices_by_band(boxes, row_bands(item.size, BAND_ROWS)):
        values = _read(uri, band) if indices else None
        for index in indices:
            box, part = boxes[index], boxes[index].intersection(band)
            if values is None or part is None:
                continue
            pixels = held.setdefault(index, np.zeros((box.height, box.width), np.uint8))
            pixels[part.shift(-box.top, -box.left).slices] = values[part.shift(-band.top, -band.left).slices]
            if box.bottom <= band.bottom:
                yield index, held.pop(index)


def _read(uri: str, band: Window) -> npt.NDArray[np.uint8]:
    values = read_band(uri, band)
    if values.dtype != np.uint8:
        raise DataError(f"{uri}: confidence is {values.dtype}, not uint8; write it as 0 to {FULL_CONFIDENCE}")
    return values


def mean_confidence(sum_: int, bitmap: Bitmap) -> float:
    """Mean confidence of a bitmap, 0–1, from the sum over its pixels."""
    return sum_ / (FULL_CONFIDENCE * bitmap.mask.area)
