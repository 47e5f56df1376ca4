"""Measures of polygons, on shapes whose measures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import Bitmap
from components.evaluate import polygon_measures
from components.evaluate.counts import PolygonCounts
from components.evaluate.matching import Match
from components.evaluate.polygon_measures import (
    nearest_points,
    polis_distances,
    polygon_counts,
    tangent_angles,
    vertex_counts,
)

SQUARE = shapely.box(0, 0, 10, 10)
RING = shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))
TWO = shapely.MultiPolygon([shapely.box(0, 0, 4, 4), shapely.box(4, 4, 8, 8)])


def many(*polygons: shapely.Geometry) -> np.ndarray:
    return np.array(polygons, dtype=object)


def rectangle(top: int, left: int, height: int, width: int) -> Bitmap:
    return Bitmap(top, left, Bitmap.of_pixels(np.ones((height, width), bool)).mask)


def turned(degrees: float) -> shapely.Polygon:
    return shapely.affinity.rotate(SQUARE, degrees)


def test_a_closing_point_is_no_vertex() -> None:
    assert vertex_counts(many(SQUARE, RING, TWO)).tolist() == [4, 8, 8]


def test_polis_of_a_square_that_was_moved_is_half_the_way_at_each_vertex() -> None:
    """Moved by 1 along x: both left vertices of the moved one lie on walls of the other, both right ones 1 off."""
    moved = shapely.affinity.translate(SQUARE, 1)
    assert polis_distances(many(SQUARE), many(moved)).tolist() == [0.5]
    assert polis_distances(many(SQUARE, TWO), many(SQUARE, TWO)).tolist() == [0.0, 0.0]


def test_polis_of_a_square_in_a_square_is_from_both_sides() -> None:
    inner, outer = shapely.box(1, 1, 9, 9), SQUARE
    expected = (1 + math.sqrt(2)) / 2  # an inner corner is 1 from a wall, an outer one √2 from a corner
    assert polis_distances(many(inner), many(outer)) == pytest.approx([expected])
    assert polis_distances(many(outer), many(inner)) == pytest.approx([expected])


@pytest.mark.parametrize("degrees", [0, 3, 10])
def test_the_tangent_angle_of_a_turned_square_is_the_turn(degrees: float) -> None:
    big = shapely.affinity.scale(SQUARE, 10, 10)
    (found,) = tangent_angles(many(big), many(shapely.affinity.rotate(big, degrees)))
    assert found == pytest.approx(degrees, abs=1e-6)


def test_a_pair_without_a_step_that_counts_has_no_angle() -> None:
    far = shapely.affinity.translate(shapely.box(0, 0, 1, 1), 100, 100)
    found = tangent_angles(many(SQUARE, SQUARE), many(far, SQUARE))
    assert math.isnan(found[0])
    assert found[1] == pytest.approx(0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_an_index_finds_what_a_search_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    polygons = many(TWO, RING, SQUARE)
    points = random.uniform(-5, 15, (30, 2))
    owner = np.sort(random.integers(0, 3, 30))
    searched = nearest_points(points, polygons, owner)
    before = polygon_measures.MOST_SEARCHED
    polygon_measures.MOST_SEARCHED = 5
    try:
        indexed = nearest_points(points, polygons, owner)
    finally:
        polygon_measures.MOST_SEARCHED = before
    assert np.hypot(*(indexed - points).T) == pytest.approx(np.hypot(*(searched - points).T))
    lines = shapely.boundary(polygons)[owner]
    assert shapely.distance(shapely.points(searched), lines) == pytest.approx(np.zeros(30), abs=1e-9)
    assert np.hypot(*(searched - points).T) == pytest.approx(shapely.distance(shapely.points(points), lines))


def test_matched_objects_are_compared_where_they_lie() -> None:
    truth = [rectangle(0, 0, 5, 5), rectangle(20, 20, 20, 20)]
    predicted = [rectangle(20, 21, 20, 20), rectangle(90, 90, 3, 3)]
    counts = polygon_counts(truth, predicted, [Match(1, 0, 19 / 21)], pixel_m=0.5)
    assert counts == PolygonCounts(1, 0.5, 1, 0.25, 19 / 21, 4, 4, 1, pytest.approx(0, abs=1e-6))
    assert counts.measures() == {
        "polis_px": 0.5,
        "polis_m": 0.25,
        "complexity_iou": 19 / 21,
        "n_ratio": 1.0,
        "max_tangent_angle_deg": pytest.approx(0, abs=1e-6),
    }


def test_more_vertices_than_the_truth_has_cost_complexity() -> None:
    mask = np.ones((20, 20), bool)
    mask[:6, :6] = False  # an L has 6 corners
    shape = Bitmap.of_pixels(mask)
    assert shape is not None
    counts = polygon_counts([rectangle(0, 0, 20, 20)], [shape], [Match(0, 0, 0.91)])
    assert (counts.truth_vertices, counts.predicted_vertices) == (4, 6)
    assert counts.measures()["complexity_iou"] == pytest.approx(0.91 * (1 - 2 / 10))
    assert counts.measures()["polis_m"] is None


def test_nothing_matched_measures_nothing() -> None:
    assert set(PolygonCounts().measures().values()) == {None}
    assert polygon_counts([], [], []) == PolygonCounts()


def test_sums_of_images_add_up() -> None:
    one = polygon_counts([rectangle(0, 0, 9, 9)], [rectangle(0, 1, 9, 9)], [Match(0, 0, 0.8)], 1.0)
    both = one + PolygonCounts() + one
    assert both.pairs == 2
    assert both.measures() == pytest.approx(one.measures())
