"""Exact outlines as walls between nodes, so that what is drawn of a wall is drawn once for those on both sides.

A node is a corner of the pixels where more than two pixel edges of the outlines meet; a wall goes from node to node, or
round a ring without nodes. Outlines that are put together of the same walls have neither gap nor overlap between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Geometries
from components.core.footprints.rings import Integers
from components.core.footprints.shapes import ShapeRings

Floats = npt.NDArray[np.float64]

NO_NODE = -1

CORNERS_OF_RING = 3


class Stretch(NamedTuple):
    """A wall as a ring passes it.

    Attributes:
        wall: Its index.
        is_reversed: Whether the ring passes it from its last corner to its first.
    """

    wall: int
    is_reversed: bool


@dataclass(frozen=True)
class Walls:
    """Outlines taken apart into walls.

    Attributes:
        taken: The outlines as rings.
        corners: Of each wall, (K, 2) exact, in pixels; a closed wall has its first corner last, too.
        ends: (W, 2) node of each wall's ends; `NO_NODE` where it is closed and meets none.
        nodes: (P, 2) exact places of the nodes.
        paths: Of each ring, the walls that it passes.
        owners: Of each wall, the outlines that it belongs to, one or two.
    """

    taken: ShapeRings
    corners: list[Floats]
    ends: Integers
    nodes: Floats
    paths: list[list[Stretch]]
    owners: list[tuple[int, ...]]

    @classmethod
    def of(cls, outlines: Geometries, shared: bool, marks: Floats | None = None) -> Walls:
        """Take outlines apart.

        Args:
            outlines: (N,) of exact ones, in whole pixels, none over another.
            shared: Whether walls of different outlines may be the same; False saves the search for nodes.
            marks: (M, 2) further places, in whole pixels, that are nodes where an outline passes them.
        """
        taken = ShapeRings.of(outlines)
        rings = _rings(taken, shared, np.zeros((0, 2)) if marks is None else marks)
        return _Assembly(taken).walls(rings)

    def shapes(self, drawn: Sequence[Floats], chosen: npt.NDArray[np.bool_] | None = None) -> Geometries:
        """Put outlines together of drawn walls.

        Args:
            drawn: Of each wall (K, 2), in its direction.
            chosen: (N,) which outlines are wanted; all where it is None.

        Returns:
            (N,) of geometries, perhaps invalid, or broken off to empty polygons where a ring has less than three
            corners; None where one is not chosen.
        """
        wanted = np.ones(len(self.taken.owners), np.bool_) if chosen is None else chosen[self.taken.owners]
        result = np.full(int(self.taken.owners[-1]) + 1 if len(self.taken.owners) else 0, None, dtype=object)
        numbers = np.flatnonzero(wanted[self.taken.parts])
        lines = [_clean(self._ring(self.paths[number], drawn)) for number in numbers.tolist()]
        counts = [len(line) for line in lines]
        if not lines:
            return result
        rings = shapely.linearrings(np.concatenate(lines), indices=np.repeat(np.arange(len(lines)), counts))
        owners = self.taken.owners[self.taken.parts[numbers]]
        _, parts = np.unique(self.taken.parts[numbers], return_inverse=True)
        _, first = np.unique(parts, return_index=True)
        shown, part_owners = np.unique(owners[first], return_inverse=True)
        result[shown] = ShapeRings(rings, parts, part_owners).geometries()
        return result

    def found(self, exact: Sequence[Floats], drawn: Sequence[Floats]) -> dict[int, Floats]:
        """Which of these walls some known ones are.

        Args:
            exact: Each (K, 2) along the pixels.
            drawn: Each (K, 2) as it is drawn, in the same direction.

        Returns:
            By index of a wall, how it is drawn.
        """
        known = {np.rint(line).astype(np.int64).tobytes(): shown for line, shown in zip(exact, drawn, strict=True)}
        numbers = {np.rint(line).astype(np.int64).tobytes(): wall for wall, line in enumerate(self.corners)}
        return {numbers[key]: shown for key, shown in known.items() if key in numbers}

    def _ring(self, path: Sequence[Stretch], drawn: Sequence[Floats]) -> Floats:
        if len(path) == 1:
            return drawn[path[0].wall][:: -1 if path[0].is_reversed else 1]
        pieces = [drawn[wall][::-1][:-1] if is_reversed else drawn[wall][:-1] for wall, is_reversed in path]
        return np.concatenate([*pieces, pieces[0][:1]])


def _clean(ring: Floats) -> Floats:
    """A ring without corners that come twice in a row; one point thrice and again where nothing else is left."""
    keep = np.ones(len(ring), np.bool_)
    keep[1:] = (ring[1:] != ring[:-1]).any(axis=1)
    line = ring[keep]
    if len(line) <= CORNERS_OF_RING:
        return np.repeat(ring[:1], CORNERS_OF_RING + 1, axis=0)
    return line


class _Rings(NamedTuple):
    """Corners of rings in turn, the first not repeated.

    Attributes:
        corners: (K, 2) in whole pixels.
        ring: (K,) index of each one's ring.
        is_node: (K,) whether more than two walls meet there.
    """

    corners: Integers
    ring: Integers
    is_node: npt.NDArray[np.bool_]


def _rings(taken: ShapeRings, shared: bool, marks: Floats) -> _Rings:
    closed, ring = shapely.get_coordinates(taken.rings, return_index=True)
    points = np.rint(closed).astype(np.int64)
    is_last = np.diff(ring, append=-1) != 0
    if not shared and not len(marks):
        return _Rings(points[~is_last], ring[~is_last], np.zeros(int((~is_last).sum()), np.bool_))
    starts = np.flatnonzero(~is_last)
    steps = points[starts + 1] - points[starts]
    lengths = np.abs(steps).max(axis=1)
    owner = np.repeat(np.arange(len(starts)), lengths)
    along = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    pixels = points[starts][owner] + along[:, None] * np.sign(steps)[owner]
    step = np.sign(steps)[owner]
    low = pixels.min(axis=0)
    width = int(pixels[:, 0].max() - low[0]) + 2
    place = _keys(pixels - low, width)
    first = np.minimum(place, _keys(pixels + step - low, width))
    edges = np.unique(2 * first + (step[:, 0] == 0))
    ends = np.concatenate([edges // 2, edges // 2 + np.where(edges % 2 == 1, width, 1)])
    found, degrees = np.unique(ends, return_counts=True)
    marked = np.rint(marks).astype(np.int64) - low
    marked = marked[((marked >= 0) & (marked[:, :1] < width)).all(axis=1)]
    is_node = np.isin(place, np.concatenate([found[degrees > 2], _keys(marked, width)]))
    kept = is_node | (along == 0)
    return _Rings(pixels[kept], ring[starts][owner][kept], is_node[kept])


def _keys(points: Integers, width: int) -> Integers:
    return points[:, 1] * width + points[:, 0]


class _Assembly:
    """Collects walls, each once."""

    def __init__(self, taken: ShapeRings) -> None:
        self._taken = taken
        self._corners: list[Floats] = []
        self._ends: list[tuple[int, int]] = []
        self._owners: list[list[int]] = []
        self._nodes: dict[tuple[int, int], int] = {}
        self._known: dict[bytes, int] = {}

    def walls(self, rings: _Rings) -> Walls:
        bounds = np.searchsorted(rings.ring, np.arange(len(self._taken.rings) + 1))
        owners = self._taken.owners[self._taken.parts].tolist()
        paths = []
        for number, owner in enumerate(owners):
            inner = slice(bounds[number], bounds[number + 1])
            paths.append(self._path(rings.corners[inner], np.flatnonzero(rings.is_node[inner]), owner))
        return Walls(
            self._taken,
            self._corners,
            np.array(self._ends, np.int64).reshape(-1, 2),
            np.array(list(self._nodes), np.float64).reshape(-1, 2),
            paths,
            [tuple(found) for found in self._owners],
        )

    def _path(self, ring: Integers, nodes: Integers, owner: int) -> list[Stretch]:
        if not len(nodes):
            closed = np.concatenate([ring, ring[:1]])
            return [self._stretch(closed, (NO_NODE, NO_NODE), owner)]
        turned = np.concatenate([ring[nodes[0] :], ring[: nodes[0] + 1]])
        places = [*(nodes - nodes[0]).tolist(), len(ring)]
        numbers = [self._nodes.setdefault((x, y), len(self._nodes)) for x, y in turned[places].tolist()]
        return [
            self._stretch(turned[places[index] : places[index + 1] + 1], (numbers[index], numbers[index + 1]), owner)
            for index in range(len(places) - 1)
        ]

    def _stretch(self, corners: Integers, ends: tuple[int, int], owner: int) -> Stretch:
        line, is_reversed = canonical(corners, ends[0] != NO_NODE)
        key = line.tobytes()
        wall = self._known.get(key)
        if wall is None:
            wall = self._known[key] = len(self._corners)
            self._corners.append(line.astype(np.float64))
            self._ends.append(ends[::-1] if is_reversed else ends)
            self._owners.append([])
        if owner not in self._owners[wall]:
            self._owners[wall].append(owner)
        return Stretch(wall, is_reversed)


def canonical(corners: Integers, has_nodes: bool) -> tuple[Integers, bool]:
    """A wall in the one direction, and with the one first corner of a closed one, that both its sides agree on.

    Args:
        corners: (K, 2) of a wall.
        has_nodes: Whether it runs between nodes, perhaps from a node back to it, so that its ends are given.

    Returns:
        Its corners, and whether they are reversed. A wall begins at the upper, or else left, of its ends; a closed one
        at its upper left corner, from where it goes on to the right.
    """
    if has_nodes:
        ends = corners[[0, -1]]
        if (ends[0] == ends[1]).all():
            ends = corners[[1, -2]]
        is_reversed = tuple(ends[1][::-1]) < tuple(ends[0][::-1])
        return (corners[::-1] if is_reversed else corners), is_reversed
    ring = corners[:-1]
    start = int(np.lexsort(ring.T)[0])
    turned = np.concatenate([ring[start:], ring[: start + 1]])
    is_reversed = bool(turned[1, 0] == turned[0, 0])
    return (turned[::-1] if is_reversed else turned), is_reversed
