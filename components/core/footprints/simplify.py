"""Fewer vertices within a stated tolerance; never an invalid or empty polygon, never a lost hole."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Geometries
from components.core.footprints.shapes import ShapeRings
from components.core.footprints.slivers import are_distorted
from components.core.footprints.validity import ring_counts

ATTEMPTS = 4

CLOSED_TRIANGLE = 4
"""Coordinates of the least ring."""


def simplified(outlines: Geometries, tolerance_px: float) -> Geometries:
    """Simplify outlines, each on its own.

    Douglas-Peucker ring by ring. A result that is invalid, short of a ring, or has a ring that is a sliver or differs
    too much in area (see `slivers`), is tried again with a check that rings stay apart (GEOS' topology-preserving
    simplification, which takes ten times as long and mostly gives the same), then with half the tolerance, and the
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
    if tolerance_px == 0 or not len(outlines):
        return result
    waiting = np.flatnonzero(~_ring_by_ring(result, tolerance_px))
    for _ in range(ATTEMPTS):
        tried = shapely.simplify(outlines[waiting], tolerance_px, preserve_topology=True)
        good = are_sound(tried, outlines[waiting])
        result[waiting[good]] = tried[good]
        waiting = waiting[~good]
        tolerance_px /= 2
    return result


def _ring_by_ring(outlines: Geometries, tolerance_px: float) -> npt.NDArray[np.bool_]:
    """Replace outlines where no ring collapses and the result is valid; gives which."""
    taken = ShapeRings.of(outlines)
    rings = shapely.simplify(taken.rings, tolerance_px, preserve_topology=False)
    collapsed = shapely.get_num_coordinates(rings) < CLOSED_TRIANGLE
    rings[collapsed] = taken.rings[collapsed]
    collapsed |= are_distorted(rings, taken.rings)
    tried = taken._replace(rings=rings).geometries()
    good: npt.NDArray[np.bool_] = shapely.is_valid(tried)
    good[taken.owners[taken.parts[collapsed]]] = False
    outlines[good] = tried[good]
    return good


def are_sound(tried: Geometries, outlines: Geometries) -> npt.NDArray[np.bool_]:
    """(N,) which are valid, have all rings of the exact outlines, and none that is distorted; see `slivers`."""
    sound: npt.NDArray[np.bool_] = (ring_counts(tried) == ring_counts(outlines)) & shapely.is_valid(tried)
    found, exact = ShapeRings.of(tried[sound]), ShapeRings.of(outlines[sound])
    distorted = are_distorted(found.rings, exact.rings)
    sound[np.flatnonzero(sound)[found.owners[found.parts[distorted]]]] = False
    return sound
