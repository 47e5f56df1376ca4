"""Where scenes lie: pixel grids, map coordinates and true areas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from affine import Affine
from pyproj.exceptions import CRSError, ProjError

from components.core.errors import DataError
from components.core.footprints.validity import is_broken
from components.core.geometry import Size
from components.core.project import Item

Geometries = npt.NDArray[np.object_]
"""(N,) of shapely polygons and multipolygons."""

WGS84 = "EPSG:4326"

HALF_TURN, FULL_TURN = 180.0, 360.0

HAIR_SHARE = 1e-9
"""Of a polygon's area: what is smaller comes of rounding."""

ROUNDING_DEGREES = 1e-11
"""A micrometre."""

_ELLIPSOID = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """The pixel grid of one scene on the ground.

    Attributes:
        crs: "EPSG:…" or WKT.
        transform: From (column, row) to map coordinates, x and y (longitude and latitude) in that order.
    """

    crs: str
    transform: Affine

    @classmethod
    def of_item(cls, item: Item) -> PixelGrid | None:
        """The grid of an item; None where its image has no CRS or no transform.

        Raises:
            DataError: If the CRS is unknown or has no relation to the Earth.
        """
        if item.image is None or item.image.crs is None or item.image.item_transform is None:
            return None
        grid = cls(item.image.crs, item.image.item_transform)
        try:
            on_earth = crs_of(grid.crs).geodetic_crs is not None
        except CRSError as error:
            raise DataError(f"{item.key}: its CRS {grid.crs!r} is unknown ({error}); give an EPSG code") from error
        if not on_earth:
            raise DataError(
                f"{item.key}: its CRS {grid.crs!r} is local, with no place on Earth; give the image a geographic or "
                "projected CRS, or none to get pixel coordinates"
            )
        if grid.transform.determinant == 0:
            raise DataError(f"{item.key}: its transform {tuple(grid.transform)[:6]} has pixels without area; fix it")
        return grid

    def to_map(self, geometries: Geometries) -> Geometries:
        """From (column, row) to map coordinates; exterior rings run counter-clockwise, holes clockwise."""
        a, b, c, d, e, f = tuple(self.transform)[:6]

        def applied(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            columns, rows = points.T
            return np.stack([a * columns + b * rows + c, d * columns + e * rows + f], axis=1)

        oriented: Geometries = shapely.orient_polygons(shapely.transform(geometries, applied))
        return oriented

    def to_pixels(self, geometries: Geometries, crs: str, size: Size) -> Geometries:
        """From another CRS to (column, row) of a scene of `size`, on whatever turn of longitudes the grid lies."""
        placed = reprojected(geometries, crs, self.crs)
        a, b, c, d, e, f = tuple(~self.transform)[:6]
        middle = self.transform @ (size.width / 2, size.height / 2)
        is_round = is_wgs84(self.crs)

        def applied(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            x, y = points.T
            if is_round:
                x = x - FULL_TURN * np.round((x - middle[0]) / FULL_TURN)
            return np.stack([a * x + b * y + c, d * x + e * y + f], axis=1)

        moved: Geometries = shapely.transform(placed, applied)
        return moved

    def pixel_m(self, size: Size) -> float:
        """Side of a square as large on the ground as the middle pixel of a scene of `size`, in metres."""
        row, column = size.height // 2, size.width // 2
        pixel = self.to_map(np.array([shapely.box(column, row, column + 1, row + 1)], dtype=object))
        return float(np.sqrt(areas_m2(pixel, self.crs)[0]))

    def ground(self, size: Size) -> npt.NDArray[np.float64]:
        """How the middle pixel of a scene of `size` lies on the ground.

        Returns:
            (2, 2) from columns and rows to metres east and north: angles there are those on the ground, whatever the
            CRS.
        """
        row, column = size.height // 2, size.width // 2
        a, b, c, d, e, f = tuple(self.transform)[:6]
        columns, rows = np.array([column, column + 1, column]), np.array([row, row, row + 1])
        points = shapely.points(a * columns + b * rows + c, d * columns + e * rows + f)
        (longitude, *far_east), (latitude, *far_north) = shapely.get_coordinates(_moved(points, self.crs, WGS84)).T
        azimuths, _, metres = _ELLIPSOID.inv([longitude] * 2, [latitude] * 2, far_east, far_north)
        return np.array(metres) * np.array([np.sin(np.radians(azimuths)), np.cos(np.radians(azimuths))])


@lru_cache
def crs_of(text: str) -> pyproj.CRS:
    """The CRS of "EPSG:…" or WKT."""
    return pyproj.CRS.from_user_input(text)


def name_of_crs(text: str) -> str:
    """A CRS for people to read, such as "WGS 84 / UTM zone 33N (EPSG:32633)"."""
    name = str(crs_of(text).name)
    return f"{name} ({text})" if text.startswith("EPSG:") else name


def common_crs(crs: Iterable[str]) -> str:
    """The CRS of all scenes where it is one, else WGS 84; WGS 84 too where there is none."""
    found = list(dict.fromkeys(crs))
    same = found and all(crs_of(other) == crs_of(found[0]) for other in found[1:])
    return found[0] if same else WGS84


@lru_cache
def transformer(source: str, target: str) -> pyproj.Transformer:
    """Moves points from one CRS to another, x (longitude) first."""
    return pyproj.Transformer.from_crs(crs_of(source), crs_of(target), always_xy=True)


def reprojected(geometries: Geometries, source: str, target: str) -> Geometries:
    """Polygons in another CRS: vertices are moved, and edges stay straight between them.

    Where rings that touch would then cross by a hair, the polygon is fixed and what has no area is left out. In WGS
    84 longitudes are from -180 to 180, and polygons are cut at that meridian; see `on_globe`.

    Raises:
        DataError: If a vertex lies where the projection is not defined.
    """
    if crs_of(source) == crs_of(target):
        return on_globe(geometries) if is_wgs84(target) else geometries
    moved = _moved(geometries, source, target)
    whole = fixed(_unrolled(moved) if is_wgs84(target) else moved)
    oriented: Geometries = shapely.orient_polygons(on_globe(whole) if is_wgs84(target) else whole)
    return oriented


@lru_cache
def is_wgs84(crs: str) -> bool:
    """Whether coordinates in a CRS are longitude and latitude in WGS 84."""
    return bool(crs_of(crs).equals(crs_of(WGS84), ignore_axis_order=True))


def on_globe(geometries: Geometries) -> Geometries:
    """Polygons in degrees with longitudes from -180 to 180, cut in two where they cross that meridian.

    An edge is taken to go the short way: from 179.9 to -179.9 as well as to 180.1.

    Source: RFC 7946, section 3.1.9.

    Args:
        geometries: Longitude and latitude, the former from any turn, such as 0 to 360.

    Returns:
        The same polygons; those that are cut are multipolygons.
    """
    whole = _at_meridian(_unrolled(geometries))
    west, east = shapely.bounds(whole)[:, [0, 2]].T
    across = np.flatnonzero((west < -HALF_TURN) | (east > HALF_TURN))
    if not len(across):
        return whole
    result = whole.copy()
    for index in across:
        shape = fixed(whole[index : index + 1])[0]
        parts = [
            _shifted(
                polygons_of(shapely.intersection(shape, shapely.box(middle - HALF_TURN, -90, middle + HALF_TURN, 90))),
                -middle,
            )
            for middle in (-FULL_TURN, 0.0, FULL_TURN)
        ]
        found = [part for part in shapely.get_parts(parts) if not part.is_empty]
        if found:
            result[index] = shapely.multipolygons([found])[0] if len(found) > 1 else found[0]
    oriented: Geometries = shapely.orient_polygons(result)
    return oriented


def _unrolled(geometries: Geometries) -> Geometries:
    """Each polygon with its first longitude from -180 to 180, and every other one within half a turn of the last."""
    points, owners = shapely.get_coordinates(geometries, return_index=True)
    if not len(points):
        return geometries
    longitudes = points[:, 0]
    is_first = np.diff(owners, prepend=-1) > 0
    steps = np.where(is_first, longitudes, np.diff(longitudes, prepend=0.0))
    turns = np.cumsum(np.round(steps / FULL_TURN))
    before = np.append(0.0, turns)[np.flatnonzero(is_first)]
    turns -= np.repeat(before, np.diff(np.append(np.flatnonzero(is_first), len(points))))
    if not turns.any():
        return geometries
    points[:, 0] -= FULL_TURN * turns
    moved: Geometries = shapely.set_coordinates(geometries.copy(), points)
    return moved


def _at_meridian(geometries: Geometries) -> Geometries:
    """Polygons whose corners lie on the 180th meridian where rounding alone keeps them from it: no sliver beyond."""
    points = shapely.get_coordinates(geometries)
    beside = np.abs(np.abs(points[:, 0]) - HALF_TURN)
    moved = (beside > 0) & (beside < ROUNDING_DEGREES)
    if not moved.any():
        return geometries
    points[moved, 0] = np.copysign(HALF_TURN, points[moved, 0])
    result: Geometries = shapely.set_coordinates(geometries.copy(), points)
    return result


def _shifted(geometry: shapely.Geometry, degrees: float) -> shapely.Geometry:
    return shapely.transform(geometry, lambda points: points + np.array((degrees, 0.0)))


def _moved(geometries: Geometries, source: str, target: str) -> Geometries:
    transform = transformer(source, target)

    def moved(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.stack(transform.transform(points[:, 0], points[:, 1], errcheck=True), axis=1)

    try:
        result: Geometries = shapely.transform(geometries, moved)
    except ProjError as error:
        raise DataError(
            f"footprints in {source!r} cannot be brought to {target!r} ({error}); check the images' CRS and transform"
        ) from error
    return result


def fixed(geometries: Geometries) -> Geometries:
    """The same polygons, the invalid ones made valid; their lines and points, and what is but a hair, are left out."""
    result = geometries.copy()
    for index in np.flatnonzero(is_broken(geometries)):
        result[index] = _without_hairs(polygons_of(shapely.make_valid(geometries[index])))
    return result


def _without_hairs(geometry: shapely.Geometry) -> shapely.Geometry:
    """A geometry without parts and holes of less than `HAIR_SHARE` of its area."""
    least = HAIR_SHARE * geometry.area
    parts = [
        shapely.Polygon(part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area > least])
        for part in shapely.get_parts(geometry)
        if part.area > least
    ]
    return shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0] if parts else geometry


def polygons_of(geometry: shapely.Geometry) -> shapely.Geometry:
    """The areas of a geometry, without its lines and points."""
    if isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        return geometry
    parts = [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon | shapely.MultiPolygon)]
    return shapely.union_all(parts)


def areas_m2(geometries: Geometries, crs: str) -> npt.NDArray[np.float64]:
    """True areas on the Earth.

    Neither square degrees nor the square units of a projection are areas on the ground (Web Mercator's are 2.2 times
    too large in Vienna), so every polygon is measured on the ellipsoid of WGS 84, its edges taken as geodesics.

    Source: Karney, "Algorithms for geodesics", Journal of Geodesy 87, 2013 (GeographicLib, as PROJ has it).

    Args:
        geometries: Polygons in `crs`, exterior and interior rings of opposite directions.
        crs: "EPSG:…" or WKT.

    Returns:
        (N,) float64, in square metres.
    """
    parts, owners = shapely.get_parts(_moved(geometries, crs, WGS84), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    ends = np.cumsum(shapely.get_num_coordinates(rings)).tolist()
    longitudes, latitudes = np.ascontiguousarray(shapely.get_coordinates(rings).T)
    signed = [
        _ELLIPSOID.polygon_area_perimeter(longitudes[start:end], latitudes[start:end])[0]
        for start, end in pairwise([0, *ends])
    ]
    return np.abs(np.bincount(owners[part], signed, minlength=len(geometries)))
