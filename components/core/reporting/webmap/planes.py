"""Where things lie on a map: on the ground, as web maps have it, or on a plane of pixels where there is no place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
import rasterio.warp
import shapely
from affine import Affine
from pyproj import Transformer
from rasterio.crs import CRS

from components.core.footprints.geography import FULL_TURN, WGS84, Geometries, PixelGrid, crs_of
from components.core.geometry import Size

Points = npt.NDArray[np.float64]
"""(N, 2)."""

RADIUS_M = 6378137.0
"""Of the sphere that web maps are drawn on."""

FARTHEST_NORTH = 85.0
"""Beyond it, in degrees from the equator, there is no web map."""

SIDE_POINTS = 16
_CORNERS = np.array(((0, 0), (1, 0), (1, 1), (0, 1)), np.float64)
GAP_SHARE = 0.06
"""Room between scenes on the plane of pixels, as a share of the largest one's side."""


class PlaneKind(StrEnum):
    """What the coordinates of a map are."""

    GROUND = "ground"
    """x and y of web Mercator, in its metres; x may count on beyond the 180th meridian."""

    PIXELS = "pixels"
    """Pixels of scenes that are laid side by side: x to the right, y up."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a plane."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def around(cls, boxes: Sequence[Box]) -> Box:
        """The box that holds others."""
        return cls(
            min(box.west for box in boxes),
            min(box.south for box in boxes),
            max(box.east for box in boxes),
            max(box.north for box in boxes),
        )

    @property
    def width(self) -> float:
        """From west to east."""
        return self.east - self.west

    @property
    def height(self) -> float:
        """From south to north."""
        return self.north - self.south

    def meets(self, other: Box, room: float) -> bool:
        """Whether another is no farther away than `room` in either direction."""
        return (
            self.west - room <= other.east
            and other.west - room <= self.east
            and self.south - room <= other.north
            and other.south - room <= self.north
        )


@dataclass(frozen=True, slots=True)
class PlacedPicture:
    """A picture on a plane: (h, w, 4) uint8 RGBA, upright."""

    box: Box
    pixels: npt.NDArray[np.uint8]


class ScenePlace(Protocol):
    """Where a scene lies on a plane."""

    @property
    def box(self) -> Box:
        """Around it."""
        ...

    @property
    def corners(self) -> Points:
        """(4, 2) its corners, one after the other around it."""
        ...

    @property
    def pixel(self) -> float:
        """Side of one of its pixels, in units of the plane."""
        ...

    def shapes(self, shapes: Geometries) -> Geometries:
        """From (column, row) of the scene to the plane."""
        ...

    def picture(self, pixels: npt.NDArray[np.uint8]) -> PlacedPicture:
        """From (h, w, 4) uint8 RGBA of the whole scene, made smaller, to the plane."""
        ...


@dataclass(frozen=True)
class GroundPlace:
    """The place of a scene with a georeference.

    Attributes:
        grid: Of its pixels.
        size: In pixels.
    """

    grid: PixelGrid
    size: Size

    @cached_property
    def middle(self) -> float:
        """Longitude of its middle, in degrees, from -180 to 180."""
        corner = self.grid.transform @ (self.size.width / 2, self.size.height / 2)
        longitude = float(_to_degrees(self.grid.crs).transform(*corner)[0])
        return longitude - FULL_TURN * round(longitude / FULL_TURN)

    @property
    def is_on_map(self) -> bool:
        """Whether a web map reaches so far."""
        points = _border(self.size)
        latitudes = self._degrees(points)[:, 1]
        return bool(np.isfinite(latitudes).all() and np.abs(latitudes).max() <= FARTHEST_NORTH)

    @cached_property
    def box(self) -> Box:
        """Around it."""
        points = self._on_map(_border(self.size))
        return Box(*points.min(axis=0).tolist(), *points.max(axis=0).tolist())

    @property
    def corners(self) -> Points:
        """(4, 2) its corners, one after the other around it."""
        return self._on_map(_CORNERS * (self.size.width, self.size.height))

    @property
    def pixel(self) -> float:
        """Side of one of its pixels, in metres of web Mercator."""
        box = self.box
        return math.sqrt(box.width * box.height / self.size.area)

    def shapes(self, shapes: Geometries) -> Geometries:
        """From (column, row) of the scene to the plane."""
        moved: Geometries = shapely.transform(shapes, self._on_map)
        return moved

    def shapes_of_degrees(self, shapes: Geometries) -> Geometries:
        """From longitude and latitude, on whatever turn, to the plane."""
        return ground_shapes(shapes, self.middle)

    def picture(self, pixels: npt.NDArray[np.uint8]) -> PlacedPicture:
        """From (h, w, 4) uint8 RGBA of the whole scene, made smaller, to the plane."""
        height, width = pixels.shape[:2]
        box = self.box
        scale = math.sqrt(width * height / (box.width * box.height))
        size = Size(max(1, round(box.height * scale)), max(1, round(box.width * scale)))
        middle = self.middle
        target = Affine(box.width / size.width, 0, box.west - _east(middle), 0, -box.height / size.height, box.north)
        source = self.grid.transform @ Affine.scale(self.size.width / width, self.size.height / height)
        result = np.zeros((4, size.height, size.width), np.uint8)
        for bands, method in ((slice(0, 3), "bilinear"), (slice(3, 4), "nearest")):
            rasterio.warp.reproject(
                np.ascontiguousarray(np.moveaxis(pixels[:, :, bands], 2, 0)),
                result[bands],
                src_transform=source,
                src_crs=CRS.from_user_input(self.grid.crs),
                dst_transform=target,
                dst_crs=CRS.from_string(_mercator(middle)),
                resampling=rasterio.warp.Resampling[method],
                num_threads=1,
            )
        return PlacedPicture(box, np.ascontiguousarray(np.moveaxis(result, 0, 2)))

    def _degrees(self, points: Points) -> Points:
        a, b, c, d, e, f = tuple(self.grid.transform)[:6]
        columns, rows = points.T
        return np.stack(
            _to_degrees(self.grid.crs).transform(a * columns + b * rows + c, d * columns + e * rows + f), axis=1
        )

    def _on_map(self, points: Points) -> Points:
        return _ground_points(self._degrees(points), self.middle)


@dataclass(frozen=True)
class PixelPlace:
    """The place of a scene without a georeference, on the plane of pixels.

    Attributes:
        left: Of the scene.
        top: The same; rows count down from it.
        size: In pixels.
    """

    left: float
    top: float
    size: Size

    @property
    def box(self) -> Box:
        """Around it."""
        return Box(self.left, self.top - self.size.height, self.left + self.size.width, self.top)

    @property
    def corners(self) -> Points:
        """(4, 2) its corners, one after the other around it."""
        corners: Points = _CORNERS * (self.size.width, -self.size.height) + (self.left, self.top)
        return corners

    @property
    def pixel(self) -> float:
        """One."""
        return 1.0

    def shapes(self, shapes: Geometries) -> Geometries:
        """From (column, row) of the scene to the plane."""
        moved: Geometries = shapely.transform(shapes, lambda points: points * (1, -1) + (self.left, self.top))
        return moved

    def picture(self, pixels: npt.NDArray[np.uint8]) -> PlacedPicture:
        """A picture needs no change."""
        return PlacedPicture(self.box, pixels)


def side_by_side(sizes: Sequence[Size]) -> list[PixelPlace]:
    """Places for scenes that have none: in rows, about as wide as high, in their order."""
    if not sizes:
        return []
    gap = max(8, round(GAP_SHARE * max(max(size.height, size.width) for size in sizes)))
    width = math.sqrt(sum((size.height + gap) * (size.width + gap) for size in sizes))
    places: list[PixelPlace] = []
    left = top = lowest = 0
    for size in sizes:
        if left and left + size.width > width:
            left, top = 0, lowest
        places.append(PixelPlace(left, top, size))
        left += size.width + gap
        lowest = min(lowest, top - size.height - gap)
    return places


def ground_shapes(shapes: Geometries, middle: float) -> Geometries:
    """From longitude and latitude in degrees to web Mercator, within half a turn of the longitude `middle`."""
    moved: Geometries = shapely.transform(shapes, lambda points: _ground_points(points, middle))
    return moved


def _ground_points(degrees: Points, middle: float) -> Points:
    """As `ground_shapes`, for (N, 2) points."""
    longitudes, latitudes = degrees.T
    near = longitudes - FULL_TURN * np.round((longitudes - middle) / FULL_TURN)
    north = np.clip(latitudes, -FARTHEST_NORTH, FARTHEST_NORTH)
    return np.stack([RADIUS_M * np.radians(near), RADIUS_M * np.arctanh(np.sin(np.radians(north)))], axis=1)


@lru_cache
def _to_degrees(crs: str) -> Transformer:
    return Transformer.from_crs(crs_of(crs), crs_of(WGS84), always_xy=True)


def _east(longitude: float) -> float:
    return RADIUS_M * math.radians(longitude)


def _mercator(middle: float) -> str:
    """Web Mercator around another meridian, so that no scene is cut at the 180th."""
    return (
        f"+proj=merc +a={RADIUS_M} +b={RADIUS_M} +lat_ts=0 +lon_0={middle!r} +x_0=0 +y_0=0 +k=1 +units=m "
        "+nadgrids=@null +wktext +no_defs"
    )


def _border(size: Size) -> Points:
    """(N, 2) points (column, row) along the border of a scene."""
    along, near, far = np.linspace(0, 1, SIDE_POINTS + 1), np.zeros(SIDE_POINTS + 1), np.ones(SIDE_POINTS + 1)
    columns = np.concatenate([along, along, near, far]) * size.width
    rows = np.concatenate([near, far, along, along]) * size.height
    return np.stack([columns, rows], axis=1)
