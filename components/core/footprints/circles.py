"""Round outlines, such as those of tanks and silos, as circles."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Geometries

Floats = npt.NDArray[np.float64]

LEAST_ROUNDNESS = 0.9
"""Intersection over union of an outline with the circle of its area: a square has 0.83, an octagon 0.96."""

LEAST_RADIUS_PX = 5.0
"""Smaller ones are as round as pixels make them, be they squares."""

LEAST_CORNERS = 16

MOST_SAGITTA_PX = 0.1
"""Between the circle and the edges of the polygon that stands for it."""


def circles(exact: Geometries) -> Geometries:
    """The circle that has an outline's middle and area, as a polygon of that area.

    Args:
        exact: (N,) of valid polygons in pixels, square on the ground.

    Returns:
        (N,) of polygons whose corners lie symmetrically; None for what is not round, is too small or has holes.
    """
    result = np.full(len(exact), None, dtype=object)
    areas = shapely.area(exact)
    radii = np.sqrt(areas / np.pi)
    tried = (shapely.get_type_id(exact) == shapely.GeometryType.POLYGON) & (radii >= LEAST_RADIUS_PX)
    tried[tried] = shapely.get_num_interior_rings(exact[tried]) == 0
    tried[tried] = _reach(exact[tried]) <= radii[tried] * (1 + 1 / LEAST_ROUNDNESS) / 2 + 1
    for index in np.flatnonzero(tried).tolist():
        centre = shapely.centroid(exact[index])
        circle = _circle(centre.x, centre.y, float(areas[index]))
        common = exact[index].intersection(circle).area
        if common >= LEAST_ROUNDNESS * (2 * areas[index] - common):
            result[index] = circle
    return result


def _reach(exact: Geometries) -> Floats:
    """(N,) how far the furthest corner is from the middle."""
    corners, owner = shapely.get_coordinates(exact, return_index=True)
    middles = shapely.get_coordinates(shapely.centroid(exact))
    reach = np.zeros(len(exact))
    np.maximum.at(reach, owner, np.hypot(*(corners - middles[owner]).T))
    return reach


def _circle(x: float, y: float, area: float) -> shapely.Polygon:
    radius = math.sqrt(area / math.pi)
    count = max(LEAST_CORNERS, math.ceil(math.pi / math.acos(1 - MOST_SAGITTA_PX / radius) / 4) * 4)
    angles = 2 * np.pi * np.arange(count) / count
    radius = math.sqrt(area / (count / 2 * math.sin(2 * math.pi / count)))
    return shapely.Polygon(np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1))
