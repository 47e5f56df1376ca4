from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from components.core.collection.layer.matching import SAME, Measure, matches, shares
from components.core.footprints.geography import Geometries

coordinate = st.integers(0, 12).map(lambda value: value / 4)


@st.composite
def polygons(draw: st.DrawFn) -> Geometries:
    found = []
    for _ in range(draw(st.integers(0, 6))):
        x, y = draw(coordinate), draw(coordinate)
        width, height = draw(st.integers(1, 8)) / 4, draw(st.integers(1, 8)) / 4
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        found.append(shapely.Polygon(corners[: draw(st.sampled_from((3, 4)))]))
    shapes = np.empty(len(found), dtype=object)
    shapes[:] = found
    return shapes


@given(polygons(), polygons(), st.sampled_from(Measure), st.sampled_from((0.25, SAME, 0.9)))
def test_every_pair_that_shares_enough_is_found_once(
    first: Geometries, second: Geometries, measure: Measure, least: float
) -> None:
    found = matches(first, second, measure, least)

    expected = {}
    for a, one in enumerate(first):
        for b, other in enumerate(second):
            common = one.intersection(other).area
            whole = min(one.area, other.area) if measure is Measure.OVERLAP else one.union(other).area
            if common / whole >= least:
                expected[a, b] = common / whole
    pairs = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert sorted(pairs) == sorted(expected)
    assert found.score.tolist() == pytest.approx([expected[pair] for pair in pairs])


def test_a_part_of_a_building_matches_the_whole_by_overlap_alone() -> None:
    whole, part = np.array([shapely.box(0, 0, 10, 10)]), np.array([shapely.box(0, 0, 2, 10)])

    assert matches(whole, part, Measure.OVERLAP).score.tolist() == [1.0]
    assert not len(matches(whole, part, Measure.IOU).first)


def test_buildings_that_touch_are_two() -> None:
    row = shapely.box(np.arange(5.0), 0.0, np.arange(5.0) + 1, 1.0)

    found = matches(row, row, Measure.OVERLAP)
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(i, i) for i in range(5)]


@pytest.mark.parametrize("latitude", [0.0, 48.2, 69.6])
def test_degrees_measure_as_metres_do(latitude: float) -> None:
    """A roof 100 m wide and what another image shows of it, 30 m apart, in degrees of different lengths."""
    metre = np.array([1 / (111_320 * np.cos(np.radians(latitude))), 1 / 110_574])
    here = np.array([16.37, latitude])

    def placed(x: float) -> Geometries:
        corners = np.array([(x, 0), (x + 100, 0), (x + 100, 60), (x, 60)], np.float64)
        return np.array([shapely.Polygon(here + corners * metre)])

    assert shares(placed(0), placed(30), Measure.OVERLAP)[0] == pytest.approx(0.7, abs=1e-6)
    assert shares(placed(0), placed(30), Measure.IOU)[0] == pytest.approx(0.7 / 1.3, abs=1e-6)
