"""An area on a scene: which of its pixels lie in it. A pixel belongs to a polygon that holds its centre.

What lies in the scene is kept as WKB of polygons in (row, column) of its pixels, so that whoever reads those later
needs neither the area's file nor its CRS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from components.core.errors import DataError
from components.core.figures import Polygon, vertices
from components.core.figures.centre_rule import HALF, Rings
from components.core.footprints.geography import PixelGrid, fixed, polygons_of
from components.core.geometry import Size
from components.core.vectors.features import features_on
from components.core.vectors.layer import VectorLayer
from components.core.vectors.lies import Lies


@dataclass(frozen=True, slots=True)
class AreaOnScene:
    """What of a scene lies in an area.

    Attributes:
        lies: Whether all of its pixels do, none or some.
        polygons: WKB of the area in it, in (row, column) of its pixels, where some do; else empty.
        made_valid: How many of the area's features that touch it have rings that cross.
    """

    lies: Lies
    polygons: bytes = b""
    made_valid: int = 0


def area_on(layer: VectorLayer, grid: PixelGrid, size: Size) -> AreaOnScene:
    """Lay an area on a scene.

    Args:
        layer: The area.
        grid: Of the scene's pixels.
        size: Of the scene, in pixels.

    Returns:
        The same for the same area around the scene, whatever it is elsewhere. A scene counts as partly inside where a
        piece of it that lies outside may hold a centre by its box.

    Raises:
        DataError: If either cannot be brought to the other's CRS, or the layer cannot be read.
    """
    found = features_on(layer, grid, size, with_attributes=False)
    inside = _joined(found.polygons)
    made_valid = len(found.made_valid)
    if not _may_hold_centres(inside):
        return AreaOnScene(Lies.OUTSIDE, made_valid=made_valid)
    if not _may_hold_centres(shapely.difference(_whole(size), inside)):
        return AreaOnScene(Lies.INSIDE, made_valid=made_valid)
    return AreaOnScene(Lies.PARTLY, shapely.to_wkb(shapely.normalize(inside)), made_valid)


def outside(areas: Sequence[Polygon], size: Size) -> list[Polygon]:
    """The ground of a scene that lies in no area; a pixel belongs to it unless an area holds its centre.

    Args:
        areas: In the scene's pixels.
        size: Of the scene, in pixels.
    """
    rest = shapely.difference(_whole(size), _joined(areas)) if areas else _whole(size)
    return [Polygon(ring.exterior, ring.interiors, by_centres=True) for ring in _rings(polygons_of(rest))]


def rings_of(polygons: bytes) -> tuple[Rings, ...]:
    """The areas of `AreaOnScene.polygons`.

    Raises:
        DataError: If it is not that.
    """
    try:
        shape = shapely.from_wkb(polygons)
    except shapely.GEOSException as error:
        raise DataError(f"an area on a scene is no WKB ({error}); plan the run again") from error
    if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise DataError("an area on a scene is no polygons; plan the run again")
    return tuple(_rings(shape))


def polygons_in(polygons: bytes) -> list[Polygon]:
    """The areas of `AreaOnScene.polygons` as figures; see `rings_of`."""
    return [Polygon(ring.exterior, ring.interiors, by_centres=True) for ring in rings_of(polygons)]


def _rings(shape: BaseGeometry) -> list[Rings]:
    return [
        Rings(
            vertices(shapely.get_coordinates(part.exterior)[:-1]),
            tuple(vertices(shapely.get_coordinates(hole)[:-1]) for hole in part.interiors),
        )
        for part in shapely.get_parts(shape)
        if not part.is_empty
    ]


def _whole(size: Size) -> BaseGeometry:
    return shapely.box(0, 0, size.height, size.width)


def _joined(areas: Sequence[Polygon]) -> BaseGeometry:
    if not areas:
        return shapely.Polygon()
    shapes = np.array([shapely.Polygon(area.exterior, area.interiors) for area in areas], dtype=object)
    return polygons_of(shapely.union_all(fixed(shapes)))


def _may_hold_centres(shape: BaseGeometry) -> bool:
    parts = [part for part in shapely.get_parts(polygons_of(shape)) if not part.is_empty]
    if not parts:
        return False
    low, high = np.split(shapely.bounds(parts), 2, axis=1)
    return bool((np.ceil(low - HALF) <= np.floor(high - HALF)).all(axis=1).any())
