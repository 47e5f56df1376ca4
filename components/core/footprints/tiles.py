"""Scenes that are tiles of one grid, and the borders at which they meet without overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Grid
from components.core.geometry import Size

ALIGNED_PX = 0.01
"""How far the corners of tiles of one grid may lie from its pixels' corners."""

LEFT, TOP, RIGHT, BOTTOM = range(4)
"""Sides of a tile."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a scene lies.

    Attributes:
        grid: Its pixels on the map.
        size: In pixels.
    """

    grid: Grid
    size: Size

    @property
    def place(self) -> tuple[object, ...]:
        """The same for tiles that show the same pixels of the same grid."""
        transform = self.grid.transform
        column, row = ~transform @ (0, 0)  # the map's origin, in this tile's pixels
        return (*_grid_key(self.grid), round(column, 2), round(row, 2), self.size)


@dataclass(frozen=True, slots=True)
class Seam:
    """The common border of two tiles.

    Attributes:
        first: The tile whose name comes first.
        second: The other.
        offset: (column, row) of the second tile's corner in the pixels of the first.
        side: The side of the first tile on which the second lies.
        line: Where the border runs, in the first tile's pixels: the column of an upright one, the row of a level one.
        ends: Where along the border it begins and ends, in the same pixels.
    """

    first: str
    second: str
    offset: tuple[int, int]
    side: int
    line: int
    ends: tuple[int, int]

    @property
    def is_upright(self) -> bool:
        """Whether one tile lies to the left of the other."""
        return self.side in (LEFT, RIGHT)

    @property
    def other_side(self) -> int:
        """The side of the second tile on which the first lies."""
        return (self.side + 2) % 4


def seams(tiles: Mapping[str, Tile]) -> list[Seam]:
    """The common borders of tiles that lie on one grid and do not overlap; by name."""
    groups: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for name in sorted(tiles):
        groups[_grid_key(tiles[name].grid)].append(name)
    found = [seam for names in groups.values() if len(names) > 1 for seam in _seams(names, tiles)]
    return sorted(found, key=lambda seam: (seam.first, seam.second))


def _grid_key(grid: Grid) -> tuple[object, ...]:
    """The same for tiles whose pixels may be of one grid."""
    a, b, _, d, e, _ = tuple(grid.transform)[:6]
    return (grid.crs, *(float(f"{value:.9e}") for value in (a, b, d, e)))


def _seams(names: Sequence[str], tiles: Mapping[str, Tile]) -> Iterator[Seam]:
    """The common borders among tiles of equal pixels, whose names are in order."""
    corners = _corners([tiles[name].grid for name in names])
    sizes = np.array([(tiles[name].size.width, tiles[name].size.height) for name in names], np.int64)
    boxes = shapely.box(*(corners - ALIGNED_PX).T, *(corners + sizes + ALIGNED_PX).T)
    first, second = shapely.STRtree(boxes).query(boxes, "intersects")
    first, second = first[first < second], second[first < second]
    moved = corners[second] - corners[first]
    offsets = np.round(moved).astype(np.int64)
    low = np.maximum(offsets, 0)
    high = np.minimum(offsets + sizes[second], sizes[first])
    shared = high - low
    is_seam = (np.abs(moved - offsets) <= ALIGNED_PX).all(axis=1) & (shared.min(axis=1) == 0) & (shared.max(axis=1) > 0)
    for index in np.flatnonzero(is_seam).tolist():
        across = int(shared[index].argmin())  # 0 for an upright border, 1 for a level one
        line = int(low[index, across])
        yield Seam(
            first=names[first[index]],
            second=names[second[index]],
            offset=(int(offsets[index, 0]), int(offsets[index, 1])),
            side=across if line == 0 else across + 2,
            line=line,
            ends=(int(low[index, 1 - across]), int(high[index, 1 - across])),
        )


def _corners(grids: Sequence[Grid]) -> npt.NDArray[np.float64]:
    """(N, 2) columns and rows of the corners of grids of equal pixels, in the pixels of the first."""
    corners = np.array([(grid.transform.c, grid.transform.f) for grid in grids])
    a, b, _, d, e, _ = tuple(~grids[0].transform)[:6]
    return (corners - corners[0]) @ np.array([[a, d], [b, e]])
