"""Buildings that the common borders of tiles cut, made whole again.

Both halves of such a building touch the border along a stretch of it. The stretches are compared, not the polygons:
simplification moves an outline by its tolerance, and a narrow bridge over the border makes up for that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.footprints.geography import Geometries, reprojected
from components.core.footprints.records import GEOMETRY, TOUCHES_EDGE
from components.core.footprints.tiles import Seam, Tile
from components.core.footprints.vector_files import geometries_of

SHARED_PX = 0.5
"""The least stretch of a border that two halves share."""

REACH_PX = 0.01
"""How far from the border a half may end, beside the tolerance of its simplification."""

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Halves:
    """Footprints of a tile that touch its border.

    Attributes:
        rows: Of a footprint layer.
        tile: Theirs.
        tolerance_px: Of their simplification, in pixels.
        crs: Of the rows.
    """

    rows: pa.Table
    tile: Tile
    tolerance_px: float
    crs: str

    @cached_property
    def shapes(self) -> Geometries:
        """(N,) in `crs`."""
        return geometries_of(self.rows)

    @cached_property
    def pixels(self) -> Geometries:
        """(N,) in (column, row) of the tile."""
        return self.tile.grid.to_pixels(self.shapes, self.crs, self.tile.size)

    @property
    def reach(self) -> float:
        """How far from the tile's border a half may end, in pixels."""
        return self.tolerance_px + REACH_PX

    @cached_property
    def sides(self) -> npt.NDArray[np.bool_]:
        """(N, 4) which sides of the tile they touch: left, top, right, bottom."""
        left, top, right, bottom = shapely.bounds(self.pixels).reshape(-1, 4).T
        size, reach = self.tile.size, self.reach
        touched = [left <= reach, top <= reach, right >= size.width - reach, bottom >= size.height - reach]
        return np.stack(touched, axis=1)


class Crossings(NamedTuple):
    """What lies across a seam.

    Attributes:
        first: (N,) halves of the first tile.
        second: (N,) halves of the second that go on where these end.
        bridges: (N,) narrow polygons over the border that overlap both, in the halves' CRS.
    """

    first: Indices
    second: Indices
    bridges: Geometries


def crossings(seam: Seam, first: Halves, second: Halves) -> Crossings:
    """Pairs of halves that touch a border along a common stretch of at least `SHARED_PX`."""
    reach = max(first.reach, second.reach)
    one, one_ends = _stretches(first, seam, reach, (0, 0))
    other, other_ends = _stretches(second, seam, reach, seam.offset)
    low = np.maximum.outer(one_ends[:, 0], other_ends[:, 0])
    high = np.minimum.outer(one_ends[:, 1], other_ends[:, 1])
    pairs = np.nonzero(high - low >= SHARED_PX)
    mine, theirs = one[pairs[0]], other[pairs[1]]
    bridges = _bridges(seam, low[pairs], high[pairs], reach, first)
    meets = np.ones(len(mine), np.bool_)
    for half, rows in ((first, mine), (second, theirs)):
        meets &= shapely.area(shapely.intersection(bridges, half.shapes[rows])) > 0
    return Crossings(mine[meets], theirs[meets], bridges[meets])


def _stretches(
    half: Halves, seam: Seam, reach: float, offset: tuple[int, int]
) -> tuple[Indices, npt.NDArray[np.float64]]:
    """Which footprints touch a border, and from where to where along it, in the pixels of the seam's first tile."""
    box = np.array(
        [seam.line - reach, seam.ends[0] - reach, seam.line + reach, seam.ends[1] + reach]
        if seam.is_upright
        else [seam.ends[0] - reach, seam.line - reach, seam.ends[1] + reach, seam.line + reach]
    )
    strip = shapely.box(*(box - np.tile(offset, 2)))
    near = np.flatnonzero(shapely.intersects(half.pixels, strip))
    parts, places = shapely.get_parts(shapely.intersection(half.pixels[near], strip), return_index=True)
    bounds = shapely.bounds(parts).reshape(-1, 4)
    along = bounds[:, [1, 3]] + offset[1] if seam.is_upright else bounds[:, [0, 2]] + offset[0]
    return near[places], along


def _bridges(
    seam: Seam, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], reach: float, first: Halves
) -> Geometries:
    near, far = np.full(len(low), seam.line - reach), np.full(len(low), seam.line + reach)
    boxes = shapely.box(near, low, far, high) if seam.is_upright else shapely.box(low, near, high, far)
    grid = first.tile.grid
    return reprojected(grid.to_map(boxes), grid.crs, first.crs)


@dataclass(frozen=True, slots=True)
class Half:
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
        bridges: Over the borders.
        is_cut: Whether it goes on beyond a border on whose other side nothing shows it.
    """

    halves: tuple[Half, ...]
    bridges: tuple[shapely.Geometry, ...]
    is_cut: bool


def buildings(halves: Mapping[str, Halves], borders: Sequence[Seam]) -> list[Building]:
    """The buildings of which several tiles show a part.

    Args:
        halves: By tile.
        borders: Of these tiles, and perhaps of others.

    Returns:
        In the order of their first halves.
    """
    parents: dict[Half, Half] = {}
    bridges: defaultdict[Half, list[shapely.Geometry]] = defaultdict(list)
    closed: defaultdict[Half, set[int]] = defaultdict(set)
    for seam in borders:
        if seam.first not in halves or seam.second not in halves:
            continue
        found = crossings(seam, halves[seam.first], halves[seam.second])
        for row, other_row, bridge in zip(found.first.tolist(), found.second.tolist(), found.bridges, strict=True):
            one, other = Half(seam.first, row), Half(seam.second, other_row)
            closed[one].add(seam.side)
            closed[other].add(seam.other_side)
            bridges[one].append(bridge)
            parents[_root(parents, other)] = _root(parents, one)
    groups: defaultdict[Half, list[Half]] = defaultdict(list)
    for half in sorted(closed, key=lambda half: (half.tile, half.row)):
        groups[_root(parents, half)].append(half)
    return [
        Building(
            tuple(group),
            tuple(bridge for half in group for bridge in bridges[half]),
            any(set(np.flatnonzero(halves[half.tile].sides[half.row])) - closed[half] for half in group),
        )
        for group in groups.values()
    ]


def _root(parents: dict[Half, Half], half: Half) -> Half:
    while (parent := parents.get(half, half)) != half:
        half = parent
    return half


def joined_row(building: Building, halves: Mapping[str, Halves]) -> pa.Table:
    """One footprint of a building's halves.

    It has the id, and all that is not named here, of the half whose id comes first, so that it is called the same as
    long as that half is there; the areas of all, and their confidence by area.
    """
    parts = pa.concat_tables([halves[half.tile].rows.slice(half.row, 1) for half in building.halves])
    shapes = [halves[half.tile].shapes[half.row] for half in building.halves]
    areas = parts["area_px"].to_numpy()
    confidence = parts["confidence"].to_numpy().astype(np.float64)
    union = shapely.union_all([*shapes, *building.bridges])
    changed = {
        "area_px": int(areas.sum()),
        "confidence": None if np.isnan(confidence).any() else round(float(np.average(confidence, weights=areas)), 4),
        GEOMETRY: shapely.to_wkb(shapely.orient_polygons(union)),
    }
    if "area_m2" in parts.column_names:
        changed["area_m2"] = round(float(parts["area_m2"].to_numpy().sum()), 3)
    if TOUCHES_EDGE in parts.column_names:
        changed[TOUCHES_EDGE] = building.is_cut
    ids = parts["id"].to_pylist()
    row = parts.slice(ids.index(min(ids)), 1).to_pylist()[0] | changed
    return pa.Table.from_pylist([row], parts.schema)
