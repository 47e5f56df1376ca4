"""Walls as lines of a few directions: measured on the pixels' edges, given a direction, short ones taken out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.edge_lines import DIRECTIONS, Chain, Line, Point, joined_lines
from components.core.footprints.frames import Frames, frames
from components.core.footprints.rings import Integers
from components.core.footprints.walls import NO_NODE, Walls

LEAST_EDGE = 2.5
"""Length of the shortest line in units of the tolerance: what is shorter is the pixels' noise."""

LEAST_DIAGONAL = 8.0
"""The same of one at 45°, or in a direction of its own: shorter ones are corners that the network rounds off."""

LEVELS = ((1.5, 1.0), (1.0, 1.0), (1.0, 0.4))
"""Tolerances of the edges that lines are made of, and units of these lengths, in units of the tolerance: the first, and
those where an outline would differ too much. The pixels' corners along a straight line lie in a strip 1.4 px wide: at
first it is one edge."""

COARSE = 2.0
"""Of the tolerance: so simplified, an outline tells its main direction."""

MOST_MOVE = 3.0
"""How far the ends of a line may move when it is turned to a main direction, in units of the tolerance."""

MOST_TURN = math.radians(10)
"""By how much a line is turned in any case."""

Floats = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


class _Edges:
    """The edges of simplified walls, and what they stand for on the pixels' edges."""

    def __init__(self, walls: Walls, ground: Floats, tolerance_px: float) -> None:
        counts = np.array([len(line) for line in walls.corners], np.int64)
        corners = np.concatenate(walls.corners)
        wall = np.repeat(np.arange(len(counts)), counts)
        kept = np.flatnonzero(_kept(corners, wall, tolerance_px))
        placed = np.stack([corners @ row for row in ground], axis=1)
        steps = np.diff(placed, axis=0, prepend=placed[:1])
        lengths = np.hypot(*steps.T)
        starts = np.cumsum(counts) - counts
        lengths[starts] = 0
        sums = np.cumsum(lengths)
        moments = np.cumsum(lengths[:, None] * (placed - steps / 2), axis=0)
        first = np.flatnonzero(wall[kept[:-1]] == wall[kept[1:]])
        begin, end = kept[first], kept[first + 1]
        self.wall: Integers = wall[begin]
        self.corners = placed[begin]
        self.chords = placed[end] - placed[begin]
        self.middles = (moments[end] - moments[begin]) / np.maximum(sums[end] - sums[begin], 1e-12)[:, None]
        self.bounds = np.searchsorted(self.wall, np.arange(len(counts) + 1)).tolist()
        self.ends = placed[starts], placed[starts + counts - 1]


def _kept(corners: Floats, wall: Integers, tolerance_px: float) -> Bool:
    """(K,) which corners of walls simplification leaves."""
    lines = shapely.simplify(shapely.linestrings(corners, indices=wall), tolerance_px, preserve_topology=False)
    points, number = shapely.get_coordinates(lines, return_index=True)
    low = corners.min(axis=0)
    spans = corners.max(axis=0) - low + 1

    def keys(places: Floats, numbers: Integers) -> Integers:
        x, y = np.rint(places - low).astype(np.int64).T
        return (numbers * int(spans[1]) + y) * int(spans[0]) + x

    kept: Bool = np.isin(keys(corners, wall), keys(points, number))
    return kept


class WallLines:
    """The lines of walls, found when they are asked for.

    Args:
        walls: Of N outlines.
        ground: (2, 2) from (column, row) to coordinates that keep angles, in units of a pixel.
        tolerance_px: Of the simplification before, 1 at least.
        count: N.

    Attributes:
        is_clear: (N,) which outlines have a main direction.
    """

    def __init__(self, walls: Walls, ground: Floats, tolerance_px: float, count: int) -> None:
        coarse = _Edges(walls, ground, COARSE * tolerance_px)
        owners = [(wall, owner) for wall, found in enumerate(walls.owners) for owner in found]
        numbers, owning = _of_owners(coarse, owners)
        pairs = sorted({(min(pair), max(pair)) for found in walls.owners for pair in combinations(found, 2)})
        self._frames = frames(coarse.chords[numbers], owning, count, pairs)
        lengths: Floats = np.bincount(owning, np.hypot(*coarse.chords[numbers].T), count).astype(np.float64)
        self._frame = _frame_of_walls(walls, self._frames, lengths)
        self._walls, self._ground, self._tolerance_px = walls, ground, tolerance_px
        self._lines: dict[float, tuple[_Edges, list[Line]]] = {}
        self._known: dict[tuple[int, int], list[Line]] = {}
        self.is_clear = self._frames.is_clear

    def of(self, wall: int, level: int) -> list[Line]:
        """The lines of a wall in order, without short ones, at one of `LEVELS`; none where it has no length."""
        if (wall, level) not in self._known:
            self._known[wall, level] = self._found(wall, level)
        return self._known[wall, level]

    def _found(self, wall: int, level: int) -> list[Line]:
        tolerance, unit = (part * self._tolerance_px for part in LEVELS[level])
        if tolerance not in self._lines:
            edges = _Edges(self._walls, self._ground, tolerance)
            self._lines[tolerance] = edges, _lines(edges, self._frames, self._frame, self._tolerance_px)
        edges, lines = self._lines[tolerance]
        begin, end = edges.bounds[wall : wall + 2]
        is_closed = self._walls.ends[wall, 0] == NO_NODE
        ends = None if is_closed else (_point(edges.ends[0][wall]), _point(edges.ends[1][wall]))
        corners = [_point(corner) for corner in edges.corners[begin:end]]
        chain = joined_lines(lines[begin:end], corners, is_closed, LEAST_EDGE * unit)
        return Chain(chain, ends, LEAST_EDGE * unit, LEAST_DIAGONAL * unit).shortened() if chain else []


def _point(place: Floats) -> Point:
    x, y = place.tolist()
    return x, y


def _of_owners(edges: _Edges, owners: Sequence[tuple[int, int]]) -> tuple[Integers, Integers]:
    """Edges with each outline that they belong to."""
    wall, owner = np.array(owners, np.int64).reshape(-1, 2).T
    bounds = np.array(edges.bounds, np.int64)
    counts = (bounds[1:] - bounds[:-1])[wall]
    first = np.repeat(bounds[wall], counts)
    along = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    return first + along, np.repeat(owner, counts)


def _frame_of_walls(walls: Walls, found: Frames, lengths: Floats) -> Integers:
    """(W,) the outline by whose direction each wall goes: of two, the one that has one, and the longer."""
    return np.array(
        [max(owners, key=lambda owner: (found.is_clear[owner], lengths[owner], -owner)) for owners in walls.owners],
        np.int64,
    )


def _lines(edges: _Edges, found: Frames, frame: Integers, tolerance_px: float) -> list[Line]:
    """Each edge as a line at a multiple of 45° where it nearly is one, else in its own direction."""
    x, y = edges.chords.T
    lengths, headings = np.hypot(x, y), np.arctan2(y, x)
    base, steps = found.angles[frame][edges.wall], found.steps[frame][edges.wall]
    step = math.pi / DIRECTIONS
    turns = headings - base - step * steps
    straight = 2 * np.rint(turns / (2 * step))
    slanted = 2 * np.floor(turns / (2 * step)) + 1
    fits = [_fits(lengths, turns - step * direction, tolerance_px) for direction in (straight, slanted)]
    direction = np.where(fits[0], straight, slanted)
    is_free = ~(fits[0] | fits[1])
    angle = np.where(is_free, headings, base + step * ((direction + steps) % DIRECTIONS))
    along = np.where(np.cos(angle - headings) >= 0, 1, -1)
    keys = np.where(is_free, -1, (direction + steps) % DIRECTIONS).astype(np.int64).tolist()
    frames_ = np.where(is_free, np.arange(len(angle)), found.numbers[frame][edges.wall]).tolist()
    is_minor = (is_free | ~fits[0]).tolist()
    rest = (keys, angle.tolist(), along.tolist(), edges.middles.tolist(), lengths.tolist(), is_minor)
    return [
        Line((number, key), turn, way, (x, y), weight, minor)
        for number, key, turn, way, (x, y), weight, minor in zip(frames_, *rest, strict=True)
    ]


def _fits(lengths: Floats, turns: Floats, tolerance_px: float) -> Bool:
    """Whether edges may be turned by so much."""
    moves = lengths / 2 * np.abs(np.sin(turns))
    fits: Bool = (np.abs(turns) <= MOST_TURN) | (moves <= MOST_MOVE * tolerance_px)
    return fits
