"""Whether an alpha band says which pixels hold data.

Whoever writes red, green, blue and near infrared in 8 bits with GDAL's defaults has the last of them tagged alpha, as
many aerial images are. Its values decide: a mask is 0 and 255, near infrared is everything between.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from threading import Lock

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window as RasterWindow

from components.core.imagery.data_mask import alpha_band
from components.core.imagery.opening import count_read, use_raster, version_of

SAMPLES = 4
"""The band is sampled at this many places down and as many across."""

SAMPLE_PX = 256
"""Side of each of them, in pixels: within a tile or two."""

MOST_BETWEEN = 0.05
"""Of the values of a mask above 0, the greatest share that is not its greatest value: soft edges have some."""

KEPT = 4096


@dataclass(frozen=True, slots=True)
class Alpha:
    """What an alpha band turned out to be.

    Attributes:
        band: Its number, from 1; 0 where there is none.
        is_mask: Whether it says which pixels hold data; true where there is no alpha band, too.
        between: The share of its values above 0 that are not the greatest.
    """

    band: int = 0
    is_mask: bool = True
    between: float = 0.0

    @property
    def mask(self) -> int:
        """Number of the band that says which pixels hold data; 0 where none does."""
        return self.band if self.is_mask else 0

    def note(self) -> str:
        """The remark on a band that is no mask."""
        return (
            f"band {self.band} is tagged alpha, but {self.between:.0%} of its values are neither 0 nor the greatest: "
            "it counts as another channel, such as near infrared, and all pixels as valid; correct its tag"
        )


_known: dict[tuple[str, object], Alpha] = {}
_lock = Lock()


def alpha_of(uri: str) -> Alpha:
    """See what a raster's alpha band is; its values are sampled once a process, and always the same ones.

    Raises:
        DataError: If the raster cannot be read.
        StorageError: If it is in object storage and cannot be reached there.
    """
    key = (uri, version_of(uri))
    found = _known.get(key)
    if found is None:
        found = use_raster(uri, lambda dataset: _judged(uri, dataset), "its alpha band")
        with _lock:
            while len(_known) >= KEPT:
                del _known[next(iter(_known))]
            _known[key] = found
    return found


def _judged(uri: str, dataset: rasterio.DatasetReader) -> Alpha:
    band = alpha_band(dataset)
    if not band or dataset.driver == "PNG":  # which knows no other fourth band
        return Alpha(band)
    kind = np.dtype(dataset.dtypes[band - 1])
    most = np.iinfo(kind).max if kind.kind in "iu" else 1
    above = full = 0
    for window in _places(dataset.height, dataset.width):
        values = dataset.read(band, window=window)
        count_read(uri, values.nbytes)
        above += int(np.count_nonzero(values > 0))
        full += int(np.count_nonzero(values == most))
    between = 1 - full / above if above else 0.0
    return Alpha(band, between <= MOST_BETWEEN, between)


def _places(height: int, width: int) -> list[RasterWindow]:
    """Windows spread evenly over a raster; all of a small one, in one."""
    if height <= SAMPLES * SAMPLE_PX and width <= SAMPLES * SAMPLE_PX:
        return [RasterWindow(0, 0, width, height)]
    rows, columns = _offsets(height), _offsets(width)
    sides = min(SAMPLE_PX, height), min(SAMPLE_PX, width)
    return [RasterWindow(column, row, sides[1], sides[0]) for row, column in product(rows, columns)]


def _offsets(length: int) -> list[int]:
    spread: npt.NDArray[np.float64] = np.linspace(0, max(length - SAMPLE_PX, 0), SAMPLES)
    return sorted({int(offset) for offset in spread})
