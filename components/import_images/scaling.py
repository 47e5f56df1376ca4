"""More than 8 bits brought down to 8, by values that are stated and kept with the item."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from components.core.errors import DataError
from components.core.imagery.reading import UInt8
from components.core.imagery.scaling import BY_HAND, PERCENTILE, Scaling
from components.import_images.rasters import Pixels

VALUES = 1 << 16
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
            table = self._scaled(np.arange(VALUES, dtype=np.uint16).view(pixels.dtype))
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
    scaling: Scaling, uri: str, dtype: str, percentiles: Callable[[], tuple[float, float]]
) -> Stretch | None:
    """The stretch of one scene; None for 8 bits, which stay as they are.

    Args:
        scaling: The run's.
        uri: Of the scene, for messages.
        dtype: Of its pixels.
        percentiles: Gives its low and high value, perhaps the same; called only where the scaling needs them.

    Raises:
        DataError: If pixels are complex, or `full` is asked of a dtype without a natural range.
    """
    kind = np.dtype(dtype) if dtype in np.sctypeDict else None
    if kind == np.uint8:
        return None
    if kind is None or kind.kind not in "iuf":
        raise DataError(f"{uri}: pixels are {dtype}; give real numbers, as uint8 or uint16")
    if scaling.mode == BY_HAND:
        return Stretch(BY_HAND, scaling.low, scaling.high, dtype)
    if scaling.mode == PERCENTILE:
        low, high = percentiles()
        return Stretch(PERCENTILE, low, high if high > low else low + max(1.0, abs(low) * 1e-6), dtype)
    if kind.kind == "f":
        raise DataError(
            f"{uri}: pixels are {dtype}, which has no full range to scale by; use scaling={PERCENTILE}, or "
            "give two values such as 0,1"
        )
    limits = np.iinfo(kind)
    return Stretch(scaling.mode, float(limits.min), float(limits.max), dtype)
