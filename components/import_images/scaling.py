"""More than 8 bits brought down to 8, by values that are stated and kept with the item."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio

from components.core.errors import DataError
from components.core.imagery.reading import RasterInfo, UInt8
from components.core.imagery.scaling import BY_HAND, PERCENTILE, Scaling
from components.import_images.rasters import Pixels, bands_of, read_rows, read_validity

LOW_SHARE, HIGH_SHARE = 0.005, 0.995
"""The shares of valid pixels at which `percentile` puts black and white."""

BINS = 1 << 16
WORD_BYTES = 2


@dataclass(frozen=True, slots=True)
class Stretch:
    """Values `low` … `high` become 0 … 255, linearly; what lies outside is clipped.

    Attributes:
        mode: How the two were found: "percentile", "full" or "values".
        low: What becomes 0.
        high: What becomes 255.
        dtype: Of the pixels before.
    """

    mode: str
    low: float
    high: float
    dtype: str

    def apply(self, pixels: Pixels) -> UInt8:
        """Scale pixels of any real dtype and shape; NaN becomes 0."""
        if pixels.dtype.kind in "iu" and pixels.dtype.itemsize == WORD_BYTES:
            table = self._scaled(np.arange(BINS, dtype=np.uint16).view(pixels.dtype))
            return np.asarray(table[pixels.view(np.uint16)])
        return self._scaled(pixels)

    def _scaled(self, pixels: Pixels) -> UInt8:
        scaled = (pixels.astype(np.float64) - self.low) * 255 / (self.high - self.low) + 0.5
        return np.nan_to_num(np.clip(scaled, 0, 255), copy=False, nan=0).astype(np.uint8)

    def as_text(self) -> str:
        """JSON, as it is kept in the rewritten file."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> Stretch:
        """From the JSON of `as_text`."""
        return cls(**json.loads(text))


def stretch_of(
    scaling: Scaling, dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, indexes: Sequence[int]
) -> Stretch | None:
    """The stretch of one scene, from all its valid pixels; None for 8 bits, which stay as they are.

    Args:
        scaling: What is asked for.
        dataset: The open raster.
        uri: Its name, for messages.
        info: What it says of itscaling.
        indexes: The bands that matter.

    Raises:
        DataError: If pixels are complex, or `full` is asked of a dtype without a natural range.
    """
    dtype = np.dtype(info.dtype) if info.dtype in np.sctypeDict else None
    if dtype == np.uint8:
        return None
    if dtype is None or dtype.kind not in "iuf":
        raise DataError(f"{uri}: pixels are {info.dtype}; give real numbers, as uint8 or uint16")
    if scaling.mode == BY_HAND:
        return Stretch(BY_HAND, scaling.low, scaling.high, info.dtype)
    if scaling.mode == PERCENTILE:
        return Stretch(PERCENTILE, *_percentiles(dataset, uri, info, indexes), info.dtype)
    if dtype.kind == "f":
        raise DataError(
            f"{uri}: pixels are {info.dtype}, which has no full range to scale by; use scaling={PERCENTILE}, or "
            "give two values such as 0,1"
        )
    limits = np.iinfo(dtype)
    return Stretch(scaling.mode, float(limits.min), float(limits.max), info.dtype)


def _percentiles(
    dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, indexes: Sequence[int]
) -> tuple[float, float]:
    """Low and high value of the valid pixels; read by band, counted in bins."""
    low, high = _limits(dataset, uri, info, indexes)
    width = max((high - low + 1 if np.dtype(info.dtype).kind in "iu" else high - low) / BINS, np.finfo(float).tiny)
    is_exact = np.dtype(info.dtype).kind in "iu" and width <= 1
    width = 1.0 if is_exact else width
    counts = np.zeros(BINS, np.int64)
    for values in _valid_values(dataset, uri, info, indexes):
        offsets = values.astype(np.int64) - int(low) if is_exact else (values - low) / width
        bins = np.minimum(offsets.astype(np.int64, copy=False), BINS - 1)
        counts += np.bincount(bins, minlength=BINS)
    total = np.cumsum(counts)
    if not total[-1]:
        return 0.0, 1.0
    black, white = (int(np.searchsorted(total, share * total[-1])) for share in (LOW_SHARE, HIGH_SHARE))
    first, last = low + black * width, low + (white if is_exact else white + 1) * width
    return first, last if last > first else first + 1


def _limits(dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, indexes: Sequence[int]) -> tuple[float, float]:
    """A range that holds every valid pixel: the dtype's for 16 bits, else the scene's own."""
    dtype = np.dtype(info.dtype)
    if dtype.kind in "iu" and dtype.itemsize <= 2:
        limits = np.iinfo(dtype)
        return float(limits.min), float(limits.max)
    low, high = math.inf, -math.inf
    for values in _valid_values(dataset, uri, info, indexes):
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 1.0)


def _valid_values(
    dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, indexes: Sequence[int]
) -> Iterator[npt.NDArray[Any]]:
    """Finite values of valid pixels, flat, band by band, floats as float64."""
    for rows in bands_of(info):
        valid = read_validity(dataset, uri, rows)
        for plane in read_rows(dataset, uri, rows, indexes):
            values = plane.ravel() if valid.all() else plane[valid]
            if plane.dtype.kind == "f":
                values = values[np.isfinite(values)].astype(np.float64)
            yield values
