"""Polygons and multipolygons taken apart into rings and put together again, many at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from components.core.footprints.geography import Geometries
from components.core.footprints.rings import Integers


class ShapeRings(NamedTuple):
    """The rings of geometries, each part's shell before its holes.

    Attributes:
        rings: (R,) of linear rings.
        parts: (R,) index of each ring's part.
        owners: (P,) index of each part's geometry.
    """

    rings: Geometries
    parts: Integers
    owners: Integers

    @classmethod
    def of(cls, geometries: Geometries) -> ShapeRings:
        """The rings of (N,) polygons and multipolygons."""
        parts, owners = shapely.get_parts(geometries, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        return cls(rings, part, owners)

    def geometries(self) -> Geometries:
        """(N,) of the geometries again; every one has at least one part."""
        return multipolygons(shapely.polygons(self.rings, indices=self.parts), self.owners)


def multipolygons(parts: Geometries, owners: Integers) -> Geometries:
    """Collect the polygons of each owner into one geometry.

    Args:
        parts: (P,) of polygons.
        owners: (P,) index of each part's owner, ascending, every owner at least once.

    Returns:
        (N,) of polygons, and multipolygons where an owner has several parts.
    """
    counts = np.bincount(owners)
    result: Geometries = parts[np.cumsum(counts) - counts]
    several = np.flatnonzero(counts > 1)
    if len(several):
        shared = counts[owners] > 1
        result[several] = shapely.multipolygons(parts[shared], indices=np.searchsorted(several, owners[shared]))
    return result
