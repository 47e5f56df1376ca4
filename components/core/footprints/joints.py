"""Lines of several walls that meet at nodes, moved as little as it takes for each node to lie on all of its lines."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from components.core.figures.run_lengths import joined
from components.core.footprints.edge_lines import Line

Floats = npt.NDArray[np.float64]

LEAST_WEIGHT = 0.1
"""Of a line in the balance, in pixels; what stands across has been measured by none."""

LEAST_SINE = 0.15
"""Of the angle between the lines of a node: by such that are nearer to parallel its place is not known."""

MOST_CONDITIONS = 512
"""That are solved together; where more hang together, lines stay where they are, and corners give way."""


class Joints:
    """What nodes do to lines.

    Args:
        lines: Of all walls; those of one key that meet at a node become one line.
        meetings: Of each node the indices of the lines that end there.
        places: Where the nodes are.
        fixed: Which nodes stay there.
    """

    def __init__(
        self, lines: Sequence[Line], meetings: Mapping[int, Sequence[int]], places: Floats, fixed: set[int]
    ) -> None:
        self._lines = lines
        self._meetings = meetings
        self._places = places
        self._fixed = fixed
        ties = [tie for found in meetings.values() for tie in self._alike(found)]
        one, other = np.array(ties, np.int64).reshape(-1, 2).T
        self._roots = joined(len(lines), one, other)
        self._offsets, self._weights = self._means()
        self._balance()

    def _alike(self, found: Sequence[int]) -> list[tuple[int, int]]:
        by_key: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for index in found:
            if not self._lines[index].is_free:
                by_key[self._lines[index].key].append(index)
        return [(same[0], other) for same in by_key.values() for other in same[1:]]

    def _means(self) -> tuple[Floats, Floats]:
        """(L,) offset and weight of the lines that others have become, at their roots."""
        weights = np.array([max(line.weight, LEAST_WEIGHT) for line in self._lines], np.float64)
        offsets = np.array([line.offset for line in self._lines], np.float64)
        count = len(weights)
        total: Floats = np.bincount(self._roots, weights, count).astype(np.float64)
        means = np.bincount(self._roots, weights * offsets, count) / np.maximum(total, LEAST_WEIGHT)
        return means, total

    def _normals(self, roots: Sequence[int]) -> Floats:
        angles = np.array([self._lines[root].angle for root in roots], np.float64)
        return np.stack([-np.sin(angles), np.cos(angles)], axis=1)

    def _roots_at(self, node: int) -> list[int]:
        return sorted({int(self._roots[index]) for index in self._meetings[node]})

    def _balance(self) -> None:
        """Move lines so that they meet where three or more do, and at nodes that are fixed."""
        conditions: list[tuple[list[int], Floats, float]] = []
        for node in sorted(self._meetings):
            roots = self._roots_at(node)
            normals = self._normals(roots)
            if node in self._fixed:
                aims = normals @ self._places[node]
                conditions += [([root], np.ones(1), float(aim)) for root, aim in zip(roots, aims, strict=True)]
            elif len(roots) > 2:
                free = np.linalg.svd(normals)[0][:, 2:]
                conditions += [(roots, row, 0.0) for row in free.T]
        if not conditions:
            return
        first = np.array([roots[0] for roots, _, _ in conditions for _ in roots], np.int64)
        every = np.array([root for roots, _, _ in conditions for root in roots], np.int64)
        blocks = joined(len(self._lines), first, every)
        by_block: defaultdict[int, list[tuple[list[int], Floats, float]]] = defaultdict(list)
        for condition in conditions:
            by_block[int(blocks[condition[0][0]])].append(condition)
        for found in by_block.values():
            if len(found) <= MOST_CONDITIONS:
                self._solve(found)

    def _solve(self, conditions: Sequence[tuple[list[int], Floats, float]]) -> None:
        """Least squares of the lines' moves, each by its weight, under conditions that are linear in their offsets."""
        roots = sorted({root for found, _, _ in conditions for root in found})
        place = {root: index for index, root in enumerate(roots)}
        matrix = np.zeros((len(conditions), len(roots)))
        aims = np.zeros(len(conditions))
        for row, (found, values, aim) in enumerate(conditions):
            matrix[row, [place[root] for root in found]] = values
            aims[row] = aim
        shares = 1 / self._weights[roots]
        missing = aims - matrix @ self._offsets[roots]
        force = np.linalg.lstsq((matrix * shares) @ matrix.T, missing, rcond=1e-9)[0]
        self._offsets[roots] += shares * (matrix.T @ force)

    def line(self, index: int) -> Line:
        """A line where it came to lie."""
        line = self._lines[index]
        move = float(self._offsets[self._roots[index]]) - line.offset
        x, y = line.middle
        middle = x - math.sin(line.angle) * move, y + math.cos(line.angle) * move
        return Line(line.key, line.angle, line.along, middle, line.weight, line.is_minor)

    def node(self, number: int) -> Floats:
        """(2,) where a node came to lie; where its lines do not tell, as near as can be to its place before."""
        place = self._places[number]
        if number in self._fixed or number not in self._meetings:
            return np.asarray(place)
        roots = self._roots_at(number)
        normals = self._normals(roots)
        moved: Floats = place + np.linalg.pinv(normals, rcond=LEAST_SINE) @ (self._offsets[roots] - normals @ place)
        return moved
