"""One ring with right angles: an alternation of horizontal and vertical edges, without the short ones.

Source: the squaring of polygons whose edges are moved, not their vertices, follows Lokhat, Touya, "Enhancing building
footprints with squaring operations", Journal of Spatial Information Science 13, 2016; the order in which edges go,
shortest first, Haunert, Wolff, "Optimal and topologically safe simplification of building footprints", ACM SIGSPATIAL
GIS 2010.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

RECTANGLE = 4
"""Edges of the least ring."""

Point = tuple[float, float]


def squared(ring: Sequence[Point], least_edge: float) -> list[Point] | None:
    """Square a ring.

    Every edge becomes horizontal or vertical, whichever it is nearer to, through its middle. Then the shortest edge
    goes, its two neighbours becoming one on their mean line, until no edge is shorter than `least_edge`.

    Args:
        ring: Corners (x, y), the first not repeated, turned so that most edges run along the axes.
        least_edge: In the same unit.

    Returns:
        The new corners, at least four; perhaps of a ring that crosses itself. None where too little is left.
    """
    edges = _Edges(*_alternating(ring))
    edges.drop_short(least_edge)
    return edges.corners()


def _alternating(ring: Sequence[Point]) -> tuple[list[float], list[float], bool]:
    """Positions and lengths of edges by turns horizontal (at y) and vertical (at x), and whether the first is level.

    Where two edges of one direction meet, an edge of the other stands between them at their corner.
    """
    positions: list[float] = []
    lengths: list[float] = []
    levels: list[bool] = []
    for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        width, height = abs(x1 - x0), abs(y1 - y0)
        level = width >= height
        if levels and levels[-1] == level:
            positions.append(x0 if level else y0)
            lengths.append(0.0)
            levels.append(not level)
        positions.append((y0 + y1) / 2 if level else (x0 + x1) / 2)
        lengths.append(width if level else height)
        levels.append(level)
    if levels[0] == levels[-1]:
        x0, y0 = ring[0]
        positions.append(x0 if levels[0] else y0)
        lengths.append(0.0)
    return positions, lengths, levels[0]


class _Edges:
    """A ring of edges by turns horizontal and vertical, each a position, in a linked list."""

    def __init__(self, positions: list[float], weights: list[float], first_is_level: bool) -> None:
        count = len(positions)
        self._positions = positions
        self._weights = weights
        self._first_is_level = first_is_level
        self._next = [*range(1, count), 0]
        self._previous = [count - 1, *range(count - 1)]
        self._is_there = [True] * count
        self._count = count

    def _length(self, edge: int) -> float:
        return abs(self._positions[self._next[edge]] - self._positions[self._previous[edge]])

    def drop_short(self, least_edge: float) -> None:
        """Take edges out, shortest first, until all are long enough or a rectangle is left."""
        waiting = [(self._length(edge), edge) for edge in range(self._count)]
        heapq.heapify(waiting)
        while waiting and self._count > RECTANGLE:
            length, edge = heapq.heappop(waiting)
            if length >= least_edge:
                return
            if self._is_there[edge] and length == self._length(edge):
                kept = self._drop(edge)
                for changed in (self._previous[kept], kept, self._next[kept]):
                    heapq.heappush(waiting, (self._length(changed), changed))

    def _drop(self, edge: int) -> int:
        """Take one edge out and make its neighbours one; gives that."""
        kept, lost = self._previous[edge], self._next[edge]
        weight = self._weights[kept] + self._weights[lost]
        if weight > 0:
            share = self._weights[lost] / weight
            self._positions[kept] += share * (self._positions[lost] - self._positions[kept])
        self._weights[kept] = weight
        self._is_there[edge] = self._is_there[lost] = False
        after = self._next[lost]
        self._next[kept], self._previous[after] = after, kept
        self._count -= 2
        return kept

    def corners(self) -> list[Point] | None:
        """Where consecutive edges meet; None for less than a rectangle."""
        if self._count < RECTANGLE:
            return None
        found = []
        edge = start = self._is_there.index(True)
        while True:
            following = self._next[edge]
            here, there = self._positions[edge], self._positions[following]
            found.append((there, here) if (edge % 2 == 0) == self._first_is_level else (here, there))
            edge = following
            if edge == start:
                return found
