"""Colours that mean the same in every picture.

They are distinguished with every common form of colour vision (Okabe and Ito, https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

INK = "#1d2730"
MUTED = "#64707d"
FAINT = "#a9b3bd"
LINE = "#dfe4e9"
PAPER = "#ffffff"
ACCENT = "#2b5f8a"
ACCENT_PALE = "#8fa3b5"
"""What stands beside what counts, such as training beside validation."""

TRUTH = "#0072b2"
PREDICTION = "#d55e00"
BOTH = "#009e73"

# What became of a building: with `BOTH` for a new one and `PREDICTION` for one that is gone.
CHANGED = "#e69f00"
MOVED = "#cc79a7"
KEPT = "#56b4e9"
BEFORE = "#f0e442"

FRAME, FRAME_CASING = "#ffd400", "#1d2730"


@dataclass(frozen=True, slots=True)
class RGB:
    """A colour, channels 0–255."""

    red: int
    green: int
    blue: int

    def as_array(self) -> npt.NDArray[np.float32]:
        """(3,) float32."""
        return np.array((self.red, self.green, self.blue), np.float32)


def rgb(color: str) -> RGB:
    """The channels of "#rrggbb"."""
    return RGB(int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))
