"""What is published of any mask, in any way, is valid and without slivers."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from components.core.figures import Bitmap
from components.core.footprints.generalize import Generalization, to_map
from components.core.footprints.geography import WGS84, Geometries, PixelGrid, fixed
from components.core.footprints.polygonize import outlines
from components.core.footprints.shapes import ShapeRings
from components.core.footprints.slivers import LEAST_ANGLE, LEAST_AREA_PX, are_slivers, sharpest_angles
from components.core.geometry import Size
from tests.builders import CRS, TRANSFORM

GRID = PixelGrid(CRS, TRANSFORM)
WAYS = [Generalization(tolerance, regularise) for tolerance in (0.0, 0.7, 1.0, 2.5) for regularise in (False, True)]

small_masks = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.booleans())


@st.composite
def bars(draw: st.DrawFn) -> np.ndarray:
    """Thin walls, alone and in angles: what simplification easily makes a needle of."""
    mask = np.zeros((24, 24), np.bool_)
    for _ in range(draw(st.integers(1, 5))):
        row, column = draw(st.integers(0, 23)), draw(st.integers(0, 23))
        height, width = draw(st.sampled_from(((1, 18), (2, 18), (18, 1), (1, 3), (9, 2))))
        mask[row : row + height, column : column + width] = True
    return mask


def exact_outlines(mask: np.ndarray) -> Geometries:
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    return outlines([Bitmap.of_pixels(labels == label).mask for label in range(1, count + 1)])


def check(shapes: Geometries) -> None:
    """Valid, no ring below half a pixel, no corner twice in a row and none so sharp that it is a spike."""
    assert shapely.is_valid(shapes).all()
    rings = ShapeRings.of(shapes).rings
    assert (shapely.area(shapely.polygons(rings)) >= LEAST_AREA_PX - 1e-4).all()
    assert (sharpest_angles(rings) >= LEAST_ANGLE - 0.01).all()
    cleaned = shapely.remove_repeated_points(rings)
    assert (shapely.get_num_coordinates(cleaned) == shapely.get_num_coordinates(rings)).all()


@settings(max_examples=80, deadline=None)
@given(st.one_of(small_masks, bars()), st.sampled_from(WAYS), st.sampled_from((CRS, WGS84)))
def test_what_is_published_is_valid_and_has_no_slivers(mask: np.ndarray, way: Generalization, crs: str) -> None:
    exact = exact_outlines(mask)
    drawn = way.drawn(exact, GRID.ground(Size(24, 24))).shapes

    check(drawn)
    placed = to_map(exact, drawn, GRID, crs)
    check(GRID.to_pixels(placed, crs, Size(24, 24)))


@pytest.mark.parametrize("tolerance", [1.0, 2.5])
def test_a_thin_wall_is_no_needle(tolerance: float) -> None:
    wall = np.ones((1, 17), np.bool_)

    (found,) = Generalization(tolerance).drawn(exact_outlines(wall), np.eye(2)).shapes

    assert found.equals(shapely.box(0, 0, 17, 1))


def test_slivers_are_known() -> None:
    square, needle = shapely.box(0, 0, 4, 4), shapely.Polygon([(0, 0), (100, 0), (100, 2)])
    spiked = shapely.Polygon([(0, 0), (4, 0), (4, 2), (90, 2.5), (4, 3), (4, 4), (0, 4)])
    twice = shapely.Polygon([(0, 0), (4, 0), (4, 0), (4, 4), (0, 4)])
    crumb = shapely.box(0, 0, 0.6, 0.6)
    rings = np.array([shape.exterior for shape in (square, needle, spiked, twice, crumb)], dtype=object)

    assert are_slivers(rings).tolist() == [False, True, True, True, True]
    assert sharpest_angles(rings[:1]).tolist() == [90.0]
    assert are_slivers(rings[:0]).tolist() == []


def test_what_rounding_leaves_beside_a_polygon_goes() -> None:
    """Rings that touch and then cross by a hair."""
    crossed = shapely.Polygon([(0, 0), (9, 0), (9, 9), (4, 1e-10), (3, -1e-10), (0, 9)])
    assert not crossed.is_valid

    (found,) = fixed(np.array([crossed], dtype=object))

    assert found.is_valid
    assert all(part.area > 1 and not part.interiors for part in shapely.get_parts(found))
    assert found.area == pytest.approx(abs(shapely.Polygon([(0, 0), (9, 0), (9, 9), (4, 0), (3, 0), (0, 9)]).area))
