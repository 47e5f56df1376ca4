"""The main direction of each outline, and of neighbours whose directions are nearly the same."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from components.core.footprints.rings import Integers

Floats = npt.NDArray[np.float64]

QUARTER, EIGHTH = 4, 8
"""How many directions a frame has: lines at right angles, or at 45°."""

LEAST_AGREEMENT = 0.5
"""Of the edges' directions, 0 (a circle) to 1 (right angles): with less an outline has no main direction."""

LEAST_EIGHTH_AGREEMENT = 0.8
"""The same where directions at 45° count alike, as in an octagon; by chance many outlines come near to that."""

MOST_SPREAD = math.radians(10)
"""Between the directions of neighbours that get one direction."""


class Frames(NamedTuple):
    """Main directions.

    Attributes:
        angles: (N,) in radians, of the frame of each.
        steps: (N,) how many times 45° its own main direction is further.
        is_clear: (N,) whether edges agree on them.
        numbers: (N,) of the frame of each; outlines with one number have one angle.
    """

    angles: Floats
    steps: Integers
    is_clear: npt.NDArray[np.bool_]
    numbers: Integers


def frames(edges: Floats, owners: Integers, count: int, neighbours: Iterable[tuple[int, int]]) -> Frames:
    """Find the main directions.

    The mean of the edges' angles, of which four lie at right angles, weighted by squared length; where they do not
    agree, the mean of angles of which eight lie at 45°. Neighbours whose directions
    are nearly the same, or at 45°, get one frame.

    Source: Mardia, Jupp, "Directional Statistics", 2000, on the mean of axial data.

    Args:
        edges: (E, 2) in coordinates that keep angles.
        owners: (E,) the outline of each.
        count: Number of outlines, N.
        neighbours: Pairs of outlines with a common wall.
    """
    weights = (edges**2).sum(axis=1)
    total = np.maximum(np.bincount(owners, weights, count), 1e-12)
    angles = np.arctan2(edges[:, 1], edges[:, 0])
    sums = {}
    for directions in (QUARTER, EIGHTH):
        parts = (np.bincount(owners, weights * part(directions * angles), count) for part in (np.cos, np.sin))
        along, across = parts
        sums[directions] = along, across
    quarter, eighth = (np.hypot(*sums[directions]) / total for directions in (QUARTER, EIGHTH))
    is_quarter = quarter >= LEAST_AGREEMENT
    found = np.where(is_quarter, *(np.arctan2(sums[k][1], sums[k][0]) / k for k in (QUARTER, EIGHTH)))
    is_clear = is_quarter | (eighth >= LEAST_EIGHTH_AGREEMENT)
    clusters = _Clusters(found, total)
    pairs = [pair for pair in neighbours if is_clear[list(pair)].all()]
    for one, other in sorted(pairs, key=lambda pair: (_apart(found[pair[0]], found[pair[1]]), pair)):
        clusters.join(one, other)
    numbers = np.array([clusters.root(index) for index in range(count)], np.int64)
    means = np.array([clusters.angle(number) for number in numbers.tolist()], np.float64)
    steps = np.rint((found - means) / (math.pi / QUARTER)).astype(np.int64)
    return Frames(means, steps, is_clear, numbers)


def _wrapped(angle: float) -> float:
    """The same direction of eight, from -22.5° to 22.5°."""
    return (angle + math.pi / EIGHTH) % (math.pi / QUARTER) - math.pi / EIGHTH


def _apart(one: float, other: float) -> float:
    return abs(_wrapped(one - other))


class _Clusters:
    """Outlines whose directions are within `MOST_SPREAD`."""

    def __init__(self, angles: Floats, weights: Floats) -> None:
        self._roots = list(range(len(angles)))
        self._first = angles.tolist()
        self._turns = [(0.0, 0.0)] * len(angles)  # the least and the greatest, seen from the root's
        self._sums = [(0.0, weight) for weight in weights.tolist()]

    def root(self, index: int) -> int:
        while self._roots[index] != index:
            self._roots[index] = self._roots[self._roots[index]]
            index = self._roots[index]
        return index

    def angle(self, root: int) -> float:
        total, weight = self._sums[root]
        return float(self._first[root] + total / weight)

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.root(one), self.root(other)))
        turn = _wrapped(self._first[other] - self._first[one])
        low, high = (turn + bound for bound in self._turns[other])
        low, high = min(low, self._turns[one][0]), max(high, self._turns[one][1])
        if one == other or high - low > MOST_SPREAD:
            return
        self._roots[other] = one
        self._turns[one] = low, high
        (total, weight), (more, other_weight) = self._sums[one], self._sums[other]
        self._sums[one] = total + more + turn * other_weight, weight + other_weight
