from __future__ import annotations

import geopandas
import numpy as np
import pytest
import shapely

from components.core.footprints.hilbert import WORLD, hilbert_order, hilbert_places, middles


@pytest.mark.parametrize("levels", range(1, 6))
def test_the_curve_goes_to_neighbours_alone(levels: int) -> None:
    side = 2**levels
    cells = np.array([(x, y) for x in range(side) for y in range(side)], np.float64) + 0.5

    curve = cells[hilbert_order(cells, (0, 0, side, side))]

    assert (np.abs(np.diff(curve, axis=0)).sum(axis=1) == 1).all()
    assert curve[0].tolist() == [0.5, 0.5]


def test_it_is_the_curve_that_others_draw() -> None:
    """GeoPandas quarters its ground 16 times: it knows the first half of each place."""
    last = 2**16 - 1
    points = np.random.default_rng(0).integers(0, last, (5000, 2), endpoint=True).astype(np.float64)
    ground = (0, 0, last, last)

    theirs = geopandas.GeoSeries(shapely.points(points)).hilbert_distance(total_bounds=ground, level=16).to_numpy()

    assert (hilbert_places(points, ground) >> np.uint64(32) == theirs).all()


def test_what_lies_beyond_the_ground_lies_on_its_border() -> None:
    points = np.array([(-9, 0.5), (0, 0.5), (0.5, 7), (0.5, 1), (np.nextafter(1, 2), 1), (1, 1)])

    places = hilbert_places(points, (0, 0, 1, 1))

    assert (places[0::2] == places[1::2]).all()


@pytest.mark.parametrize("ground", [(3.0, 4.0, 3.0, 4.0), (3.0, 0.0, 3.0, 9.0)])
def test_a_ground_without_area_has_an_order(ground: tuple[float, ...]) -> None:
    points = np.array([(3.0, 8.0), (3.0, 4.0), (3.0, 4.0)])

    assert sorted(hilbert_order(points, ground)) == [0, 1, 2]
    assert hilbert_order(points[1:], ground).tolist() == [0, 1]


def test_no_point_is_in_order() -> None:
    nothing = np.zeros((0, 4))
    assert hilbert_order(middles(nothing), WORLD).tolist() == []
