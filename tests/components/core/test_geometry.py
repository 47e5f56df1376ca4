from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError
from components.core.geometry import Size, Window, row_bands, sliding_starts, sliding_windows
from tests import strategies


@st.composite
def slidings(draw: st.DrawFn) -> tuple[int, int, int]:
    """Length, window and overlap that leave a stride."""
    length = draw(st.integers(1, 200))
    window = draw(st.integers(1, length))
    return length, window, draw(st.integers(0, window - 1))


@given(slidings())
def test_windows_cover_every_pixel_and_only_shift_inward(case: tuple[int, int, int]) -> None:
    length, window, overlap = case
    starts = sliding_starts(length, window, overlap)
    covered = np.zeros(length, int)
    for start in starts:
        assert 0 <= start <= length - window
        covered[start : start + window] += 1
    assert covered.min() >= 1
    stride = window - overlap
    assert starts[:-1] == list(range(0, stride * (len(starts) - 1), stride)), "only the last one is shifted"
    assert starts[-1] == length - window
    assert all(second - first <= stride for first, second in pairwise(starts))
    assert len(set(starts)) == len(starts)


@pytest.mark.parametrize(("overlap", "count"), [(0, 10), (128, 13)])
def test_windows_of_the_tutorial(overlap: int, count: int) -> None:
    starts = sliding_starts(5000, 512, overlap)
    assert len(starts) == count
    assert starts[-1] == 4488


def test_windows_go_row_by_row() -> None:
    found = sliding_windows(Size(5, 7), Size(3, 4), Size(1, 0))
    assert [(window.top, window.left) for window in found] == [(0, 0), (0, 3), (2, 0), (2, 3)]
    assert {window.size for window in found} == {Size(3, 4)}


@pytest.mark.parametrize(("window", "overlap", "words"), [(11, 0, "exceeds the image's 10"), (4, 4, "use at most 3")])
def test_windows_that_cannot_be_are_refused(window: int, overlap: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sliding_starts(10, window, overlap)


@given(strategies.sizes(60), st.integers(1, 70))
def test_row_bands_cover_each_row_once(size: Size, height: int) -> None:
    bands = list(row_bands(size, height))
    assert [row for band in bands for row in range(band.top, band.bottom)] == list(range(size.height))
    assert all(band.left == 0 and band.width == size.width and band.height <= height for band in bands)


@given(st.data(), strategies.sizes())
def test_intersection_is_what_both_hold(data: st.DataObject, size: Size) -> None:
    first, second = data.draw(strategies.windows(size)), data.draw(strategies.windows(size))
    canvas = np.zeros((size.height, size.width), int)
    canvas[first.slices] += 1
    canvas[second.slices] += 1
    common = first.intersection(second)
    assert common == second.intersection(first)
    assert (canvas == 2).sum() == (common.size.area if common else 0)
    if common:
        assert (canvas[common.slices] == 2).all()
        assert first.contains(common) and second.contains(common)
    assert first.contains(second) == (common == second)


@given(st.data(), strategies.sizes(), st.integers(-9, 9), st.integers(-9, 9))
def test_shifting_back_gives_the_window(data: st.DataObject, size: Size, rows: int, columns: int) -> None:
    window = data.draw(strategies.windows(size))
    moved = window.shift(rows, columns)
    assert moved.shift(-rows, -columns) == window
    assert (moved.bottom - moved.top, moved.right - moved.left) == (window.height, window.width)


def test_window_reads_well() -> None:
    assert str(Window(10, 0, 5, 3)) == "rows 10–14, columns 0–2"
    assert str(Size(2, 3)) == "2×3"
