"""Mask rasters as sources of figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.geometry import Size, Window


@dataclass(frozen=True, slots=True)
class MaskRaster:
    """A single-band raster and which of its values count as set.

    Attributes:
        uri: The raster.
        value: The one value that counts; None where any value above 0 does.
    """

    uri: str
    value: int | None = None

    def select(self, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """(H, W) bool of (H, W) raster values."""
        return np.asarray(values > 0 if self.value is None else values == self.value, np.bool_)

    def read(self, window: Window, size: Size | None = None) -> npt.NDArray[np.bool_]:
        """(H, W) bool of one window, thinned out to `size` where that is given."""
        from components.core.imagery.reading import read_band  # GDAL, for those who read pixels

        return self.select(read_band(self.uri, window, size=size))
