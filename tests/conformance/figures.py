"""When two figures are the same: by their pixels, or by vertices within a tolerance, from any start, either way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from components.core.figures import Bitmap, Figure, Line, Point, Polygon, Rectangle, Vertices

TOLERANCE_PX = 0.001

T = TypeVar("T")


def unpaired(expected: Sequence[T], actual: Sequence[T], same: Callable[[T, T], bool]) -> tuple[list[T], list[T]]:
    """What is left on either side once as many elements as can be are paired with one that is the same."""
    if not expected or not actual:
        return list(expected), list(actual)
    table = np.array([[same(one, other) for other in actual] for one in expected], np.bool_)
    partner = maximum_bipartite_matching(csr_matrix(table), perm_type="column")
    taken = set(partner.tolist())
    missing = [one for one, found in zip(expected, partner.tolist(), strict=True) if found < 0]
    return missing, [other for index, other in enumerate(actual) if index not in taken]


def same_figure(one: Figure, other: Figure) -> bool:
    """Whether two figures cover the same place, however they are written."""
    if isinstance(one, Bitmap) and isinstance(other, Bitmap):
        return _tight(one) == _tight(other)
    if isinstance(one, Polygon) and isinstance(other, Polygon):
        holes = unpaired(one.interiors, other.interiors, _same_ring)
        return _same_ring(one.exterior, other.exterior) and holes == ([], [])
    if isinstance(one, Line) and isinstance(other, Line):
        points, others = _without_repeats(one.points), _without_repeats(other.points)
        return _close(points, others) or _close(points, others[::-1])
    if isinstance(one, Rectangle) and isinstance(other, Rectangle):
        return _close(_sides(one), _sides(other))
    if isinstance(one, Point) and isinstance(other, Point):
        return _close(np.array([one.row, one.column]), np.array([other.row, other.column]))
    return False


def _tight(bitmap: Bitmap) -> Bitmap | None:
    return Bitmap.of_pixels(bitmap.mask.pixels(), bitmap.top, bitmap.left)


def _sides(rectangle: Rectangle) -> npt.NDArray[np.float64]:
    return np.array([rectangle.top, rectangle.left, rectangle.bottom, rectangle.right])


def _close(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    return one.shape == other.shape and bool((np.abs(one - other) <= TOLERANCE_PX).all())


def _without_repeats(points: Vertices) -> Vertices:
    if len(points) < 2:
        return points
    return points[np.r_[True, (points[1:] != points[:-1]).any(axis=1)]]


def _same_ring(one: Vertices, other: Vertices) -> bool:
    ring, candidate = _open_ring(one), _open_ring(other)
    if ring.shape != candidate.shape:
        return False
    count = len(ring)
    if not count:
        return True
    turns = (np.arange(count)[:, None] + np.arange(count)) % count  # (N, N): the ring from each of its vertices
    return any(
        bool((np.abs(way[turns] - ring) <= TOLERANCE_PX).all(axis=(1, 2)).any()) for way in (candidate, candidate[::-1])
    )


def _open_ring(points: Vertices) -> Vertices:
    points = _without_repeats(points)
    return points[:-1] if len(points) > 1 and (points[0] == points[-1]).all() else points
