"""Right angles where there should be some; nothing lost, nothing invalid."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
from components.core.footprints.orthogonalize import squared
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from components.core.figures import InlineMask
from components.core.footprints.geography import PixelGrid
from components.core.footprints.polygonize import outlines
from components.core.footprints.regularize import LEAST_OVERLAP, regularised
from components.core.footprints.simplify import simplified
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


def regular(mask: np.ndarray, ground: np.ndarray = SQUARE, tolerance: float = 1.0) -> shapely.Geometry:
    exact = outlines([InlineMask(mask)])
    side = np.sqrt(abs(np.linalg.det(ground)))
    return regularised(exact, simplified(exact, tolerance), tolerance * side, ground)[0]


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


def test_round_buildings_stay_round() -> None:
    exact = outlines([InlineMask(drawn(shapely.Point(0, 0).buffer(40)))])
    smooth = simplified(exact, 1.0)
    assert regularised(exact, smooth, 1.0, SQUARE)[0] == smooth[0]


@settings(max_examples=200, deadline=None)
@given(st.lists(sizes(12).flatmap(masks).filter(lambda mask: mask.any()), max_size=4), st.floats(1, 3))
def test_nothing_is_lost_and_nothing_is_invalid(found: list[np.ndarray], tolerance: float) -> None:
    exact = outlines([InlineMask(mask) for mask in found])
    simple = simplified(exact, tolerance)
    for outline, before, after in zip(exact, simple, regularised(exact, simple, tolerance, SQUARE), strict=True):
        assert after.is_valid
        assert after.geom_type == before.geom_type
        assert shapely.get_num_interior_rings(shapely.get_parts(after)).sum() == (
            shapely.get_num_interior_rings(shapely.get_parts(before)).sum()
        )
        assert after == before or after.intersection(outline).area >= LEAST_OVERLAP * after.union(outline).area - 1e-9


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=30, unique=True))
def test_a_squared_ring_has_only_right_angles_and_long_edges(ring: list[tuple[int, int]]) -> None:
    corners = squared([(float(x), float(y)) for x, y in ring], 2.0)
    if corners is None:
        return
    edges = np.diff(np.array([*corners, corners[0]]), axis=0)
    assert ((edges == 0).any(axis=1)).all()
    assert len(corners) % 2 == 0
    assert len(corners) == 4 or np.abs(edges).max(axis=1).min() >= 2.0
