"""Which polygons are valid, and which are so intricate that only their exact outline will do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

MOST_RINGS = 1024
"""To check or simplify a polygon, GEOS compares each of its rings with all others: with 20 000 of them, as in the mask
of an untrained network, that takes minutes. A polygon of more rings than this keeps its exact outline, whose rings
touch at common corners only, and so stays valid wherever its corners are moved."""


def ring_counts(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.int64]:
    """(N,) rings of each polygon or multipolygon, in all its parts."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    rings = np.where(shapely.is_empty(parts), 0, 1 + shapely.get_num_interior_rings(parts))
    return np.bincount(owner, rings, minlength=len(geometries)).astype(np.int64)


def is_intricate(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """(N,) whether a polygon has so many rings (over `MOST_RINGS`) that its outline stays as it is."""
    return ring_counts(geometries) > MOST_RINGS


def is_broken(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """(N,) whether a polygon is invalid; an intricate one is not."""
    broken = ~is_intricate(geometries)
    broken[broken] = ~shapely.is_valid(geometries[broken])
    return broken
