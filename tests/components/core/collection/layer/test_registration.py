from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.collection.layer.registration import DEGREE_M, NO_SHIFT, common_shift
from components.core.footprints.geography import Geometries

LATITUDE = 60.0
SCALE = np.array([DEGREE_M * np.cos(np.radians(LATITUDE)), DEGREE_M])


def _houses(seed: int, count: int = 60) -> np.ndarray:
    """(N, 4) boxes in metres, a street of terraces and others at random."""
    draw = np.random.default_rng(seed)
    corners = draw.uniform(0, 200, (count, 2))
    sizes = draw.uniform(4, 14, (count, 2))
    terrace = [[6.0 * number, 300, 6.0 * number + 6, 309] for number in range(12)]
    return np.concatenate([np.concatenate([corners, corners + sizes], 1), terrace])


def _on_map(boxes: np.ndarray) -> Geometries:
    placed = boxes / np.tile(SCALE, 2) + np.tile([10.0, LATITUDE], 2)
    return shapely.box(*placed.T)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.floats(-3.5, 3.5), st.floats(-3.5, 3.5), st.floats(0, 0.4))
def test_a_common_shift_is_found_among_what_is_new_and_gone(seed: int, east: float, north: float, lost: float) -> None:
    houses = _houses(seed)
    draw = np.random.default_rng(seed + 1)
    now = houses[draw.random(len(houses)) >= lost] + np.tile([east, north], 2)
    before = houses[draw.random(len(houses)) >= lost]

    shift = common_shift(_on_map(now), _on_map(before))

    found = np.array(shift) * SCALE
    assert np.hypot(*(found - (east, north))) < 0.35, "what is below the least shift is none"
    moved = shapely.bounds(shift.back(_on_map(now)))
    assert moved == pytest.approx(shapely.bounds(_on_map(now)) - np.tile(shift, 2))


def test_the_same_place_is_no_shift_at_all() -> None:
    shapes = _on_map(_houses(3))
    assert common_shift(shapes, shapes) is NO_SHIFT
    assert NO_SHIFT.back(shapes) is shapes


def test_too_few_do_not_agree() -> None:
    boxes = _houses(4)
    assert common_shift(_on_map(boxes[:4] + 2), _on_map(boxes[:4])) == NO_SHIFT
    others = np.random.default_rng(5).uniform(0, 2000, (40, 2))
    apart = np.concatenate([others, others + 8], 1)
    assert common_shift(_on_map(apart), _on_map(_houses(6))) == NO_SHIFT
    assert common_shift(_on_map(boxes[:0]), _on_map(boxes)) == NO_SHIFT
