"""Tiles of one grid that meet without overlap, and the buildings that their common borders cut, made whole again.

Both halves of such a building touch the border along a stretch of it. The stretches are compared, not the polygons:
simplification moves an outline by its tolerance, and a narrow bridge over the border makes up for that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.footprints.geography import Geometries, Grid, reprojected
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import geometries_of
from components.core.geometry import Size, Window

ALIGNED_PX = 0.01
"""How far the corners of tiles of one grid may lie from its pixels' corners."""

SHARED_PX = 0.5
"""The least stretch of a border that two halves share."""

REACH_PX = 0.01
"""How far from the border a half may end, beside the tolerance of its simplification."""

Segment = tuple[float, float, float, float]
"""Left, top, right, bottom; two of them are equal."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a scene lies.

    Attributes:
        grid: Its pixels on the map.
        size: In pixels.
    """

    grid: Grid
    size: Size


@dataclass(frozen=True, slots=True)
class Seam:
    """The common border of two tiles.

    Attributes:
        first: The tile whose name comes first.
        second: The other.
        grid: In whose pixels the border is told.
        border: It.
    """

    first: str
    second: str
    grid: Grid
    border: Segment


def seams(tiles: Mapping[str, Tile]) -> list[Seam]:
    """The common borders of tiles that lie on one grid and do not overlap; by name."""
    groups: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for name in sorted(tiles):
        groups[_grid_key(tiles[name].grid)].append(name)
    found = []
    for names in groups.values():
        found += _meeting(names, tiles)
    return sorted(found, key=lambda seam: (seam.first, seam.second))


def _grid_key(grid: Grid) -> tuple[object, ...]:
    """The same for tiles whose pixels may be of one grid."""
    a, b, _, d, e, _ = tuple(grid.transform)[:6]
    return (grid.crs, *(float(f"{value:.9e}") for value in (a, b, d, e)))


def _meeting(names: Sequence[str], tiles: Mapping[str, Tile]) -> list[Seam]:
    grid = tiles[names[0]].grid
    windows: dict[str, Window] = {}
    for name in names:
        column, row = ~grid.transform @ (tiles[name].grid.transform @ (0, 0))
        if max(abs(column - round(column)), abs(row - round(row))) <= ALIGNED_PX:
            size = tiles[name].size
            windows[name] = Window(round(row), round(column), size.height, size.width)
    aligned = list(windows)
    boxes = shapely.box(*np.array([(w.left, w.top, w.right, w.bottom) for w in windows.values()], np.float64).T)
    found = []
    for one, other in np.sort(shapely.STRtree(boxes).query(boxes, "touches").T, axis=1).tolist():
        border = shapely.intersection(boxes[one], boxes[other])
        if border.length > 0:
            left, top, right, bottom = border.bounds
            found.append(Seam(aligned[one], aligned[other], grid, (left, top, right, bottom)))
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Halves:
    """The footprints of a tile that touch its border.

    Attributes:
        rows: Of the layer.
        tolerance_px: Of their simplification, in pixels.
    """

    rows: pa.Table
    tolerance_px: float


def joined(halves: Mapping[str, Halves], borders: Sequence[Seam], crs: str) -> tuple[pa.Table | None, int]:
    """Footprints that touch borders, those of one building across a seam as one.

    A building has the id and the source of its largest part, the areas of all, and their confidence by area.

    Args:
        halves: By tile; of one schema.
        borders: Of these tiles, and perhaps of others.
        crs: Of the footprints.

    Returns:
        All rows, and how many of them are joined; None for no row.
    """
    names = sorted(halves)
    if not names:
        return None, 0
    table = pa.concat_tables([halves[name].rows for name in names]).combine_chunks()
    starts = dict(zip(names, np.cumsum([0, *(halves[name].rows.num_rows for name in names)]).tolist(), strict=False))
    parents = list(range(table.num_rows))
    bridges: defaultdict[int, list[shapely.Geometry]] = defaultdict(list)
    for seam in borders:
        if seam.first in halves and seam.second in halves:
            for one, other, bridge in _across(seam, halves[seam.first], halves[seam.second], crs):
                first, second = starts[seam.first] + one, starts[seam.second] + other
                bridges[first].append(bridge)
                parents[_root(parents, second)] = _root(parents, first)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for row in range(table.num_rows):
        groups[_root(parents, row)].append(row)
    shapes = geometries_of(table)
    kept, whole = [], []
    for rows in groups.values():
        union = shapely.union_all([*shapes[rows], *(bridge for row in rows for bridge in bridges[row])])
        if len(rows) > 1 and union.geom_type == "Polygon":
            whole.append((rows, union))
        else:
            kept += rows
    result = [table.take(pa.array(sorted(kept), pa.int64()))]
    result += [_one_row(table.take(pa.array(rows)), union) for rows, union in whole]
    return pa.concat_tables(result), len(whole)


def _root(parents: list[int], row: int) -> int:
    while parents[row] != row:
        row = parents[row]
    return row


def _across(seam: Seam, first: Halves, second: Halves, crs: str) -> list[tuple[int, int, shapely.Geometry]]:
    """Pairs of halves that touch a border along a common stretch, each with a bridge over it, in the layer's CRS."""
    reach = max(first.tolerance_px, second.tolerance_px) + REACH_PX
    stretches = [_stretches(half, seam, reach, crs) for half in (first, second)]
    found = []
    for one, start, end in stretches[0]:
        for other, other_start, other_end in stretches[1]:
            low, high = max(start, other_start), min(end, other_end)
            if high - low >= SHARED_PX:
                found.append((one, other, _bridge(seam, low, high, reach, crs)))
    return found


def _stretches(half: Halves, seam: Seam, reach: float, crs: str) -> list[tuple[int, float, float]]:
    """Where footprints touch a border: their rows, and from where to where along it, in pixels."""
    shapes = seam.grid.to_pixels(geometries_of(half.rows), crs, Size(1, 1))
    left, top, right, bottom = seam.border
    strip = shapely.box(left - reach, top - reach, right + reach, bottom + reach)
    near = np.flatnonzero(shapely.intersects(shapes, strip))
    parts, places = shapely.get_parts(shapely.intersection(shapes[near], strip), return_index=True)
    bounds: npt.NDArray[np.float64] = shapely.bounds(parts)
    along = bounds[:, [1, 3]] if left == right else bounds[:, [0, 2]]
    return [(int(near[place]), *ends) for place, ends in zip(places.tolist(), along.tolist(), strict=True)]


def _bridge(seam: Seam, low: float, high: float, reach: float, crs: str) -> shapely.Geometry:
    left, top, right, _ = seam.border
    if left == right:
        box = shapely.box(left - reach, low, left + reach, high)
    else:
        box = shapely.box(low, top - reach, high, top + reach)
    placed: Geometries = reprojected(seam.grid.to_map(np.array([box], object)), seam.grid.crs, crs)
    return placed[0]


def _one_row(parts: pa.Table, shape: shapely.Geometry) -> pa.Table:
    """One footprint of its parts."""
    areas = parts["area_px"].to_numpy()
    largest = int(np.lexsort((parts["id"].to_pylist(), -areas))[0])
    confidence = parts["confidence"].to_numpy().astype(np.float64)
    changed = {
        "area_px": int(areas.sum()),
        "confidence": None if np.isnan(confidence).any() else round(float(np.average(confidence, weights=areas)), 4),
        GEOMETRY: shapely.to_wkb(shapely.orient_polygons(shape)),
    }
    if "area_m2" in parts.column_names:
        changed["area_m2"] = round(float(parts["area_m2"].to_numpy().sum()), 3)
    row = parts.slice(largest, 1).to_pylist()[0] | changed
    return pa.Table.from_pylist([row], parts.schema)
