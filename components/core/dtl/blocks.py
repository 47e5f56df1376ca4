"""Blocks of ground, or of a raster, of which each goes one of two ways by chance, and what lies too near the border of
both.

An item goes the way of its blocks where all ground within half a gap of it does; else it stands between. So two items
that go different ways are a gap apart at least, and where neighbouring blocks go the same way nothing is lost between
them. All that decides is the item's own place and the draw of the blocks that it touches: other items, their number
and their order do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from components.core.errors import DataError
from components.core.geometry import Size
from components.core.project import Item

EARTH_RADIUS_M = 6_371_008.8

WIDENED = 1.01
"""Of half a gap: the Earth's radius differs by less from place to place."""

SIDE_POINTS = 9
"""Points of each side of an item that say where it lies on the ground."""

LEAST_COSINE = 1e-6
"""At the poles, where a degree of longitude has no length."""

HAIR = 1e-9
"""Of a block's side: what lies on its border does not lie beyond it, but for rounding."""

FIRST, SECOND, BETWEEN = 0, 1, 2


class Block(NamedTuple):
    """A block: of which plane, and its row and column there."""

    plane: str
    row: int
    column: int


IsFirst = Callable[[Block], bool]
"""Whether a block goes the first way."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Blocks of a side, and a gap.

    Attributes:
        side: Of a block, in metres on the ground, or in pixels of a raster.
        gap: Between items that go different ways, in the same unit; at most `side`.
        on_ground: Whether the unit is the metre.
    """

    side: float
    gap: float
    on_ground: bool

    def way_of(self, item: Item, is_first: IsFirst) -> int:
        """`FIRST`, `SECOND` or `BETWEEN`.

        Raises:
            DataError: If the item has no place, or is larger than a block.
        """
        blocks = self._on_ground(item) if self.on_ground else self._on_raster(item)
        ways = {is_first(block) for block in blocks}
        return BETWEEN if len(ways) > 1 else FIRST if True in ways else SECOND

    def _on_raster(self, item: Item) -> Iterator[Block]:
        image = item.image
        if image is None:
            raise DataError(f"item {item.key}: has no image, whose pixels block_px counts")
        from components.core.storage import stem_of  # storage, for those who name a raster

        points = [image.recipe.affine() @ corner for corner in _corners(item.size)]
        (left, right), (top, bottom) = (_range(values) for values in zip(*points, strict=True))
        self._check(item, right - left, bottom - top, "px")
        for row in self._steps(top, bottom, self.side, self.gap / 2):
            for column in self._steps(left, right, self.side, self.gap / 2):
                yield Block(stem_of(image.uri), row, column)

    def _on_ground(self, item: Item) -> Iterator[Block]:
        """Rows of blocks lie along parallels; each is as many blocks around the Earth as fit in nearly."""
        west, south, east, north = _degrees(item)
        metres = math.radians(1) * EARTH_RADIUS_M
        widest = math.cos(math.radians(min(abs(south), abs(north)) if south * north > 0 else 0))
        narrowest = max(math.cos(math.radians(max(abs(south), abs(north)))), LEAST_COSINE)
        self._check(item, (east - west) * metres * widest, (north - south) * metres, "m")
        beside = WIDENED * self.gap / 2 / metres
        side = self.side / metres
        for row in self._steps(south, north, side, beside):
            cosine = max(math.cos(math.radians((row + 0.5) * side)), LEAST_COSINE)
            count = max(round(360 * cosine / side), 1)
            columns = self._steps(west, east, 360 / count, beside / min(narrowest, cosine))
            for column in list(columns)[:count]:
                yield Block("ground", row, column % count)

    @staticmethod
    def _steps(start: float, end: float, side: float, beside: float) -> range:
        """Which blocks of a line a stretch of it touches."""
        first = math.floor((start - beside) / side + HAIR)
        return range(first, max(math.ceil((end + beside) / side - HAIR), first + 1))

    def _check(self, item: Item, width: float, height: float, unit: str) -> None:
        if max(width, height) > self.side * (1 + HAIR):
            raise DataError(
                f"item {item.key}: is {width:.0f} × {height:.0f} {unit} and does not fit into a block of "
                f"{self.side:g} {unit}; use larger blocks, or cut it first (sliding_window)"
            )


def _corners(size: Size) -> list[tuple[int, int]]:
    return [(0, 0), (size.width, 0), (0, size.height), (size.width, size.height)]


def _range(values: tuple[float, ...]) -> tuple[float, float]:
    return min(values), max(values)


def _degrees(item: Item) -> tuple[float, float, float, float]:
    """West, south, east, north of an item; longitudes of one turn, beyond the 180th meridian where it lies across."""
    from components.core.footprints.geography import WGS84, PixelGrid, transformer  # PROJ, once there is a place

    grid = PixelGrid.of_item(item)
    if grid is None:
        raise DataError(
            f"item {item.key}: has no CRS and transform, so nobody knows where it lies; georeference it, or give "
            "block_px and gap_px in place of block_m and gap_m, which split each image by itself"
        )
    along = np.linspace(0, 1, SIDE_POINTS)
    zero, one = np.zeros(SIDE_POINTS), np.ones(SIDE_POINTS)
    columns = np.concatenate([along, along, zero, one]) * item.size.width
    rows = np.concatenate([zero, one, along, along]) * item.size.height
    a, b, c, d, e, f = tuple(grid.transform)[:6]
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    longitudes, latitudes = map(np.asarray, transformer(grid.crs, WGS84).transform(x, y))
    if not (np.isfinite(longitudes).all() and np.isfinite(latitudes).all()):
        raise DataError(f"item {item.key}: lies nowhere on Earth by its georeference; georeference it again")
    longitudes = longitudes - 360 * np.round((longitudes - longitudes[0]) / 360)
    return float(longitudes.min()), float(latitudes.min()), float(longitudes.max()), float(latitudes.max())
