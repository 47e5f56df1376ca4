from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.core.collection.layer.index import Bounds
from components.core.collection.layer.scenes import LayerScene, Overlaps, within
from components.core.collection.ledger import Mark

side = st.integers(0, 10).map(float)


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    """Any order of west and east: a scene may cross the 180th meridian."""
    south = draw(side)
    return draw(side), south, draw(side), south + draw(st.integers(1, 5))


def _overlaps(found: list[Bounds]) -> Overlaps:
    return Overlaps({f"s{n}": LayerScene(Mark(f"s{n}", "aa", "bb"), each, "") for n, each in enumerate(found)})


def _share(one: Bounds, other: Bounds) -> bool:
    (west, south, east, north), (west_2, south_2, east_2, north_2) = (
        (-180.0, each[1], 180.0, each[3]) if each[0] > each[2] else each for each in (one, other)
    )
    return west < east_2 and west_2 < east and south < north_2 and south_2 < north


@given(st.lists(bounds(), max_size=8))
def test_neighbours_are_the_scenes_that_share_ground(found: list[Bounds]) -> None:
    overlaps = _overlaps(found)

    for number, own in enumerate(found):
        expected = {f"s{other}" for other in range(len(found)) if other != number and _share(own, found[other])}
        assert set(overlaps.neighbours(f"s{number}")) == expected


def test_scenes_that_touch_share_nothing() -> None:
    overlaps = _overlaps([(0.0, 0.0, 1.0, 1.0), (1.0, 0.0, 2.0, 1.0), (0.9, 0.5, 1.1, 0.6)])

    assert overlaps.neighbours("s0") == ["s2"]
    assert overlaps.order == {"s0": 0, "s2": 1, "s1": 2}


def test_a_scene_across_the_180th_meridian_meets_both_sides() -> None:
    overlaps = _overlaps([(179.5, 0.0, -179.5, 1.0), (-179.8, 0.0, -179.0, 1.0), (179.0, 0.0, 179.8, 1.0)])

    assert set(overlaps.neighbours("s0")) == {"s1", "s2"}
    assert overlaps.neighbours("s1") == ["s0"]


def test_boxes_are_within_if_they_meet_one_of_the_areas() -> None:
    boxes = np.array([(0, 0, 1, 1), (4, 4, 5, 5), (8, 8, 9, 9)], np.float64)

    found = within(boxes, [(0.5, 0.5, 2.0, 2.0), (5.0, 0.0, 6.0, 4.0)])

    assert found.tolist() == [True, True, False]
