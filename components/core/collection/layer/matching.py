"""Which footprints show the same building.

Two measures of how much two polygons share, both ratios of areas. Ratios of areas at one place are the same whatever
the scales of the axes, so that degrees serve as they are: over a building 100 m wide at 60° north the length of a
degree of longitude changes by 3 parts in 100 000. Footprints that only touch share no area, and never match.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Geometries

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

SAME = 0.5
"""The least measure of one building; with IoU, footprints that do not overlap their own kind then have one partner."""

CHUNK_PAIRS = 65_536


class Measure(StrEnum):
    """What the common area is divided by.

    IoU: the area that either covers. It compares whole shapes, for the same scene detected twice.

    OVERLAP: the smaller area (the overlap coefficient of Szymkiewicz and Simpson). It recognises a building of which
    one image shows only a part, or shows as one with its neighbour, and bears roofs that lean differently in two
    images: two images of a roof 10 m wide, 3 m apart, share 0.7 of it, but have an IoU of 0.54. Footprints of two
    sources are matched by it in Fan, Zipf, Fu, Neis, "Quality assessment for building footprints data on
    OpenStreetMap", International Journal of Geographical Information Science 28, 2014.
    """

    IOU = "iou"
    OVERLAP = "overlap"


class Matches(NamedTuple):
    """Pairs of polygons, in no particular order.

    Attributes:
        first: (M,) indices into the first polygons.
        second: (M,) indices into the second polygons.
        score: (M,) of the measure, from the threshold to 1.
    """

    first: Indices
    second: Indices
    score: Floats


def matches(first: Geometries, second: Geometries, measure: Measure, least: float = SAME) -> Matches:
    """Find the pairs that share enough of their area.

    Args:
        first: (N,) valid polygons.
        second: (N,) valid polygons in the same coordinates.
        measure: What the common area is divided by.
        least: The least share of a pair, above 0.

    Returns:
        All pairs from `least` on; a polygon may be in several.
    """
    one, other = _whose_boxes_meet(first, second)
    areas, other_areas = shapely.area(first), shapely.area(second)
    boxes, other_boxes = shapely.bounds(first), shapely.bounds(second)
    found = []
    for start in range(0, len(one), CHUNK_PAIRS):
        a, b = one[start : start + CHUNK_PAIRS], other[start : start + CHUNK_PAIRS]
        possible = may_match((boxes[a], areas[a]), (other_boxes[b], other_areas[b]), measure, least)
        a, b = a[possible], b[possible]
        score = shares(first[a], second[b], measure)
        good = score >= least
        found.append(Matches(a[good], b[good], score[good]))
    if not found:
        return Matches(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Matches(*(np.concatenate(column) for column in zip(*found, strict=True)))


def shares(first: Geometries, second: Geometries, measure: Measure) -> Floats:
    """How much polygons share, each of the first with the one at its place among the second; (N,) from 0 to 1."""
    common = shapely.area(shapely.intersection(first, second))
    return np.minimum(_score(common, shapely.area(first), shapely.area(second), measure), 1.0)


def _whose_boxes_meet(first: Geometries, second: Geometries) -> tuple[Indices, Indices]:
    if not len(first) or not len(second):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    one, other = shapely.STRtree(second).query(first)
    return one, other


def may_match(
    first: tuple[Floats, Floats], second: tuple[Floats, Floats], measure: Measure, least: float = SAME
) -> npt.NDArray[np.bool_]:
    """Whether polygons share enough of their area if they share all that their boxes do.

    Args:
        first: (M, 4) boxes and (M,) areas of polygons.
        second: Of the polygons at the same places.
        measure: What the common area is divided by.
        least: The least share.

    Returns:
        (M,) bool; all pairs that `matches` would give are among them.
    """
    (boxes, areas), (other_boxes, other_areas) = first, second
    most = np.minimum(_common_boxes(boxes, other_boxes), np.minimum(areas, other_areas))
    return _score(most, areas, other_areas, measure) >= least


def _common_boxes(one: Floats, other: Floats) -> Floats:
    """Areas that polygons' boxes share; the polygons share no more."""
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    areas: Floats = np.prod(np.maximum(sides, 0.0), axis=1)
    return areas


def _score(common: Floats, first: Floats, second: Floats, measure: Measure) -> Floats:
    whole = np.minimum(first, second) if measure is Measure.OVERLAP else first + second - common
    score = np.zeros(len(common))
    np.divide(common, whole, out=score, where=whole > 0)
    return score
