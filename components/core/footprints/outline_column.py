"""What a scene's file says of the exact outline of an object that its border cuts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely

from components.core.errors import DataError
from components.core.footprints.generalize import NO_WALLS, DrawnWalls
from components.core.footprints.geography import Geometries
from components.core.footprints.records import OUTLINE


class Outlines(NamedTuple):
    """Exact outlines, and walls that they share with others of their image.

    Attributes:
        exact: (N,) in pixels of the image.
        walls: Of each.
    """

    exact: Geometries
    walls: list[DrawnWalls]


def outline_bytes(exact: shapely.Geometry, walls: DrawnWalls) -> bytes:
    """An outline as WKB; with walls as a collection of it, the walls along the pixels, and the walls as drawn."""
    if not walls.exact:
        return bytes(shapely.to_wkb(exact))
    parts = [exact, shapely.MultiLineString(walls.exact), shapely.MultiLineString(walls.drawn)]
    return bytes(shapely.to_wkb(shapely.GeometryCollection(parts)))


def outlines_of(column: Sequence[bytes]) -> Outlines:
    """Read what `outline_bytes` gives; the outlines of earlier releases have no walls.

    Raises:
        DataError: If one is not valid WKB.
    """
    try:
        found = shapely.from_wkb(np.asarray(column, dtype=object))
    except shapely.errors.ShapelyError as error:
        raise DataError(f"{OUTLINE}: is not valid WKB ({error}); make the footprints again") from error
    exact: Geometries = found.copy()
    walls = [NO_WALLS] * len(found)
    for index in np.flatnonzero(shapely.get_type_id(found) == shapely.GeometryType.GEOMETRYCOLLECTION).tolist():
        exact[index], *both = found[index].geoms
        walls[index] = DrawnWalls(*([np.array(line.coords) for line in lines.geoms] for lines in both))
    return Outlines(exact, walls)
