"""Scenes that are tiles of one grid, and the borders at which they meet without overlap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import FULL_TURN, HALF_TURN, PixelGrid, crs_of
from components.core.geometry import Size

ALIGNED_PX = 0.25
"""How far the corners of tiles of one grid may lie from its pixels' corners: as far as rounding moves them. Side files
and bounds in degrees are often written with seven decimals, which is a centimetre."""

LEFT, TOP, RIGHT, BOTTOM = range(4)
"""Sides of a tile."""

CHUNK_PAIRS = 65_536

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a scene lies.

    Attributes:
        grid: Its pixels on the map.
        size: In pixels.
    """

    grid: PixelGrid
    size: Size


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
    placed = PlacedTiles(tiles)
    return placed.seams(*placed.meeting())


class PlacedTiles:
    """Tiles, and how they lie to each other: by pairs of their numbers, many at a time.

    Attributes:
        names: Of the tiles, in order; a tile's number is its place here.
    """

    def __init__(self, tiles: Mapping[str, Tile]) -> None:
        self.names = sorted(tiles)
        found = [tiles[name] for name in self.names]
        self._crs = _numbers(tile.grid.crs for tile in found)
        self._is_round = np.array([_is_round(tile.grid.crs) for tile in found], np.bool_)
        self._transforms = np.array([tuple(tile.grid.transform)[:6] for tile in found], np.float64).reshape(-1, 6)
        self._sizes = np.array([(tile.size.width, tile.size.height) for tile in found], np.int64).reshape(-1, 2)

    def same_place(self, first: Indices, second: Indices) -> Bool:
        """(N,) which pairs show the same pixels of the same grid."""
        offsets, is_aligned = self._offsets(first, second)
        sizes: Bool = (self._sizes[first] == self._sizes[second]).all(axis=1)
        return is_aligned & sizes & (offsets == 0).all(axis=1)

    def seams(self, first: Indices, second: Indices) -> list[Seam]:
        """The common borders of those pairs that have one; by name."""
        first, second = np.minimum(first, second), np.maximum(first, second)
        offsets, is_seam = self._offsets(first, second)
        low = np.maximum(offsets, 0)
        high = np.minimum(offsets + self._sizes[second], self._sizes[first])
        shared = high - low
        is_seam &= (shared.min(axis=1) == 0) & (shared.max(axis=1) > 0)
        found = []
        for index in np.flatnonzero(is_seam).tolist():
            across = int(shared[index].argmin())  # 0 for an upright border, 1 for a level one
            line = int(low[index, across])
            found.append(
                Seam(
                    first=self.names[first[index]],
                    second=self.names[second[index]],
                    offset=(int(offsets[index, 0]), int(offsets[index, 1])),
                    side=across if line == 0 else across + 2,
                    line=line,
                    ends=(int(low[index, 1 - across]), int(high[index, 1 - across])),
                )
            )
        return sorted(found, key=lambda seam: (seam.first, seam.second))

    def meeting(self) -> tuple[Indices, Indices]:
        """Pairs that may have a common border, each once."""
        pairs = [np.zeros((0, 2), np.int64)]
        for crs in np.unique(self._crs):
            members = np.flatnonzero(self._crs == crs)
            boxes = self._boxes[members]
            turns = (0.0, -FULL_TURN, FULL_TURN) if self._is_round[members[0]] else (0.0,)
            tree = shapely.STRtree(shapely.box(*boxes.T))
            for turn in turns:
                one, other = tree.query(shapely.box(*(boxes + np.array([turn, 0.0, turn, 0.0])).T))
                pairs.append(np.stack([members[one], members[other]], axis=1))
        found = np.concatenate(pairs)
        first, second = np.unique(found[found[:, 0] < found[:, 1]], axis=0).T
        return first, second

    @cached_property
    def _boxes(self) -> Floats:
        """(N, 4) map coordinates around the tiles and a pixel more, in degrees by their middle from -180 to 180."""
        corners = self._corners(np.arange(len(self.names)))
        a, b, _, d, e, _ = self._transforms.T
        pixel = np.stack([np.abs(a) + np.abs(b), np.abs(d) + np.abs(e)], axis=1)
        low, high = corners.min(axis=1) - pixel, corners.max(axis=1) + pixel
        turns = np.where(self._is_round, FULL_TURN * np.floor(((low + high)[:, 0] / 2 + HALF_TURN) / FULL_TURN), 0.0)
        low[:, 0] -= turns
        high[:, 0] -= turns
        return np.concatenate([low, high], axis=1)

    def _corners(self, tiles: Indices) -> Floats:
        """(N, 4, 2) map coordinates of the corners: upper left, upper right, lower left, lower right."""
        a, b, c, d, e, f = self._transforms[tiles].T[..., None]
        columns, rows = self._sizes[tiles].T[..., None] * np.array([[[0, 1, 0, 1]], [[0, 0, 1, 1]]])
        return np.stack([a * columns + b * rows + c, d * columns + e * rows + f], axis=2)

    def _offsets(self, first: Indices, second: Indices) -> tuple[Indices, Bool]:
        """(N, 2) where the second tiles begin in the pixels of the first, and (N,) whether they are of one grid."""
        found = [
            self._offsets_of_few(first[start : start + CHUNK_PAIRS], second[start : start + CHUNK_PAIRS])
            for start in range(0, max(len(first), 1), CHUNK_PAIRS)
        ]
        return np.concatenate([offsets for offsets, _ in found]), np.concatenate([aligned for _, aligned in found])

    def _offsets_of_few(self, first: Indices, second: Indices) -> tuple[Indices, Bool]:
        a, b, c, d, e, f = self._transforms[first].T[..., None]
        corners = self._corners(second)
        x, y = corners[..., 0] - c, corners[..., 1] - f
        middle = x.mean(axis=1, keepdims=True) - (self._corners(first)[..., 0] - c).mean(axis=1, keepdims=True)
        x = np.where(self._is_round[first, None], x - FULL_TURN * np.round(middle / FULL_TURN), x)
        determinant = a * e - b * d
        pixels = np.stack([e * x - b * y, a * y - d * x], axis=2) / determinant[..., None]
        whole = np.round(pixels[:, 0])
        right = whole[:, None] + self._corners_px(second)
        is_aligned = (np.abs(pixels - right) <= ALIGNED_PX).all(axis=(1, 2)) & (self._crs[first] == self._crs[second])
        whole[~is_aligned] = 0
        return whole.astype(np.int64), is_aligned

    def _corners_px(self, tiles: Indices) -> Floats:
        """(N, 4, 2) the corners, in the order of `_corners`, in the tiles' own pixels."""
        corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])
        result: Floats = corners * self._sizes[tiles][:, None].astype(np.float64)
        return result


def _numbers(texts: Iterable[str]) -> Indices:
    """(N,) numbers of CRSs, the same for those that are equal."""
    known: dict[str, int] = {}
    found = []
    for text in texts:
        if text not in known:
            equal = next((other for other in known if crs_of(other) == crs_of(text)), None)
            known[text] = len(known) if equal is None else known[equal]
        found.append(known[text])
    return np.array(found, np.int64)


@lru_cache
def _is_round(crs: str) -> bool:
    """Whether 360 more of x is the same place."""
    known = crs_of(crs)
    return bool(known.is_geographic) and {axis.unit_name for axis in known.axis_info[:2]} <= {"degree"}
