"""How far measures would move with other images of the same kind: bootstrap intervals over images.

Images are drawn with replacement, as many as there are, and the measures of their pooled counts are taken; the middle
95 % of many such draws is the interval. It does not cover what all images have in common, such as one sensor or one
labeller. Percentile intervals are somewhat short for few images.

Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from components.core.hashing import digest
from components.evaluate.counts import Counts

DRAWS = 1000
LEVEL = 0.95

CHUNK = 1 << 22
"""About how many numbers are held at once."""

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

_COLUMNS: Mapping[str, Callable[[Counts], tuple[int, int]]] = {
    "iou": lambda counts: (
        counts.pixels.true_positive,
        counts.pixels.true_positive + counts.pixels.false_positive + counts.pixels.false_negative,
    ),
    "accuracy": lambda counts: (counts.pixels.true_positive + counts.pixels.true_negative, counts.pixels.total),
    "object_f1": lambda counts: (2 * counts.objects.matched, counts.objects.truth + counts.objects.predicted),
    "boundary_iou": lambda counts: (counts.boundary.both, counts.boundary.either),
}
"""Measures as quotients of two sums."""


def bootstrap_intervals(name: str, images: Sequence[Counts]) -> dict[str, Interval | None]:
    """95 % intervals of the measures of a group of images.

    Args:
        name: Of the group; the draws follow from it, so that the same images always give the same intervals.
        images: Counts of each.

    Returns:
        Bounds by measure; None where there is nothing to measure, or fewer than two images.
    """
    if len(images) < 2:
        return dict.fromkeys(_COLUMNS)
    parts = np.array([[of(counts) for of in _COLUMNS.values()] for counts in images], np.float64)
    sums = drawn_sums(parts.reshape(len(images), -1), np.random.default_rng(int(digest(name), 16)))
    quotients = sums.reshape(DRAWS, -1, 2)
    return {measure: _interval(quotients[:, index]) for index, measure in enumerate(_COLUMNS)}


def drawn_sums(columns: Floats, random: np.random.Generator) -> Floats:
    """(DRAWS, C) sums of (N, C) columns over images that are drawn with replacement."""
    count = len(columns)
    at_once = max(1, CHUNK // count)
    chances = np.full(count, 1 / count)
    sums = [
        random.multinomial(count, chances, min(at_once, DRAWS - done)) @ columns for done in range(0, DRAWS, at_once)
    ]
    return np.concatenate(sums)


def _interval(quotients: Floats) -> Interval | None:
    """The middle of the quotients of (DRAWS, 2) sums; draws without anything to measure are left out."""
    measured = quotients[quotients[:, 1] > 0]
    if not len(measured):
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(measured[:, 0] / measured[:, 1], (tail, 1 - tail))
    return float(low), float(high)
