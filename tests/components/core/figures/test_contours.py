"""Contours of masks as polygons, and lines of masks as paths."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap, Polygon, vertices
from components.core.figures.connected_components import connected_components
from components.core.figures.contours import contour_polygons
from components.core.figures.line_paths import line_paths
from components.core.geometry import Size
from tests.components.core.dtl.projects import house
from tests.strategies import masks

SIZE = Size(14, 11)


def bitmap_of(*rows: str, top: int = 0, left: int = 0) -> Bitmap:
    """A drawn bitmap."""
    return house(*rows, top=top, left=left).figure  # type: ignore[return-value]


def test_contours_run_along_pixel_centres() -> None:
    (found,) = contour_polygons(bitmap_of("####", "####", "####", top=2, left=5))
    assert {tuple(place) for place in found.exterior.tolist()} == {(2.5, 5.5), (4.5, 5.5), (4.5, 8.5), (2.5, 8.5)}


def test_holes_stay_and_what_lies_in_them_is_apart() -> None:
    drawn = bitmap_of("#######", "#.....#", "#.###.#", "#.###.#", "#.....#", "#######")
    ring, island = contour_polygons(drawn)
    assert len(ring.interiors) == 1 and not island.interiors
    assert island.exterior.min() == 2.5 and ring.exterior.min() == 0.5


@pytest.mark.parametrize("rows", [("#",), ("##",), ("#####",), ("#.", ".#")])
def test_less_than_three_vertices_are_no_polygon(rows: tuple[str, ...]) -> None:
    assert list(contour_polygons(bitmap_of(*rows))) == []


@settings(max_examples=200, deadline=None)
@given(masks(SIZE))
def test_filled_contours_are_the_mask(pixels: np.ndarray) -> None:
    bitmap = Bitmap.of_pixels(pixels)
    if bitmap is None:
        return
    canvas, polygons = np.zeros(pixels.shape, np.uint8), list(contour_polygons(bitmap))
    for found in polygons:
        holes = tuple(vertices(hole - 0.5) for hole in found.interiors)
        Polygon(vertices(found.exterior - 0.5), holes).draw(canvas, 1)
    parts = [part.moved(bitmap.top, bitmap.left) for part in connected_components(bitmap.mask)]
    assert len(polygons) <= len(parts)
    for part in parts:
        there = canvas[part.window.slices][part.mask.pixels()]
        assert there.all() or not there.any() or not has_polygon(part)
    assert not canvas[~pixels].any()


def has_polygon(part: Bitmap) -> bool:
    return bool(list(contour_polygons(part)))


T_SHAPE = bitmap_of("##########", "....#.....", "....#.....", "....#.....", "....#.....", "....#.....", top=3, left=2)


def as_pairs(path: np.ndarray) -> list[tuple[float, float]]:
    """A path from its least end."""
    pairs = [tuple(place) for place in path.tolist()]
    return min(pairs, pairs[::-1])  # type: ignore[return-value]


def test_the_longest_path_is_first_and_branches_follow() -> None:
    long, branch = map(as_pairs, line_paths(T_SHAPE))
    assert long == [*((3, column) for column in range(11, 4, -1)), *((row, 6) for row in range(4, 9))]
    assert branch == [(3, column) for column in range(2, 6)]


def test_a_bar_a_diagonal_and_a_loop() -> None:
    assert [as_pairs(path) for path in line_paths(bitmap_of("#####"))] == [[(0, column) for column in range(5)]]
    (diagonal,) = line_paths(bitmap_of("#...", ".#..", "..#.", "...#", top=1))
    assert as_pairs(diagonal) == [(row + 1, row) for row in range(4)]
    (loop,) = line_paths(bitmap_of(".###.", "#...#", ".###."))
    assert len({tuple(place) for place in loop.tolist()}) == len(loop) == 8, "one step of a loop is left out"


@pytest.mark.parametrize("rows", [("#",), ("###",), ("##.", "..#")])
def test_fewer_than_three_steps_are_left_out(rows: tuple[str, ...]) -> None:
    assert list(line_paths(bitmap_of(*rows))) == []


def test_what_is_no_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.core.figures.line_paths.MOST_PIXELS", 6)
    assert len(list(line_paths(bitmap_of("######", "......", "######")))) == 2
    with pytest.raises(DataError, match="a mask of 7 connected pixels is not a line of at most 6"):
        list(line_paths(bitmap_of("#######")))


@settings(max_examples=200, deadline=None)
@given(masks(SIZE), st.integers(0, 5))
def test_paths_go_from_pixel_to_pixel_and_take_no_step_twice(pixels: np.ndarray, top: int) -> None:
    bitmap = Bitmap.of_pixels(pixels, top, 2 * top)
    steps: list[frozenset[tuple[float, float]]] = []
    for path in line_paths(bitmap) if bitmap else ():
        assert len(path) >= 3, "also of three steps that meet in one pixel"
        places = [tuple(place) for place in path.tolist()]
        assert len(set(places)) == len(places)
        rows, columns = (path - (top, 2 * top)).astype(int).T
        assert pixels[rows, columns].all()
        assert (np.abs(np.diff(path, axis=0)).max(axis=1) == 1).all()
        steps += [frozenset(pair) for pair in pairwise(places)]  # type: ignore[arg-type]
    assert len(set(steps)) == len(steps)
