"""What the values of a scene of more than 8 bits are like, found by reading it: a few odd ones decide nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio

from components.core.geometry import Window
from components.core.imagery.reading import RasterInfo
from components.import_images.rasters import Pixels, bands_of, read_rows, read_validity

LOW_SHARE, HIGH_SHARE = 0.005, 0.995
"""The shares of valid values at which `percentile` puts black and white."""

BINS = 1 << 16

SAMPLED = 1 << 20
"""Size of the sample that shows where most values lie. Percentiles are then counted among all of them."""

FILL_SHARE = 0.001
"""The least share of a value that may be a fill; a few hot pixels have less, and move no percentile."""

FILLS = (0, -999, -9999, -99999, -32768, -32767, 9999, 99999, 32767, 65535, 1e20, -1e20)
"""What people fill gaps with, beside the ends of a dtype's range."""

DISTINCT = 32
"""The fewest other values of imagery; in a drawing of a few values no fill can be recognised."""

FAR = 100.0
"""How many times as far from all others as they spread a value must lie that is not among `FILLS`."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A value that stands for no data without being declared.

    Attributes:
        value: The value.
        share: Of all values that hold data by what the raster declares.
    """

    value: float
    share: float

    def note(self) -> str:
        """The remark on it."""
        return (
            f"{self.share:.1%} of its values are {self.value:g}, far from all others: they count as nodata; "
            "declare it as the nodata value, or give two values as scaling to keep it"
        )


@dataclass(frozen=True, slots=True)
class ImageSurvey:
    """What was found out.

    Attributes:
        low: The 0.5th percentile of the valid values, all colours together.
        high: The 99.5th; perhaps the same.
        fill: An undeclared fill.
        has_nan: Whether some values of pixels that should hold data are no finite numbers.
        is_empty: Whether no pixel holds data.
    """

    low: float
    high: float
    fill: Fill | None = None
    has_nan: bool = False
    is_empty: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """The remark on it."""
        if self.is_empty:
            return ("none of its pixels holds data",)
        flat = f"nearly constant image ({self.low:g}); are these the right bands?"
        return (*([] if self.fill is None else [self.fill.note()]), *([flat] if self.high <= self.low else []))


@dataclass(frozen=True, slots=True)
class Gaps:
    """How to recognise pixels without data.

    Attributes:
        declared: Whether the raster says it of some by nodata value, mask or alpha band.
        has_nan: Whether some are no finite numbers.
        fill: An undeclared fill; pixels that have it in all bands hold no data.
    """

    declared: bool
    has_nan: bool = False
    fill: Fill | None = None

    @property
    def are_there(self) -> bool:
        """Whether there may be such pixels."""
        return self.declared or self.has_nan or self.fill is not None

    def valid(self, dataset: rasterio.DatasetReader, uri: str, rows: Window, pixels: Pixels) -> npt.NDArray[np.bool_]:
        """(H, W) bool: which pixels of some rows hold data.

        Args:
            dataset: The open raster.
            uri: Its name, for messages.
            rows: Which rows.
            pixels: (C, H, W), the same rows of the bands that matter.
        """
        shape = pixels.shape[1:]
        valid = read_validity(dataset, uri, rows) if self.declared else np.ones(shape, np.bool_)
        if pixels.dtype.kind == "f":
            valid &= np.isfinite(pixels).all(axis=0)
        if self.fill is not None:
            valid &= (pixels != self.fill.value).any(axis=0)
        return valid


def any_not_finite(dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, indexes: Sequence[int]) -> bool:
    """Whether some pixels of a raster of floats are no numbers, or infinite."""
    return any(not np.isfinite(read_rows(dataset, uri, rows, indexes)).all() for rows in bands_of(info))


def survey(
    dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, indexes: Sequence[int], declared: bool
) -> ImageSurvey:
    """Find the percentiles of a scene.

    All values of 16 bits are counted. Of others a sample shows where most of them lie; then all are counted, in bins
    there, and those below and above. So neither a hot pixel nor a fill sets what the bins are.

    Args:
        dataset: The open raster.
        uri: Its name, for messages.
        info: What it says of itself.
        indexes: The bands that matter.
        declared: Whether it says of pixels that they hold no data.
    """
    kind = np.dtype(info.dtype)
    has_nan = False

    def values() -> Iterator[npt.NDArray[Any]]:
        nonlocal has_nan
        for plane in _valid_values(dataset, uri, info, indexes, declared):
            is_finite = np.isfinite(plane) if kind.kind == "f" else np.True_
            has_nan |= not is_finite.all()
            yield plane if is_finite.all() else plane[is_finite]

    if kind.kind in "iu" and kind.itemsize <= 2:
        limits = np.iinfo(kind)
        counts = np.zeros(int(limits.max) - int(limits.min) + 1, np.int64)
        for chunk in values():
            counts += np.bincount(chunk.astype(np.int64) - int(limits.min), minlength=len(counts))
        found = np.flatnonzero(counts)
        distinct, counts = found.astype(np.float64) + float(limits.min), counts[found]
        if not len(distinct):
            return ImageSurvey(0.0, 1.0, is_empty=True)
        fill = undeclared_fill(distinct, counts, kind)
        rest = _without(distinct, fill)
        return ImageSurvey(*_quantiles(distinct[rest], counts[rest]), fill)
    distinct, counts = np.unique(_sampled(values(), info.size.area * len(indexes)), return_counts=True)
    if not len(distinct):
        return ImageSurvey(0.0, 1.0, has_nan=has_nan, is_empty=True)
    fill = undeclared_fill(distinct, counts, kind)
    rest = _without(distinct, fill)
    low, high = _quantiles(distinct[rest], counts[rest])
    low, high = _counted(values(), max(low - (high - low), -1e300), min(high + (high - low), 1e300), kind, fill)
    return ImageSurvey(low, high, fill, has_nan)


def _without(distinct: npt.NDArray[np.float64], fill: Fill | None) -> npt.NDArray[np.bool_]:
    return np.ones(len(distinct), np.bool_) if fill is None else distinct != fill.value


def _quantiles(distinct: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Of rising values with the number of times that each occurs."""
    total = np.cumsum(counts)
    low, high = (
        float(distinct[min(int(np.searchsorted(total, share * total[-1])), len(distinct) - 1)])
        for share in (LOW_SHARE, HIGH_SHARE)
    )
    return low, high


def undeclared_fill(
    distinct: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], kind: np.dtype[Any]
) -> Fill | None:
    """The least or the greatest value where it lies alone, far from the others, and is frequent.

    Args:
        distinct: (N,) rising values.
        counts: (N,) how often each occurs.
        kind: Of the raster.
    """
    if len(distinct) <= DISTINCT:
        return None
    limits: Any = np.iinfo(kind) if kind.kind in "iu" else np.finfo(kind)
    usual = {*map(float, FILLS), float(limits.min), float(limits.max)}
    for at, rest in ((0, slice(1, None)), (-1, slice(None, -1))):
        value, share = float(distinct[at]), float(counts[at] / counts.sum())
        if share < FILL_SHARE:
            continue
        low, high = _quantiles(distinct[rest], counts[rest])
        nearest, spread = (low, high - low) if at == 0 else (high, high - low)
        distance = abs(nearest - value)
        far = spread if value in usual else FAR * max(spread, abs(nearest))
        near = counts[rest][np.abs(distinct[rest] - value) < distance / 2].sum()
        if distance > far and near <= FILL_SHARE * counts[rest].sum():
            return Fill(value, share)
    return None


def _sampled(values: Iterator[npt.NDArray[Any]], total: int) -> npt.NDArray[np.float64]:
    """Some values of many, drawn evenly, and the same ones each time; all of few."""
    share = min(1.0, SAMPLED / max(total, 1))
    drawing = np.random.default_rng(0)
    chunks = [np.zeros(0)]
    for chunk in values:
        if share == 1.0:
            chunks.append(chunk.astype(np.float64))
        elif len(chunk):
            chunks.append(chunk[drawing.integers(0, len(chunk), -int(-len(chunk) * share // 1))].astype(np.float64))
    return np.concatenate(chunks)


def _counted(
    values: Iterator[npt.NDArray[Any]], low: float, high: float, kind: np.dtype[Any], fill: Fill | None
) -> tuple[float, float]:
    """The percentiles of all values, counted in bins from `low` to `high`, and below and above."""
    is_whole = kind.kind in "iu"
    low = float(np.floor(low)) if is_whole else low
    width = max((high - low) / BINS, np.finfo(np.float64).tiny)
    width = float(np.ceil(max(width, 1.0))) if is_whole else width
    counts = np.zeros(BINS + 2, np.int64)
    least, most = np.inf, -np.inf
    for chunk in values:
        kept = chunk if fill is None else chunk[chunk != fill.value]
        if not len(kept):
            continue
        least, most = min(least, float(kept.min())), max(most, float(kept.max()))
        with np.errstate(over="ignore"):
            bins = np.clip(np.floor((kept.astype(np.float64) - low) / width), -1, BINS)
        counts += np.bincount(bins.astype(np.int64) + 1, minlength=BINS + 2)
    if least > most:
        return 0.0, 1.0
    total = np.cumsum(counts)
    black, white = (int(np.searchsorted(total, share * total[-1])) - 1 for share in (LOW_SHARE, HIGH_SHARE))
    first = least if black < 0 else min(low + black * width, most)
    last = most if white >= BINS else low + (white if is_whole and width == 1 else white + 1) * width
    return max(first, least), max(min(last, most), least)


def _valid_values(
    dataset: rasterio.DatasetReader, uri: str, info: RasterInfo, indexes: Sequence[int], declared: bool
) -> Iterator[npt.NDArray[Any]]:
    """Values of pixels that hold data by what is declared, flat, band by band."""
    for rows in bands_of(info):
        valid = read_validity(dataset, uri, rows) if declared else None
        for plane in read_rows(dataset, uri, rows, indexes):
            yield plane.ravel() if valid is None or valid.all() else plane[valid]
