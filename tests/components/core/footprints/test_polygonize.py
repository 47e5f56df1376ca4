"""Outlines along pixel edges: valid, exact and rasterised back to the mask."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from components.core.figures import Bitmap, InlineMask
from components.core.footprints import polygonize
from components.core.footprints.polygonize import outline
from components.core.footprints.simplify import simplified
from tests.strategies import masks, sizes

filled_masks = sizes(10).flatmap(masks).filter(lambda mask: mask.any())


def of(rows: list[str]) -> shapely.Geometry:
    return outline(InlineMask(np.array([[pixel == "#" for pixel in row] for row in rows])))


@settings(max_examples=300, deadline=None)
@given(filled_masks, st.integers(1, 10))
def test_an_outline_is_valid_exact_and_independent_of_the_band(mask: np.ndarray, band_rows: int) -> None:
    shape = outline(InlineMask(mask.copy()))
    assert shape.is_valid, shapely.is_valid_reason(shape)
    assert shape.area == mask.sum()
    assert np.array_equal(rasterize([shape], mask.shape) > 0, mask)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polygonize, "BAND_ROWS", band_rows)
        assert shapely.equals_exact(outline(InlineMask(mask.copy())), shape, 0)


@pytest.mark.parametrize(
    ("rows", "parts", "holes"),
    [
        (["#"], 1, 0),
        (["###", "#.#", "###"], 1, 1),
        (["#.", ".#"], 2, 0),
        ([".#", "#."], 2, 0),
        (["###.", "#.#.", "##.#", "..##"], 2, 1),  # a hole that meets the outside at a corner
        (["####", "#.##", "##.#", "####"], 1, 2),  # two holes that meet at a corner
        (["#####", "#...#", "#.#.#", "#...#", "#####"], 2, 1),  # an island in a hole
        (["####.", "#..#.", "#.##.", "##..#", "....#"], 2, 1),
    ],
)
def test_parts_touch_at_corners_and_holes_are_kept(rows: list[str], parts: int, holes: int) -> None:
    shape = of(rows)
    assert shape.is_valid
    pieces = shapely.get_parts(shape)
    assert (len(pieces), int(shapely.get_num_interior_rings(pieces).sum())) == (parts, holes)
    assert shape.area == "".join(rows).count("#")


def test_holes_belong_to_the_part_around_them() -> None:
    """Rings in rings, which come apart at a corner, beside another mask's."""
    rows = [
        "#########",
        "#.......#",
        "#.#####.#",
        "#.#...#.#",
        "#.#.#.#.#",
        "#.#...#.#",
        "#.#####.#",
        "#......##",
        "#######..",
    ]
    shape = of(rows)
    assert sorted(len(part.interiors) for part in shapely.get_parts(shape)) == [0, 1, 1]
    assert shape.is_valid
    assert shape.area == sum(row.count("#") for row in rows)


def test_a_rectangle_has_its_four_corners() -> None:
    assert shapely.normalize(of(["###", "###"])).equals_exact(shapely.normalize(shapely.box(0, 0, 3, 2)), 0)


def test_no_pixels_have_no_outline() -> None:
    with pytest.raises(ValueError, match="no outline"):
        of(["..", ".."])


@settings(max_examples=200, deadline=None)
@given(filled_masks, st.floats(0, 6))
def test_simplifying_keeps_validity_rings_and_tolerance(mask: np.ndarray, tolerance: float) -> None:
    exact = np.array([outline(InlineMask(mask.copy()))], dtype=object)
    (shape,) = simplified(exact, tolerance)
    assert shape.is_valid
    assert shape.area > 0
    assert len(shapely.get_parts(shape)) == len(shapely.get_parts(exact[0]))
    assert shapely.get_num_interior_rings(shapely.get_parts(shape)).sum() == (
        shapely.get_num_interior_rings(shapely.get_parts(exact[0])).sum()
    )
    vertices = shapely.points(shapely.get_coordinates(exact[0]))
    assert shapely.distance(vertices, shape.boundary).max() <= 2 * tolerance + 1e-9
    if tolerance == 0:
        assert shape == exact[0]


def test_simplifying_straightens_a_staircase() -> None:
    stairs = np.tri(40, dtype=np.bool_)
    exact = np.array([outline(InlineMask(stairs))], dtype=object)
    assert shapely.get_num_coordinates(exact[0]) == 83
    assert shapely.get_num_coordinates(simplified(exact, 1.0)[0]) <= 6


@settings(max_examples=60, deadline=None)
@given(st.lists(filled_masks, max_size=12), st.integers(1, 200))
def test_masks_traced_together_have_the_outlines_they_have_alone(masks: list[np.ndarray], sheet_pixels: int) -> None:
    together = [InlineMask(mask.copy()) for mask in masks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(polygonize, "SHEET_PIXELS", sheet_pixels)
        found = polygonize.outlines(together)
    assert all(shapely.equals_exact(shape, outline(mask), 0) for shape, mask in zip(found, together, strict=True))


def test_bitmaps_are_outlined_where_they_lie() -> None:
    pixels = np.array([[True, True], [True, False]])
    found = [Bitmap.of_pixels(pixels, 5, 30), Bitmap.of_pixels(pixels[:1], 0, 7)]
    shapes = polygonize.placed_outlines([entry for entry in found if entry is not None])
    assert [shape.bounds for shape in shapes] == [(30, 5, 32, 7), (7, 0, 9, 1)]
    assert [shape.area for shape in shapes] == [3, 2]
    assert len(polygonize.placed_outlines([])) == 0
