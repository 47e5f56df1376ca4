"""Normally distributed noise whose every value follows from a seed and the value's place alone.

A counter-based generator (Philox, Salmon et al. 2011: "Parallel random numbers: as easy as 1, 2, 3") gives 16 random
bits for each column of each row and channel without those before them; a table of the normal distribution's quantiles
makes numbers of these bits. So the numbers are the same for any window, process and version of numpy.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from components.core.geometry import Window

QUANTILES = 1 << 16

PER_BLOCK = 16
"""Values of 16 bits in the four 64-bit numbers that one count of the generator gives."""


@lru_cache(maxsize=1)
def _quantiles() -> npt.NDArray[np.float32]:
    """(65536,) the standard normal distribution at equally likely places, symmetric."""
    normal = NormalDist()
    upper = [normal.inv_cdf((place + 0.5) / QUANTILES) for place in range(QUANTILES // 2, QUANTILES)]
    return np.array([-value for value in reversed(upper)] + upper, np.float32)


def standard_normal(window: Window, channel: int, seed: int) -> npt.NDArray[np.float32]:
    """(H, W) of the standard normal distribution, for a window of one channel of an endless image."""
    first, last = window.left // PER_BLOCK, (window.right - 1) // PER_BLOCK
    bits = np.empty((window.height, (last - first + 1) * PER_BLOCK), "<u2")
    for row, made in zip(range(window.top, window.bottom), bits, strict=True):
        generator = np.random.Philox(key=seed, counter=np.array([first, row, channel, 0], np.uint64))
        made[...] = generator.random_raw(len(made) // 4).astype("<u8").view("<u2")
    start = window.left - first * PER_BLOCK
    return _quantiles()[bits[:, start : start + window.width]]


def add_noise(
    pixels: npt.NDArray[np.uint8], window: Window, mean: float, std: float, seed: int
) -> npt.NDArray[np.uint8]:
    """Add noise to a window of an image; cut to 0–255 and rounded down.

    Args:
        pixels: (C, H, W) uint8, the content of `window`.
        window: Where they lie in the image.
        mean: Of the noise, in grey levels.
        std: Its standard deviation.
        seed: Of the noise; not negative.
    """
    result = np.empty_like(pixels)
    for channel, band in enumerate(pixels):
        total = standard_normal(window, channel, seed) * np.float32(std)
        total += np.float32(mean)
        total += band
        result[channel] = np.clip(total, 0, 255)
    return result
