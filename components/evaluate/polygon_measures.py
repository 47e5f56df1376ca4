"""How well the polygons of matched buildings agree: their vertices, their number, and the directions of their walls.

Compared are the outlines of both objects of each matched pair, simplified as published footprints are by default. All
measures are means over pairs but the ratio of vertices, which is of sums.

- PoLiS: half the mean distance of the predicted vertices from the true outline, and half the other way round. Source:
  Avbelj, Müller, Bamler, "A Metric for Polygon Comparison and Building Extraction Evaluation", IEEE Geoscience and
  Remote Sensing Letters 12, 2015.
- Complexity-aware IoU: IoU · (1 − |P − T| / (P + T)), with P and T the numbers of vertices; and the N ratio, P / T.
  Source: Zorzi, Bazrafkan, Habenschuss, Fraundorfer, "PolyWorld: Polygonal Building Extraction with Graph Neural
  Networks in Satellite Images", CVPR 2022.
- Max tangent angle: the predicted shell is walked in steps of a pixel, each step's ends are projected onto the
  true outline, and the greatest angle between a step and its projection counts; steps that the projection makes more
  than twice as long or short go round a corner and do not. Source: Girard, Smirnov, Solomon, Tarabalka, "Polygonal
  Building Extraction by Frame Field Learning", CVPR 2021.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from components.core.figures import Bitmap
from components.core.footprints.geography import Geometries
from components.core.footprints.polygonize import outlines
from components.core.footprints.simplify import simplified
from components.core.footprints.tolerance import DEFAULT_PX
from components.evaluate.counts import PolygonCounts
from components.evaluate.matching import Match

STEP_PX = 1.0
MOST_STRETCH = 2.0

MOST_SEARCHED = 500
"""Vertices of an outline that is searched segment by segment; there is an index of longer ones."""

Floats = npt.NDArray[np.float64]


def polygon_counts(
    truth: Sequence[Bitmap], predicted: Sequence[Bitmap], matches: Sequence[Match], pixel_m: float | None = None
) -> PolygonCounts:
    """Compare the outlines of matched objects.

    Args:
        truth: True objects of one image.
        predicted: Predicted objects, on the same pixel grid.
        matches: Which of them belong together.
        pixel_m: Side of a pixel on the ground, in metres; None where that is not known.
    """
    if not matches:
        return PolygonCounts()
    first = _polygons([truth[match.truth] for match in matches])
    second = _polygons([predicted[match.predicted] for match in matches])
    polis = polis_distances(first, second)
    of_truth, of_predicted = vertex_counts(first), vertex_counts(second)
    ious = np.array([match.iou for match in matches])
    complexity = 1 - abs(of_predicted - of_truth) / (of_predicted + of_truth)
    angles = tangent_angles(first, second)
    angles = angles[~np.isnan(angles)]
    return PolygonCounts(
        pairs=len(matches),
        polis_px=float(polis.sum()),
        pairs_on_ground=0 if pixel_m is None else len(matches),
        polis_m=0.0 if pixel_m is None else float(polis.sum() * pixel_m),
        complexity_iou=float((ious * complexity).sum()),
        truth_vertices=int(of_truth.sum()),
        predicted_vertices=int(of_predicted.sum()),
        pairs_with_angle=len(angles),
        max_tangent_angle_deg=float(angles.sum()),
    )


def _polygons(objects: Sequence[Bitmap]) -> Geometries:
    """Outlines in pixels of the image."""
    drawn = simplified(outlines([entry.mask for entry in objects]), DEFAULT_PX)
    origins = np.array([(entry.left, entry.top) for entry in objects], np.float64)
    counts = shapely.get_num_coordinates(drawn)
    return shapely.set_coordinates(drawn, shapely.get_coordinates(drawn) + np.repeat(origins, counts, axis=0))


def vertex_counts(polygons: Geometries) -> npt.NDArray[np.int64]:
    """(N,) numbers of vertices of polygons, holes included; the point that closes a ring is none."""
    owners = shapely.get_parts(polygons, return_index=True)
    rings = shapely.get_num_interior_rings(owners[0]) + 1
    closing = np.bincount(owners[1], weights=rings, minlength=len(polygons)).astype(np.int64)
    counts: npt.NDArray[np.int64] = shapely.get_num_coordinates(polygons) - closing
    return counts


def polis_distances(first: Geometries, second: Geometries) -> Floats:
    """(N,) PoLiS distances of pairs of polygons, in their units; the same in both directions."""
    return (_mean_distances(first, second) + _mean_distances(second, first)) / 2


def _mean_distances(points_of: Geometries, to: Geometries) -> Floats:
    """(N,) mean distance of the vertices of each polygon from the outline of its partner."""
    parts, owners = shapely.get_parts(points_of, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    coordinates, of_ring = shapely.get_coordinates(rings, return_index=True)
    is_first = np.diff(of_ring, prepend=-1) != 0  # a ring's last point is its first
    coordinates, owner = coordinates[~is_first], owners[of_part[of_ring[~is_first]]]
    distances = np.hypot(*(nearest_points(coordinates, to, owner) - coordinates).T)
    count = len(points_of)
    sums = np.bincount(owner, weights=distances, minlength=count)
    means: Floats = sums / np.bincount(owner, minlength=count)
    return means


def tangent_angles(truth: Geometries, predicted: Geometries) -> Floats:
    """(N,) max tangent angles of pairs, 0–180 degrees; NaN where no step of a pair counts."""
    shells, owner = _shells(predicted)
    steps = np.maximum(np.ceil(shapely.length(shells) / STEP_PX).astype(np.int64), 3)
    index = np.repeat(np.arange(len(shells)), steps)
    number = np.arange(len(index)) - np.repeat(np.cumsum(steps) - steps, steps)
    share = number / steps[index]
    here = shapely.get_coordinates(shapely.line_interpolate_point(shells[index], share, normalized=True))
    projected = nearest_points(here, truth, owner[index])
    following = np.where(number + 1 < steps[index], np.arange(len(index)) + 1, np.arange(len(index)) - number)
    step, other = here[following] - here, projected[following] - projected
    lengths, others = np.hypot(*step.T), np.hypot(*other.T)
    counts = (lengths > 0) & (others * MOST_STRETCH > lengths) & (others < lengths * MOST_STRETCH)
    cosines = np.einsum("ij,ij->i", step[counts], other[counts]) / (lengths[counts] * others[counts])
    found = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    greatest = np.full(len(predicted), -1.0)
    np.maximum.at(greatest, owner[index[counts]], found)
    return np.where(greatest < 0, np.nan, greatest)


def _shells(polygons: Geometries) -> tuple[Geometries, npt.NDArray[np.int64]]:
    """Shells of polygons and multipolygons, and whose each is."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    return shapely.get_exterior_ring(parts), owner


def nearest_points(points: Floats, polygons: Geometries, owner: npt.NDArray[np.int64]) -> Floats:
    """The points of outlines that are nearest to given ones.

    Args:
        points: (N, 2) of x and y.
        polygons: (M,) of polygons and multipolygons.
        owner: (N,) index of the polygon whose outline is meant, in rising order.

    Returns:
        (N, 2) of x and y.
    """
    found = np.empty_like(points)
    lines = shapely.boundary(polygons)
    geometries = shapely.points(points)
    is_large = (shapely.get_num_coordinates(polygons) > MOST_SEARCHED)[owner]
    found[~is_large] = _starts(lines[owner[~is_large]], geometries[~is_large])
    for large in np.unique(owner[is_large]):
        mine = slice(*np.searchsorted(owner, (large, large + 1)))
        found[mine] = _nearest_on(lines[large], geometries[mine])
    return found


def _nearest_on(line: BaseGeometry, points: Geometries) -> Floats:
    """(N, 2) the points of one long outline that are nearest, by an index over its segments."""
    coordinates, part = shapely.get_coordinates(shapely.get_parts(line), return_index=True)
    joined = part[1:] == part[:-1]
    segments = shapely.linestrings(np.stack([coordinates[:-1], coordinates[1:]], axis=1)[joined])
    nearest = shapely.STRtree(segments).query_nearest(points, all_matches=False)[1]
    return _starts(segments[nearest], points)


def _starts(lines: Geometries, points: Geometries) -> Floats:
    """(N, 2) the point of each line that is nearest to its partner."""
    return np.asarray(shapely.get_coordinates(shapely.shortest_line(lines, points))[::2])
