"""Right angles where there should be some; nothing lost, nothing invalid."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from components.core.figures import InlineMask
from components.core.footprints.generalize import Drawn, Generalization
from components.core.footprints.geography import PixelGrid
from components.core.footprints.polygonize import outlines
from components.core.footprints.regularize import LEAST_OVERLAP, MOST_AREA_ERROR
from components.core.footprints.simplify import simplified
from components.core.footprints.status import Status
from components.core.geometry import Size
from tests.builders import TRANSFORM
from tests.strategies import masks, sizes

SQUARE = np.eye(2)
L_SHAPE = shapely.Polygon([(0, 0), (60, 0), (60, 25), (30, 25), (30, 50), (0, 50)])


def drawn(shape: shapely.Geometry, side: int = 120) -> np.ndarray:
    """The pixels of a polygon about the middle of a square mask, by supersampling."""
    fine = np.zeros((side * 8, side * 8), np.uint8)
    placed = affinity.translate(shape, side / 2 - shape.centroid.x, side / 2 - shape.centroid.y)
    rings = [np.rint(np.array(ring.coords) * 8).astype(np.int32) for ring in (placed.exterior, *placed.interiors)]
    cv2.fillPoly(fine, rings, 1)
    return cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA) > 0


def drawing(mask: np.ndarray, ground: np.ndarray = SQUARE, tolerance: float = 1.0) -> Drawn:
    return Generalization(tolerance, regularise=True).drawn(outlines([InlineMask(mask)]), ground)


def regular(mask: np.ndarray, ground: np.ndarray = SQUARE, tolerance: float = 1.0) -> shapely.Geometry:
    return drawing(mask, ground, tolerance).shapes[0]


def angles(shape: shapely.Polygon) -> np.ndarray:
    """Degrees between consecutive edges."""
    edges = np.diff(np.array(shape.exterior.coords), axis=0)
    headings = np.degrees(np.arctan2(edges[:, 1], edges[:, 0]))
    return np.abs((headings - np.roll(headings, 1) + 180) % 360 - 180)


@pytest.mark.parametrize("turn", [0, 10, 23, 45, 71, 90])
def test_a_turned_building_gets_its_corners_back(turn: int) -> None:
    true = affinity.rotate(L_SHAPE, turn)
    mask = drawn(true)
    found = regular(mask)
    assert shapely.get_num_coordinates(found) == 7
    assert np.allclose(angles(found), 90)
    true = affinity.translate(true, 60 - true.centroid.x, 60 - true.centroid.y)
    assert found.intersection(true).area / found.union(true).area > 0.93


def test_angles_are_right_on_the_ground_where_pixels_are_not_square() -> None:
    ground = np.array([[0.2, 0.0], [0.0, -0.3]])
    true = affinity.rotate(shapely.box(0, 0, 12, 7), 30)
    found = regular(drawn(affinity.affine_transform(true, [1 / 0.2, 0, 0, -1 / 0.3, 0, 0])), ground)
    assert np.allclose(angles(shapely.transform(found, lambda points: points @ ground.T)), 90)
    assert not np.allclose(angles(found), 90, atol=5)


def test_pixels_on_the_ground_are_measured_whatever_the_crs() -> None:
    size = Size(100, 100)
    assert np.allclose(PixelGrid("EPSG:32633", TRANSFORM).ground(size), [[0.3, 0], [0, -0.3]], rtol=1e-3, atol=1e-6)
    degrees = PixelGrid("EPSG:4326", TRANSFORM.__class__(1e-5, 0, 16, 0, -1e-5, 60)).ground(size)
    assert np.allclose(degrees, [[0.558, 0], [0, -1.114]], atol=2e-3)


def test_courts_and_terraces_stay_whole() -> None:
    court = affinity.rotate(shapely.box(0, 0, 60, 50).difference(shapely.box(15, 15, 45, 35)), 20)
    found = regular(drawn(court))
    assert isinstance(found, shapely.Polygon)
    assert len(found.interiors) == 1
    assert len(found.interiors[0].coords) == 5
    houses = shapely.union_all([shapely.box(20 * k, 4 * (k % 2), 20 * k + 20, 30 + 4 * (k % 2)) for k in range(4)])
    terrace = regular(drawn(affinity.rotate(houses, 15)))
    assert isinstance(terrace, shapely.Polygon)
    assert np.allclose(angles(terrace), 90)


@pytest.mark.parametrize("turn", [0, 13, 45, 67])
def test_bays_and_octagons_have_angles_of_45_degrees(turn: int) -> None:
    bay = shapely.Polygon([(0, 0), (60, 0), (60, 30), (40, 50), (20, 50), (0, 30)])
    octagon = shapely.Point(0, 0).buffer(40, quad_segs=2)
    for shape, corners in ((bay, 6), (octagon, 8)):
        found = drawing(drawn(affinity.rotate(shape, turn)))
        assert found.status == [Status.REGULAR]
        assert shapely.get_num_coordinates(found.shapes[0]) == corners + 1
        assert np.abs((angles(found.shapes[0]) + 22.5) % 45 - 22.5).max() < 1e-4


def test_a_wall_that_fits_no_direction_keeps_its_own() -> None:
    found = drawing(drawn(shapely.Polygon([(0, 0), (90, 0), (90, 30), (30, 64), (0, 64)])))
    assert found.status == [Status.PARTLY_REGULAR]
    assert angles(found.shapes[0]).max() < 91
    assert shapely.get_num_coordinates(found.shapes[0]) == 6


@pytest.mark.parametrize("radius", [6, 15, 40])
def test_round_buildings_become_circles(radius: int) -> None:
    true = shapely.Point(60, 60).buffer(radius, quad_segs=64)
    found = drawing(drawn(true))
    assert found.status == [Status.CIRCLE]
    (circle,) = found.shapes
    assert circle.intersection(true).area / circle.union(true).area > 1 - 0.3 / radius
    distances = np.hypot(*(shapely.get_coordinates(circle) - shapely.get_coordinates(circle.centroid)).T)
    assert np.allclose(distances, distances[0])


def test_a_circle_is_one_on_the_ground() -> None:
    ground = np.array([[0.2, 0.0], [0.0, -0.3]])
    true = affinity.scale(shapely.Point(60, 60).buffer(30, quad_segs=64), 1.0, 2 / 3)
    found = drawing(drawn(true), ground)
    assert found.status == [Status.CIRCLE]
    low, high = found.shapes[0].bounds[:2], found.shapes[0].bounds[2:]
    assert np.allclose(0.2 * (high[0] - low[0]), 0.3 * (high[1] - low[1]), rtol=1e-6)


def test_ovals_rings_and_crumbs_are_no_circles() -> None:
    oval = affinity.scale(shapely.Point(60, 60).buffer(30), 1.0, 0.7)
    ring = shapely.Point(60, 60).buffer(40) - shapely.Point(60, 60).buffer(15)
    crumb = np.zeros((9, 9), np.bool_)
    crumb[3:6, 2:7] = crumb[2:7, 3:6] = True
    assert Status.CIRCLE not in (drawing(mask).status[0] for mask in (drawn(oval), drawn(ring), crumb))


def test_what_has_no_direction_is_simplified_and_says_so() -> None:
    star = shapely.Polygon(
        [(r * np.cos(t), r * np.sin(t)) for t, r in zip(np.linspace(0, 2 * np.pi, 15)[:-1], [50, 20] * 7, strict=True)]
    )
    mask = drawn(star)
    found = drawing(mask)
    assert found.status == [Status.NO_DIRECTION]
    assert found.shapes[0].equals(Generalization(1.0).drawn(outlines([InlineMask(mask)]), SQUARE).shapes[0])
    assert Generalization(1.0).drawn(outlines([InlineMask(mask)]), SQUARE).status == [None]


@settings(max_examples=200, deadline=None)
@given(st.lists(sizes(12).flatmap(masks).filter(lambda mask: mask.any()), max_size=4), st.floats(1, 3))
def test_nothing_is_lost_and_nothing_is_invalid(found: list[np.ndarray], tolerance: float) -> None:
    exact = outlines([InlineMask(mask) for mask in found])
    simple = simplified(exact, tolerance)
    result = Generalization(tolerance, regularise=True).drawn(exact, SQUARE)
    for outline, before, after, status in zip(exact, simple, result.shapes, result.status, strict=True):
        assert after.is_valid
        assert after.geom_type == before.geom_type
        assert shapely.get_num_interior_rings(shapely.get_parts(after)).sum() == (
            shapely.get_num_interior_rings(shapely.get_parts(before)).sum()
        )
        if status.startswith("kept"):
            assert after == before
        else:
            assert after.intersection(outline).area >= LEAST_OVERLAP * after.union(outline).area - 1e-9
            assert abs(after.area - outline.area) <= MOST_AREA_ERROR * outline.area + 1e-9


@given(
    st.floats(0, 90),
    st.floats(25, 45),
    st.floats(25, 45),
    st.sampled_from(["box", "L", "T", "U"]),
)
@settings(max_examples=60, deadline=None)
def test_a_building_comes_out_the_same_however_it_is_turned(turn: float, width: float, depth: float, kind: str) -> None:
    box = shapely.box(0, 0, width, depth)
    more = {
        "box": [],
        "L": [shapely.box(width, 0, 2 * width, depth / 2)],
        "T": [shapely.box(-width / 2, depth, 1.5 * width, 1.5 * depth)],
        "U": [shapely.box(0, depth, width / 3, 1.6 * depth), shapely.box(2 * width / 3, depth, width, 1.6 * depth)],
    }[kind]
    true = shapely.union_all([box, *more]).simplify(0)
    true = affinity.rotate(true, turn)
    placed = affinity.translate(true, 70 - true.centroid.x, 70 - true.centroid.y)
    rows, columns = np.mgrid[:140, :140] + 0.5
    found = drawing(shapely.contains_xy(placed, columns.ravel(), rows.ravel()).reshape(140, 140))
    assert found.status == [Status.REGULAR]
    (shape,) = found.shapes
    assert shapely.get_num_coordinates(shape) == shapely.get_num_coordinates(true)
    assert shape.intersection(placed).area / shape.union(placed).area > 0.9
    assert shape.area == pytest.approx(true.area, rel=0.09)
