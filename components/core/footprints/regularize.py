"""Right angles for outlines of buildings that are nearly rectangular; others stay as they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Geometries
from components.core.footprints.orthogonalize import squared
from components.core.footprints.rings import Integers
from components.core.footprints.shapes import ShapeRings
from components.core.footprints.slivers import are_slivers

LEAST_EDGE = 3.0
"""Length of the shortest edge in units of the tolerance of simplification: what is shorter is the pixels' noise."""

LEAST_AGREEMENT = 0.5
"""Of the edges' directions, 0 (a circle) to 1 (right angles): with less an outline is not squared."""

LEAST_OVERLAP = 0.7
"""Intersection over union of the squared with the exact outline: with less the outline is kept."""

Floats = npt.NDArray[np.float64]


def regularised(exact: Geometries, outlines: Geometries, tolerance: float, ground: Floats) -> Geometries:
    """Give simplified outlines right angles, each on its own.

    An outline keeps its parts and holes, so that objects that hang together stay together. It is kept as it is where
    its edges have no common direction, or where the squared one is invalid or differs too much from the exact one.

    Args:
        exact: (N,) of exact outlines in pixels.
        outlines: (N,) of the same, simplified by at least a pixel.
        tolerance: Of the simplification, in the unit of `ground`; edges below `LEAST_EDGE` times it are taken out.
        ground: (2, 2) from (column, row) to coordinates that keep angles, such as metres on the ground.

    Returns:
        (N,) of valid polygons in pixels.
    """
    result = outlines.copy()
    if not len(outlines):
        return result
    taken = ShapeRings.of(outlines)
    owners = taken.owners[taken.parts]
    corners, ring = shapely.get_coordinates(taken.rings, return_index=True)
    corners = corners @ ground.T
    directions, agreement = _directions(corners, ring, owners[ring], len(outlines))
    turned = _turned(corners, -directions[owners[ring]])
    squares, sizes = _squared_rings(turned, ring, LEAST_EDGE * tolerance)
    fitting = (agreement >= LEAST_AGREEMENT) & (np.bincount(owners, sizes == 0, len(outlines)) == 0)
    back = _turned(squares, np.repeat(directions[owners], sizes)) @ np.linalg.inv(ground).T
    rings = taken.rings.copy()
    rings[sizes > 0] = shapely.linearrings(back, indices=np.repeat(np.cumsum(sizes > 0) - 1, sizes))
    tried = taken._replace(rings=rings).geometries()
    fitting &= shapely.is_valid(tried)
    fitting[owners[are_slivers(rings)]] = False
    fitting[fitting] = _overlap(tried[fitting], exact[fitting]) >= LEAST_OVERLAP
    result[fitting] = tried[fitting]
    return result


def _directions(corners: Floats, ring: Integers, owners: Integers, count: int) -> tuple[Floats, Floats]:
    """Each outline's main direction and how far its edges agree on it.

    The mean of the edges' angles, of which four lie at right angles, weighted by squared length.

    Source: Mardia, Jupp, "Directional Statistics", 2000, on the mean of axial data.

    Returns:
        (N,) angles in radians, and (N,) lengths of the mean vectors, 0 to 1.
    """
    edges = np.diff(corners, axis=0)
    edges[ring[1:] != ring[:-1]] = 0  # from one ring to the next
    weights = (edges**2).sum(axis=1)
    angles = 4 * np.arctan2(edges[:, 1], edges[:, 0])
    across, along = (np.bincount(owners[1:], weights * part, count) for part in (np.sin(angles), np.cos(angles)))
    total = np.bincount(owners[1:], weights, count)
    return np.arctan2(across, along) / 4, np.hypot(across, along) / total


def _turned(corners: Floats, angles: Floats) -> Floats:
    """(N, 2) turned by (N,) radians about the origin."""
    cosines, sines = np.cos(angles), np.sin(angles)
    x, y = corners.T
    return np.stack([cosines * x - sines * y, sines * x + cosines * y], axis=1)


def _squared_rings(corners: Floats, ring: Integers, least_edge: float) -> tuple[Floats, Integers]:
    """Corners of all squared rings in turn, and how many each has; none where it could not be squared."""
    points = [tuple(corner) for corner in corners.tolist()]
    ends = np.flatnonzero(np.diff(ring, append=-1)).tolist()  # of each ring the corner that repeats the first
    found = []
    start = 0
    for end in ends:
        found.append(squared(points[start:end], least_edge) or [])
        start = end + 1
    flat = [corner for square in found for corner in square]
    return np.array(flat, np.float64).reshape(-1, 2), np.array([len(square) for square in found], np.int64)


def _overlap(some: Geometries, others: Geometries) -> Floats:
    """Intersection over union."""
    common = shapely.area(shapely.intersection(some, others))
    overlap: Floats = common / (shapely.area(some) + shapely.area(others) - common)
    return overlap
