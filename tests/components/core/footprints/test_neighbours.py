"""Outlines that touch: no gap and no overlap comes between them, whatever is done to them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from components.core.figures import Bitmap, InlineMask
from components.core.figures.run_lengths import joined
from components.core.footprints.generalize import Drawn, Generalization
from components.core.footprints.geography import Geometries
from components.core.footprints.polygonize import outlines
from components.core.footprints.regularize import MOST_AREA_ERROR
from components.core.footprints.slivers import corner_angles
from components.core.footprints.status import Status
from components.core.footprints.touching import touching_pairs

SQUARE = np.eye(2)
WAYS = [Generalization(tolerance, regularise) for tolerance in (1.0, 2.5) for regularise in (False, True)]


def labelled(shapes: list[shapely.Geometry], side: int = 160) -> np.ndarray:
    """(H, W) number of the first shape that holds each pixel's middle, from 1; 0 for none."""
    rows, columns = np.mgrid[:side, :side] + 0.5
    middles = shapely.points(columns.ravel(), rows.ravel())
    labels = np.zeros(side * side, np.int64)
    for number, shape in enumerate(shapes, 1):
        labels[shapely.intersects(shape, middles) & (labels == 0)] = number
    return labels.reshape(side, side)


def bitmaps_of(labels: np.ndarray) -> list[Bitmap]:
    found = [Bitmap.of_pixels(labels == number) for number in range(1, labels.max() + 1)]
    return [bitmap for bitmap in found if bitmap is not None]


def exact_of(bitmaps: list[Bitmap]) -> Geometries:
    shapes = outlines([bitmap.mask for bitmap in bitmaps])
    moved = [affinity.translate(shape, one.left, one.top) for shape, one in zip(shapes, bitmaps, strict=True)]
    return np.array(moved, dtype=object)


def groups_of(bitmaps: list[Bitmap]) -> list[list[int]]:
    pairs = touching_pairs(bitmaps)
    roots = joined(len(bitmaps), pairs[:, 0], pairs[:, 1])
    return [np.flatnonzero(roots == root).tolist() for root in np.unique(roots)]


def draw(labels: np.ndarray, way: Generalization) -> tuple[Geometries, Drawn]:
    bitmaps = bitmaps_of(labels)
    exact = exact_of(bitmaps)
    return exact, way.drawn(exact, SQUARE, groups_of(bitmaps))


def is_seamless(exact: Geometries, shapes: Geometries, groups: list[list[int]]) -> bool:
    """Whether outlines of each group meet edge to edge as before: nothing over another, no wall lost."""
    for group in groups:
        if not shapely.coverage_is_valid(shapes[group]):
            return False
        for one in group:
            for other in group:
                before = shapely.length(shapely.intersection(exact[one], exact[other]))
                after = shapely.length(shapely.intersection(shapes[one], shapes[other]))
                if one < other and before > 0 and not after > 0:
                    return False
    return True


def turned(shapes: list[shapely.Geometry], turn: float) -> list[shapely.Geometry]:
    whole = shapely.union_all(shapes).centroid
    return [affinity.translate(affinity.rotate(s, turn, origin=whole), 80 - whole.x, 80 - whole.y) for s in shapes]


TERRACE = [shapely.box(22 * k, 6 * (k % 2), 22 * k + 22, 44 + 5 * (k % 3)) for k in range(5)]
BLOCK = [shapely.box(20 * k, 25 * r, 20 * k + 20, 25 * r + 25) for k in range(4) for r in range(2)]
COURT = [shapely.box(0, 0, 90, 80) - shapely.box(25, 20, 65, 60), shapely.box(25, 20, 65, 60)]
ISLAND = [shapely.box(0, 0, 90, 80) - shapely.box(25, 20, 65, 60), shapely.box(25, 20, 45, 60)]
ANGLE = [shapely.box(0, 0, 80, 30) | shapely.box(0, 30, 30, 80), shapely.box(30, 30, 70, 65)]
FORK = [shapely.Polygon([(0, 0), (50, 0), (50, 40), (25, 65), (0, 40)]), shapely.box(50, 0, 95, 40)]
TOWNS = {"terrace": TERRACE, "block": BLOCK, "court": COURT, "island": ISLAND, "angle": ANGLE, "fork": FORK}


@pytest.mark.parametrize("turn", [0, 11, 30, 45, 68, 90])
@pytest.mark.parametrize("town", TOWNS)
def test_neighbours_get_right_angles_and_keep_their_walls(town: str, turn: int) -> None:
    truth = turned(TOWNS[town], turn)
    exact, found = draw(labelled(truth), Generalization(1.0, regularise=True))
    assert set(found.status) == {Status.REGULAR}
    assert is_seamless(exact, found.shapes, [list(range(len(exact)))])
    angles, _ = corner_angles(shapely.get_rings(found.shapes))
    assert np.abs((angles + 22.5) % 45 - 22.5).max() < 1e-4
    for shape, true in zip(found.shapes, truth, strict=True):
        assert shape.intersection(true).area / shape.union(true).area > 0.93
        assert shape.area == pytest.approx(true.area, rel=0.06)


@pytest.mark.parametrize("bend", [4, 9, 20])
def test_a_terrace_along_a_bend_stays_together(bend: int) -> None:
    houses, place, heading = [], np.array([20.0, 40.0]), -bend * 2
    for _ in range(5):
        along = np.array([np.cos(np.radians(heading)), np.sin(np.radians(heading))])
        across = np.array([-along[1], along[0]])
        corners = [place, place + 24 * along, place + 24 * along + 40 * across, place + 40 * across]
        houses.append(shapely.Polygon(corners))
        place, heading = place + 24 * along, heading + bend
    mask = labelled(houses)
    exact, found = draw(mask, Generalization(1.0, regularise=True))
    assert is_seamless(exact, found.shapes, groups_of(bitmaps_of(mask)))
    assert shapely.area(found.shapes) == pytest.approx(shapely.area(exact), rel=MOST_AREA_ERROR)


@pytest.mark.parametrize("way", WAYS)
def test_those_that_touch_by_a_corner_alone_do_so_after(way: Generalization) -> None:
    labels = np.zeros((80, 80), np.int64)
    labels[5:40, 5:40], labels[40:70, 40:75] = 1, 2
    exact, found = draw(labels, way)
    assert shapely.hausdorff_distance(found.shapes, exact).max() < 1e-9
    tilted = labelled([affinity.rotate(shapely.box(30, 30, 70, 70), 20), shapely.box(80, 60, 110, 100)], 120)
    exact, found = draw(tilted, way)
    assert found.shapes[0].intersection(found.shapes[1]).area == 0


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9), st.floats(0, 3), st.sampled_from(WAYS))
def test_any_objects_stay_apart_and_together(seed: int, count: int, blur: float, way: Generalization) -> None:
    """Cells about random places, with holes, islands, single pixels and contact by corners."""
    random = np.random.default_rng(seed)
    side = 40
    places = random.uniform(0, side, (count, 2))
    rows, columns = np.mgrid[:side, :side]
    away = [np.hypot(rows - y, columns - x) + random.normal(0, blur / 2, (side, side)) for y, x in places]
    noise = cv2.GaussianBlur(random.normal(size=(side, side)), (0, 0), 0.5 + blur)
    labels = np.where(noise > -0.5 * noise.std(), 1 + np.argmin(away, axis=0), 0)
    bitmaps = bitmaps_of(labels)
    if not bitmaps:
        return
    exact, groups = exact_of(bitmaps), groups_of(bitmaps)
    found = way.drawn(exact, SQUARE, groups)
    assert shapely.is_valid(found.shapes).all()
    for group in groups:
        assert len(group) == 1 or shapely.coverage_is_valid(found.shapes[group])
    if way.regularise:
        for shape, outline, status in zip(found.shapes, exact, found.status, strict=True):
            if not status.startswith("kept"):
                assert abs(shape.area - outline.area) <= MOST_AREA_ERROR * outline.area + 1e-9


def test_objects_that_lie_over_each_other_are_drawn_alone() -> None:
    one, other = np.zeros((40, 40), np.bool_), np.zeros((40, 40), np.bool_)
    one[5:25, 5:25] = other[15:35, 15:35] = True
    bitmaps = [Bitmap.of_pixels(one), Bitmap.of_pixels(other)]
    assert not len(touching_pairs(bitmaps))


def test_an_intricate_neighbour_keeps_its_pixels_and_the_common_wall() -> None:
    labels = np.zeros((80, 160), np.int64)
    labels[1:68, 1:101] = 1
    labels[2:67:2, 2:100:2] = 0
    labels[20:50, 101:140] = 2
    exact, found = draw(labels, Generalization(1.0, regularise=True))
    assert found.status == [Status.INTRICATE, Status.REGULAR]
    assert found.shapes[0].equals(exact[0])
    assert found.shapes[0].intersection(found.shapes[1]).area == 0
    assert shapely.length(shapely.intersection(*found.shapes)) == 30


def test_masks_touch_side_by_side_and_corner_to_corner() -> None:
    square = np.ones((3, 3), np.bool_)
    places = {(0, 3): True, (3, 3): True, (2, 3): True, (0, 4): False, (3, 0): True, (1, 1): False, (4, 4): False}
    for (top, left), expected in places.items():
        pair = [Bitmap(5, 5, InlineMask(square.copy())), Bitmap(5 + top, 5 + left, InlineMask(square.copy()))]
        assert touching_pairs(pair).tolist() == ([[0, 1]] if expected else [])
