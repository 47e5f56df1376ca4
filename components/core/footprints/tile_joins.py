"""Buildings that the common borders of tiles cut, reunited.

Two halves are of one building where pixels of both lie side by side at the border. Exact outlines are compared and
put together, and only then simplified: so the building looks as it would if the tiles were one image.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.footprints.generalize import DrawnWalls, Generalization, to_map
from components.core.footprints.geography import Geometries
from components.core.footprints.outline_column import Outlines, outlines_of
from components.core.footprints.records import GEOMETRY, OUTLINE, TOUCHES_EDGE
from components.core.footprints.shapes import ShapeRings
from components.core.footprints.status import Status
from components.core.footprints.tiles import LEFT, RIGHT, Seam, Tile

SHARED_PX = 0.5
"""The least stretch of a border that two halves share."""

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CutFootprints:
    """Footprints of a tile that touch its border.

    Attributes:
        rows: Of a footprint layer, with `OUTLINE`.
        tile: Theirs.
        drawing: How their outlines are drawn.
        crs: Of the rows' geometries.
        min_area_m2: Smaller ones are shown as parts of a larger building alone.
    """

    rows: pa.Table
    tile: Tile
    drawing: Generalization
    crs: str
    min_area_m2: float = 0.0

    @property
    def outlines(self) -> Geometries:
        """(N,) exact, in (column, row) of the tile.

        Raises:
            DataError: If one is not valid WKB.
        """
        return self._outlines.exact

    @property
    def walls(self) -> list[DrawnWalls]:
        """Of each, what it shares with others of the tile, in the same pixels."""
        return self._outlines.walls

    @cached_property
    def _outlines(self) -> Outlines:
        return outlines_of(self.rows[OUTLINE].to_numpy(zero_copy_only=False))

    @cached_property
    def sides(self) -> npt.NDArray[np.bool_]:
        """(N, 4) which sides of the tile they touch: left, top, right, bottom."""
        left, top, right, bottom = shapely.bounds(self.outlines).reshape(-1, 4).T
        size = self.tile.size
        return np.stack([left <= 0, top <= 0, right >= size.width, bottom >= size.height], axis=1)

    def take(self, places: Sequence[int]) -> CutFootprints:
        """Some of them."""
        return replace(self, rows=self.rows.take(pa.array(places, pa.int64())))

    def rank(self, row: int) -> tuple[bool, str]:
        """By which the first of a building's parts is found: its id, after all that are large enough alone."""
        return bool(self.areas_m2[row] < self.min_area_m2), self._ids[row]

    @cached_property
    def areas_m2(self) -> Floats:
        """(N,) on the ground."""
        areas: Floats = self.rows["area_m2"].to_numpy()
        return areas

    @cached_property
    def _ids(self) -> list[str]:
        found: list[str] = self.rows["id"].to_pylist()
        return found

    def stretches(self, side: int) -> tuple[Indices, Floats]:
        """Where they touch a side.

        Returns:
            (M,) indices of halves, and (M, 2) from where to where they touch, in pixels along the side.
        """
        near = np.flatnonzero(self.sides[:, side])
        taken = ShapeRings.of(self.outlines[near])
        corners, ring = shapely.get_coordinates(taken.rings, return_index=True)
        across = 0 if side in (LEFT, RIGHT) else 1
        line = (0, 0, self.tile.size.width, self.tile.size.height)[side]
        at = corners[:, across] == line
        edges = np.flatnonzero(at[:-1] & at[1:] & (ring[:-1] == ring[1:]))
        ends = np.sort(np.stack([corners[edges, 1 - across], corners[edges + 1, 1 - across]], axis=1), axis=1)
        return near[taken.owners[taken.parts[ring[edges]]]], ends


class EdgeOverlaps(NamedTuple):
    """What lies across a seam.

    Attributes:
        first: (N,) halves of the first tile.
        second: (N,) halves of the second that go on where these end.
    """

    first: Indices
    second: Indices


def crossings(seam: Seam, first: CutFootprints, second: CutFootprints) -> EdgeOverlaps:
    """Pairs of halves that touch a border along a common stretch of at least `SHARED_PX`, each once."""
    one, ends = first.stretches(seam.side)
    other, other_ends = second.stretches(seam.other_side)
    other_ends = other_ends + seam.offset[1 if seam.is_upright else 0]
    mine, theirs = _overlapping(ends, other_ends)
    pairs = np.unique(np.stack([one[mine], other[theirs]], axis=1), axis=0)
    return EdgeOverlaps(pairs[:, 0], pairs[:, 1])


def _overlapping(ends: Floats, other_ends: Floats) -> tuple[Indices, Indices]:
    """Pairs of stretches of a line that share at least `SHARED_PX`."""
    lines, other_lines = (
        shapely.linestrings(np.stack([each, np.zeros_like(each)], axis=2)) if len(each) else np.zeros(0, object)
        for each in (ends, other_ends)
    )
    mine, theirs = shapely.STRtree(other_lines).query(lines)
    low = np.maximum(ends[mine, 0], other_ends[theirs, 0])
    high = np.minimum(ends[mine, 1], other_ends[theirs, 1])
    enough = high - low >= SHARED_PX
    return mine[enough], theirs[enough]


@dataclass(frozen=True, slots=True, order=True)
class CutFootprint:
    """One footprint among the halves of all tiles.

    Attributes:
        tile: Name of its tile.
        row: Its place among the tile's halves.
    """

    tile: str
    row: int


@dataclass(frozen=True)
class Building:
    """A building that borders cut.

    Attributes:
        halves: All that is shown of it, at least two.
        corners: (column, row) of each one's tile, in the pixels of the first one's.
        is_cut: Whether it goes on beyond a border on whose other side nothing shows it.
    """

    halves: tuple[CutFootprint, ...]
    corners: tuple[tuple[int, int], ...]
    is_cut: bool


def buildings(halves: Mapping[str, CutFootprints], borders: Sequence[Seam]) -> list[Building]:
    """The buildings of which several tiles show a part.

    Args:
        halves: By tile.
        borders: Of these tiles, and perhaps of others.

    Returns:
        In the order of their first halves; without those that are too small as a whole.
    """
    beside: defaultdict[CutFootprint, list[tuple[CutFootprint, tuple[int, int]]]] = defaultdict(list)
    closed: defaultdict[CutFootprint, set[int]] = defaultdict(set)
    for seam in borders:
        if seam.first not in halves or seam.second not in halves:
            continue
        found = crossings(seam, halves[seam.first], halves[seam.second])
        for row, other_row in zip(found.first.tolist(), found.second.tolist(), strict=True):
            one, other = CutFootprint(seam.first, row), CutFootprint(seam.second, other_row)
            closed[one].add(seam.side)
            closed[other].add(seam.other_side)
            beside[one].append((other, seam.offset))
            beside[other].append((one, (-seam.offset[0], -seam.offset[1])))
    result, seen = [], set[CutFootprint]()
    for first in sorted(beside):
        if first in seen:
            continue
        corners = _corners(first, beside)
        seen |= corners.keys()
        group = sorted(corners)
        if not is_large_enough([(halves[half.tile], half.row) for half in group]):
            continue
        is_cut = any(set(np.flatnonzero(halves[half.tile].sides[half.row])) - closed[half] for half in group)
        result.append(Building(tuple(group), tuple(corners[half] for half in group), is_cut))
    return result


def is_large_enough(parts: Sequence[tuple[CutFootprints, int]]) -> bool:
    """Whether a building is shown, by the rule of the tile that has the first of its parts."""
    first, _ = min(parts, key=lambda part: part[0].rank(part[1]))
    return bool(first.min_area_m2 <= 0 or sum(own.areas_m2[row] for own, row in parts) >= first.min_area_m2)


def _corners(
    first: CutFootprint, beside: Mapping[CutFootprint, Sequence[tuple[CutFootprint, tuple[int, int]]]]
) -> dict[CutFootprint, tuple[int, int]]:
    """The halves of one building, and where their tiles begin in the pixels of the first one's."""
    corners, waiting = {first: (0, 0)}, [first]
    while waiting:
        half = waiting.pop()
        column, row = corners[half]
        for other, (right, down) in beside[half]:
            if other not in corners:
                corners[other] = (column + right, row + down)
                waiting.append(other)
    return corners


def joined_rows(found: Sequence[Building], halves: Mapping[str, CutFootprints]) -> pa.Table:
    """One footprint a building, in their order.

    It has the id, and all that is not named here, of the half whose id comes first among those that are large enough
    alone, so that it is called the same as long as that half is there; the areas of all, and their confidence by area.

    Args:
        found: At least one.
        halves: By tile.

    Returns:
        Of the schema of the halves' rows, but for `OUTLINE`.
    """
    owners = [_owner(building, halves) for building in found]
    shapes = np.empty(len(found), dtype=object)
    status: list[Status | None] = [None] * len(found)
    by_tile: defaultdict[str, list[int]] = defaultdict(list)
    for number, owner in enumerate(owners):
        by_tile[owner.tile].append(number)
    for numbers in by_tile.values():
        drawn = _drawn([found[number] for number in numbers], [owners[number] for number in numbers], halves)
        for number, shape, told in zip(numbers, *drawn, strict=True):
            shapes[number], status[number] = shape, told
    rows = [_row(*each, halves) for each in zip(found, owners, shapes, status, strict=True)]
    schema = next(iter(halves.values())).rows.drop_columns([OUTLINE]).schema
    return pa.Table.from_pylist(rows, schema)


def _owner(building: Building, halves: Mapping[str, CutFootprints]) -> CutFootprint:
    return min(building.halves, key=lambda half: (halves[half.tile].rank(half.row), half))


def _drawn(
    found: Sequence[Building], owners: Sequence[CutFootprint], halves: Mapping[str, CutFootprints]
) -> tuple[Geometries, list[Status | None]]:
    """Outlines of buildings that one tile owns, in the halves' CRS, and what regularisation did with them.

    Walls that a half shares with others of its tile stay as they were drawn there.
    """
    own = halves[owners[0].tile]
    exact = _as_traced(np.array([_union(*pair, halves) for pair in zip(found, owners, strict=True)], dtype=object))
    walls = [_walls(*pair, halves) for pair in zip(found, owners, strict=True)]
    drawn = own.drawing.drawn(exact, own.tile.grid.ground(own.tile.size), given=walls)
    return to_map(exact, drawn.shapes, own.tile.grid, own.crs), drawn.status


def _union(building: Building, owner: CutFootprint, halves: Mapping[str, CutFootprints]) -> shapely.Geometry:
    """The exact outline of a building, in the pixels of its owner's tile."""
    corner = np.array(building.corners[building.halves.index(owner)])
    shapes = np.array([halves[half.tile].outlines[half.row] for half in building.halves], dtype=object)
    counts = shapely.get_num_coordinates(shapes)
    moved = shapely.get_coordinates(shapes) + np.repeat(np.array(building.corners) - corner, counts, axis=0)
    return shapely.union_all(shapely.set_coordinates(shapes, moved))


def _walls(building: Building, owner: CutFootprint, halves: Mapping[str, CutFootprints]) -> DrawnWalls:
    """What the halves of a building share with others of their tiles, in the pixels of its owner's tile."""
    corner = np.array(building.corners[building.halves.index(owner)])
    exact: list[Floats] = []
    drawn: list[Floats] = []
    for half, place in zip(building.halves, building.corners, strict=True):
        known = halves[half.tile].walls[half.row]
        exact += [line + (place - corner) for line in known.exact]
        drawn += [line + (place - corner) for line in known.drawn]
    return DrawnWalls(exact, drawn)


def _as_traced(shapes: Geometries) -> Geometries:
    """Outlines as they are traced: no corner within an edge, and the upper left one first."""
    upright = shapely.transform(shapely.normalize(shapely.transform(shapes, _swapped)), _swapped)
    result: Geometries = shapely.simplify(upright, 0, preserve_topology=False)
    return result


def _swapped(points: Floats) -> Floats:
    return points[:, ::-1]


def _row(
    building: Building,
    owner: CutFootprint,
    shape: shapely.Geometry,
    status: Status | None,
    halves: Mapping[str, CutFootprints],
) -> dict[str, object]:
    columns = ["area_px", "area_m2", "confidence"]
    parts = pa.concat_tables([halves[half.tile].rows.select(columns).slice(half.row, 1) for half in building.halves])
    areas = parts["area_px"].to_numpy()
    confidence = parts["confidence"].to_numpy().astype(np.float64)
    row = halves[owner.tile].rows.drop_columns([OUTLINE]).slice(owner.row, 1).to_pylist()[0]
    row |= {
        "area_px": int(areas.sum()),
        "area_m2": round(float(parts["area_m2"].to_numpy().sum()), 3),
        "confidence": None if np.isnan(confidence).any() else round(float(np.average(confidence, weights=areas)), 4),
        "status": status,
        GEOMETRY: shapely.to_wkb(shape),
    }
    if TOUCHES_EDGE in row:
        row[TOUCHES_EDGE] = building.is_cut
    return row
