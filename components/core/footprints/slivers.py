"""Rings that are no outline of anything: what rounding or simplification leaves of something larger."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Geometries
from components.core.footprints.rings import Integers

LEAST_AREA_PX = 0.5
"""Of a ring; the smallest exact one is a pixel."""

LEAST_ANGLE = 5.0
"""In degrees, between the edges of a corner: with less it is a spike. Exact outlines have right angles alone."""

MOST_GROWTH = 4 / 3
"""Of a ring's area by simplification; it may fall by as much. A bar a pixel wide would lose half of itself."""

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def ring_areas(rings: Geometries) -> Floats:
    """(R,) of linear rings, without sign."""
    areas: Floats = shapely.area(shapely.polygons(rings))
    return areas


def corner_angles(rings: Geometries) -> tuple[Floats, Integers]:
    """(K,) degrees between the two edges of each corner, 0 where a corner comes twice in a row; (K,) its ring."""
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    counts = shapely.get_num_coordinates(rings)
    ends = np.cumsum(counts) - 1  # where the first corner is repeated
    before = np.arange(len(corners)) - 1
    before[ends - counts + 1] = ends - 1
    kept = np.ones(len(corners), np.bool_)
    kept[ends] = False
    here = np.flatnonzero(kept)
    one, other = corners[before[here]] - corners[here], corners[here + 1] - corners[here]
    lengths = np.hypot(*one.T) * np.hypot(*other.T)
    cosines = np.divide((one * other).sum(axis=1), lengths, out=np.ones(len(here)), where=lengths > 0)
    return np.degrees(np.arccos(np.clip(cosines, -1, 1))), ring[here]


def sharpest_angles(rings: Geometries) -> Floats:
    """(R,) degrees between the two edges of each ring's sharpest corner; 0 where a corner comes twice in a row."""
    angles, ring = corner_angles(rings)
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    sharpest: Floats = np.minimum.reduceat(angles, starts) if len(rings) else np.zeros(0)
    return sharpest


def are_slivers(rings: Geometries) -> Bool:
    """(R,) which rings, in pixels, have no area to speak of, or a spike."""
    found: Bool = (ring_areas(rings) < LEAST_AREA_PX) | (sharpest_angles(rings) < LEAST_ANGLE)
    return found


def are_distorted(rings: Geometries, exact: Geometries) -> Bool:
    """(R,) which rings are slivers or differ too much in area from the exact ones."""
    growth = ring_areas(rings) / ring_areas(exact)
    found: Bool = are_slivers(rings) | (growth > MOST_GROWTH) | (growth < 1 / MOST_GROWTH)
    return found
