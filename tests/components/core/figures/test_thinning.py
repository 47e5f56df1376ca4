"""Thinned masks hang together as the masks do, and no pixel is new."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import thinning
from components.core.figures.thinning import guo_hall, medial_axis, zhang_suen
from components.core.geometry import Size
from tests.strategies import masks

Method = Callable[[np.ndarray], np.ndarray]

METHODS = [zhang_suen, guo_hall, medial_axis]


def mask_of(*rows: str) -> np.ndarray:
    """(H, W) bool: set where the picture has a `#`."""
    return np.array([[letter == "#" for letter in row] for row in rows], np.bool_)


def pieces(pixels: np.ndarray) -> int:
    """Number of 8-connected components."""
    return int(cv2.connectedComponents(pixels.astype(np.uint8), connectivity=8)[0])


def background(pixels: np.ndarray) -> int:
    """Number of 4-connected components of what is not set, the surroundings included."""
    return int(cv2.connectedComponents((~np.pad(pixels, 1)).astype(np.uint8), connectivity=4)[0])


@pytest.mark.parametrize("method", [guo_hall, medial_axis])
@settings(max_examples=200, deadline=None)
@given(pixels=st.builds(Size, st.integers(1, 12), st.integers(1, 12)).flatmap(masks))
def test_pieces_and_holes_stay(method: Method, pixels: np.ndarray) -> None:
    thin = method(pixels)
    assert not (thin & ~pixels).any()
    assert pieces(thin) == pieces(pixels)
    assert background(thin) == background(pixels)


@settings(max_examples=200, deadline=None)
@given(pixels=st.builds(Size, st.integers(1, 12), st.integers(1, 12)).flatmap(masks))
def test_parallel_thinning_stops_where_nothing_goes(pixels: np.ndarray) -> None:
    for method in (zhang_suen, guo_hall):
        thin = method(pixels)
        assert not (thin & ~pixels).any()
        assert np.array_equal(method(thin), thin)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_thin_stays(method: Method) -> None:
    for rows in (("#####",), ("#", "#", "#"), ("#...", ".#..", "..#.", "...#"), ("#",)):
        assert np.array_equal(method(mask_of(*rows)), mask_of(*rows))


@pytest.mark.parametrize("method", METHODS)
def test_turned_or_not_a_long_bar_becomes_its_middle(method: Method) -> None:
    bar = np.ones((5, 41), np.bool_)
    for pixels in (bar, bar.T.copy()):
        thin = method(pixels)
        middle = thin if pixels is bar else thin.T
        assert middle[2, 4:-4].all() and not middle[:2, 4:-4].any() and not middle[3:, 4:-4].any()


def test_the_medial_axis_of_a_rectangle_reaches_its_corners() -> None:
    assert np.array_equal(
        medial_axis(np.ones((5, 9), np.bool_)),
        mask_of("#.......#", ".#.....#.", "..#####..", ".#.....#.", "#.......#"),
    )


def test_corners_of_diagonal_lines_go() -> None:
    stairs = mask_of("##......", ".##.....", "..##....", "...##...", "....##..", ".....##.")
    line = mask_of("........", "........", "..##....", "....#...", ".....#..", "......#.")
    assert np.array_equal(zhang_suen(stairs), line)


def test_the_mask_given_is_left_alone() -> None:
    pixels = np.ones((7, 7), np.bool_)
    for method in METHODS:
        method(pixels)
    assert pixels.all()


def plainly(pixels: np.ndarray, tables: tuple[np.ndarray, ...]) -> np.ndarray:
    """Thinned with every pixel looked at in every pass."""
    framed, before = np.pad(pixels, 1), -1
    while framed.sum() != before:
        before = framed.sum()
        for table in tables:
            framed &= ~table[thinning._neighbourhoods(framed)]
    return framed[1:-1, 1:-1]


@pytest.mark.parametrize("share", [0.4, 0.7, 0.95, 1.0])
def test_looking_at_what_may_go_alone_gives_the_same(share: float) -> None:
    for seed, size in enumerate(((1, 1), (3, 40), (60, 50))):
        pixels = np.random.default_rng(seed).random(size) < share
        assert np.array_equal(zhang_suen(pixels), plainly(pixels, thinning._zhang_suen_tables()))
        assert np.array_equal(guo_hall(pixels), plainly(pixels, thinning._guo_hall_tables()))
