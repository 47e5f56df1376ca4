"""How far the buildings of two captures lie apart as a whole: images are never at quite the same place.

Every pair of near buildings votes for the way from one to the other. Those of the same building agree; all others are
spread. So the shift is found though most pairs are of different buildings, some are new and some are gone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Geometries

REACH_M = 6.0
"""Buildings that lie further apart are not the same; images that do are another problem."""

CELL_M = 0.5
NEAR_M = 1.0
LEAST_M = 0.3
"""A shift that is smaller is none."""

LEAST_VOTES = 5
LEAST_SHARE = 0.3
"""So many of the fewer buildings have to agree."""

DEGREE_M = 111_195.0
"""Length of a degree of latitude on a sphere, which is near enough for votes."""


class Shift(NamedTuple):
    """From where something was to where it is, in degrees."""

    east: float
    north: float

    def back(self, shapes: Geometries) -> Geometries:
        """Polygons as they were before."""
        if self == NO_SHIFT:
            return shapes
        moved: Geometries = shapely.transform(shapes, lambda points: points - np.array(self))
        return moved


NO_SHIFT = Shift(0.0, 0.0)


def common_shift(now: Geometries, before: Geometries) -> Shift:
    """The shift that most of two sets of polygons in WGS 84 agree on; none where too few do."""
    if min(len(now), len(before)) < LEAST_VOTES:
        return NO_SHIFT
    here, there = (shapely.get_coordinates(shapely.centroid(shapes)) for shapes in (now, before))
    scale = DEGREE_M * np.array([np.cos(np.radians(here[:, 1].mean())), 1.0])
    points = shapely.points(there * scale)
    one, other = shapely.STRtree(points).query(shapely.points(here * scale), predicate="dwithin", distance=REACH_M)
    votes = here[one] * scale - there[other] * scale
    if not len(votes):
        return NO_SHIFT
    agreeing = votes[np.hypot(*(votes - _mode(votes)).T) < NEAR_M]
    shift = agreeing.mean(axis=0)
    is_sure = len(agreeing) >= max(LEAST_VOTES, LEAST_SHARE * min(len(now), len(before)))
    return Shift(*(shift / scale).tolist()) if is_sure and np.hypot(*shift) >= LEAST_M else NO_SHIFT


def _mode(votes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The cell with most votes in it and the 8 around it; of several that with most in itself, then the nearest."""
    half = int(np.ceil(REACH_M / CELL_M)) + 1
    counts = np.zeros((2 * half + 3, 2 * half + 3), np.int64)
    cells = np.rint(votes / CELL_M).astype(np.int64) + half + 1
    np.add.at(counts, tuple(cells.T), 1)
    around = sum(np.roll(np.roll(counts, row, 0), column, 1) for row in (-1, 0, 1) for column in (-1, 0, 1))
    places = np.argwhere(counts) - half - 1
    own = tuple((places + half + 1).T)
    best: npt.NDArray[np.float64] = (
        CELL_M * places[np.lexsort((np.hypot(*places.T), -counts[own], -np.asarray(around)[own]))[0]]
    )
    return best
