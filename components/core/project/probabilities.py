"""Probabilities in 8 bits, and the classes that follow from them.

What a network says of a scene is kept, so that thresholds can be changed without it: one band of two classes, that of
the second, which says all; of more classes a band each. Every mask is made from these numbers, at once or years later,
and so is the same either way.

A value v of 1 to 254 stands for a probability p with (v - 1) / 254 < p ≤ v / 254, and 0 for 0; 255 is for pixels of
which nothing is known. Where rounding would make another class the most probable one, the others' values are lowered
by one, so that it stays the one that the network found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.project.predictions import FULL_CONFIDENCE

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

LEVELS = 254
HALF = 128
"""The least value of a probability above a half."""

UNKNOWN = 255
"""A value where the image holds no data or the network did not look, in a mask too: no class has this index."""

TWO = 2


def bands_of(classes: int) -> int:
    """How many bands say all of so many classes."""
    return 1 if classes == TWO else classes


def classes_of(bands: int) -> int:
    """Of how many classes so many bands are."""
    return TWO if bands == 1 else bands


def quantized(probabilities: Float32) -> UInt8:
    """Probabilities as they are kept.

    Args:
        probabilities: (C, H, W) float32, of the background first; those of a pixel add up to 1.

    Returns:
        (B, H, W) uint8, with `bands_of(C)` bands.

    Raises:
        DataError: If one is not a number.
    """
    if not np.isfinite(probabilities.max()):
        raise DataError(
            "network output contains NaN or infinity; set precision to 'float32' in the inference config, "
            "or train the model again if that does not help"
        )
    kept = probabilities[-bands_of(len(probabilities)) :] * np.float32(LEVELS)
    np.ceil(kept, out=kept)
    values = np.minimum(kept, np.float32(LEVELS), out=kept).astype(np.uint8)
    if len(probabilities) == TWO:
        is_second = probabilities[1] > probabilities[0]
        np.maximum(values[0], np.uint8(HALF), out=values[0], where=is_second)
        np.minimum(values[0], np.uint8(HALF - 1), out=values[0], where=~is_second)
    else:
        _keep_first(values, probabilities.argmax(axis=0))
    return values


def _keep_first(values: UInt8, first: npt.NDArray[np.intp]) -> None:
    """Lower what is not below the value of the class that is the most probable one."""
    most = np.take_along_axis(values, first[np.newaxis], axis=0)[0]
    for index, band in enumerate(values):
        np.minimum(band, most - (index < first).astype(np.uint8), out=band, where=index != first)


def lowest_value(threshold: float) -> int:
    """The least value of a probability above a threshold, in steps of 1 / `LEVELS`; above `LEVELS` where none is."""
    return int(np.searchsorted(REPRESENTED, threshold, side="right"))


def of_others(values: UInt8) -> UInt8:
    """Values of the probability of all other classes together; those that are `UNKNOWN` stay so."""
    return _OTHERS[values]


def classified(values: UInt8, thresholds: Sequence[float] = ()) -> tuple[UInt8, UInt8]:
    """Each pixel's class and the confidence in it.

    Args:
        values: (B, H, W) uint8, as `quantized` gives them; what stands where one is `UNKNOWN` is of no use.
        thresholds: For each class but the background, the probability above which a pixel may have it, in steps of
            1 / `LEVELS`: the most probable of these is its class, and the background where there is none. Without any,
            the most probable of all classes is. Of equal ones it is the first.

    Returns:
        (H, W) uint8 class indices, and (H, W) uint8 probability of that class × 255, rounded.
    """
    lowest = [lowest_value(threshold) for threshold in thresholds]
    if len(values) == 1:
        classes = (values[0] >= (lowest or [HALF])[0]).view(np.uint8)
        return classes, np.where(classes == 0, _OTHERWISE[values[0]], _CONFIDENCE[values[0]])
    classes = _above(values, lowest) if lowest else values.argmax(axis=0).astype(np.uint8)
    return classes, _CONFIDENCE[np.take_along_axis(values, classes[np.newaxis], axis=0)[0]]


def _above(values: UInt8, lowest: Sequence[int]) -> UInt8:
    """The most probable class behind the background of those whose value is high enough."""
    classes, best = np.zeros(values.shape[1:], np.uint8), np.zeros(values.shape[1:], np.uint8)
    for index, least in enumerate(lowest, 1):
        is_it = (values[index] >= least) & (values[index] > best)
        np.putmask(classes, is_it, index)
        np.copyto(best, values[index], where=is_it)
    return classes


def _middles() -> npt.NDArray[np.float64]:
    middles = (np.arange(UNKNOWN + 1) - 0.5) / LEVELS
    middles[:2], middles[LEVELS:] = 0, 1
    return middles


REPRESENTED = _middles()
"""(256,) float64: the probability that each value stands for, ascending: the middle of its step, and of the first and
the last step the certainty that most of their pixels are near to."""

_CONFIDENCE = np.floor(REPRESENTED * FULL_CONFIDENCE + 0.5).astype(np.uint8)
_OTHERWISE = np.floor((1 - REPRESENTED) * FULL_CONFIDENCE + 0.5).astype(np.uint8)

_OTHERS = np.array([LEVELS, *range(LEVELS, 0, -1), UNKNOWN], np.uint8)
