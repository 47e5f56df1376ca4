"""Fewer vertices within a stated tolerance; never an invalid or empty polygon, never a lost hole."""

from __future__ import annotations

import numpy as np
import shapely

from components.core.footprints.geography import Geometries

ATTEMPTS = 4


def simplified(outlines: Geometries, tolerance_px: float) -> Geometries:
    """Simplify outlines, each on its own.

    Douglas-Peucker within each polygon, with a check that its rings stay apart (GEOS' topology-preserving
    simplification). A result that is invalid, empty or short of a ring is tried again with half the tolerance, and the
    exact outline is kept at last.

    Source: Douglas, Peucker, "Algorithms for the reduction of the number of points required to represent a digitized
    line or its caricature", Cartographica 10, 1973.

    Args:
        outlines: (N,) of valid polygons in pixels.
        tolerance_px: How far a vertex that is left out may lie from the edge that takes its place; 0 keeps the pixels'
            edges. A ring's first vertex is left out last, against edges that are new already: there the new outline
            may lie twice as far from the old one.

    Returns:
        (N,) of valid polygons.
    """
    result = outlines.copy()
    if tolerance_px == 0:
        return result
    waiting = np.arange(len(outlines))
    for _ in range(ATTEMPTS):
        tried = shapely.simplify(outlines[waiting], tolerance_px, preserve_topology=True)
        good = _is_sound(tried, outlines[waiting])
        result[waiting[good]] = tried[good]
        waiting = waiting[~good]
        tolerance_px /= 2
    return result


def _is_sound(tried: Geometries, outlines: Geometries) -> np.ndarray:
    same_rings = _ring_count(tried) == _ring_count(outlines)
    sound: np.ndarray = same_rings & shapely.is_valid(tried) & (shapely.area(tried) > 0)
    return sound


def _ring_count(geometries: Geometries) -> np.ndarray:
    """Rings of each geometry, in all its parts."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    rings = np.where(shapely.is_empty(parts), 0, 1 + shapely.get_num_interior_rings(parts))
    return np.bincount(owner, rings, minlength=len(geometries)).astype(np.int64)
