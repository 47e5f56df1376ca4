"""How more than 8 bits are asked to become 8."""

from __future__ import annotations

import math
from dataclasses import dataclass

from components.core.errors import ConfigError

PERCENTILE = "percentile"
FULL = "full"
BY_HAND = "values"


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a run scales values to 8 bits.

    Attributes:
        mode: "percentile", "full" or "values".
        low: The value that becomes black; with "values" alone.
        high: The value that becomes white; with "values" alone.
    """

    mode: str
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Scaling:
        """Read the parameter.

        Args:
            text: "percentile" (the 0.5th to the 99.5th percentile of each scene, all colours together, so that hues
                stay), "full" (the whole range of an integer dtype), or "LOW,HIGH", such as "0,4095".

        Raises:
            ConfigError: If it is none of them.
        """
        if text in (PERCENTILE, FULL):
            return cls(text)
        try:
            low, high = (float(part) for part in text.split(","))
        except ValueError:
            low = high = math.nan
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ConfigError(
                f"scaling: {text!r} cannot be parsed; use {PERCENTILE}, {FULL}, or two rising values such as 0,4095"
            )
        return cls(BY_HAND, low, high)
