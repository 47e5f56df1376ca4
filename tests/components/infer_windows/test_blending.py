"""The average of overlapping windows: the same bits whatever the bands, and nothing kept longer than needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.geometry import Size, Window, sliding_windows
from components.infer_windows.blending import blend

CLASSES = 3


@dataclass(frozen=True)
class Grid:
    """A scene and the windows that slide over it."""

    size: Size
    windows: list[Window]

    def probabilities(self, seed: int) -> list[np.ndarray]:
        """(C, h, w) float32 for each window, summing to 1."""
        random = np.random.default_rng(seed)
        drawn = [random.random((CLASSES, w.height, w.width), np.float32) for w in self.windows]
        return [values / values.sum(axis=0) for values in drawn]


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    size = Size(draw(st.integers(1, 40)), draw(st.integers(1, 40)))
    window = Size(draw(st.integers(1, size.height)), draw(st.integers(1, size.width)))
    overlap = Size(draw(st.integers(0, window.height - 1)), draw(st.integers(0, window.width - 1)))
    return Grid(size, sliding_windows(size, window, overlap))


def blended(grid: Grid, probabilities: list[np.ndarray], band_rows: int) -> np.ndarray:
    bands = list(blend(zip(grid.windows, probabilities, strict=True), grid.size, CLASSES, band_rows))
    assert [band.top for band in bands] == list(range(0, grid.size.height, band_rows))
    return np.concatenate([band.probabilities for band in bands], axis=1)


def whole_array_average(grid: Grid, probabilities: list[np.ndarray]) -> np.ndarray:
    sums = np.zeros((CLASSES, grid.size.height, grid.size.width), np.float32)
    counts = np.zeros((grid.size.height, grid.size.width), np.float32)
    for window, values in zip(grid.windows, probabilities, strict=True):
        sums[(slice(None), *window.slices)] += values
        counts[window.slices] += 1
    return sums / counts


@given(grids(), st.integers(1, 50), st.integers(0, 9))
def test_any_band_height_gives_the_bits_of_the_whole_array(grid: Grid, band_rows: int, seed: int) -> None:
    probabilities = grid.probabilities(seed)

    result = blended(grid, probabilities, band_rows)

    assert result.dtype == np.float32
    assert result.tobytes() == whole_array_average(grid, probabilities).tobytes()


@given(grids(), st.integers(1, 50))
def test_a_constant_stays(grid: Grid, band_rows: int) -> None:
    constant = [np.full((CLASSES, w.height, w.width), 0.75, np.float32) for w in grid.windows]

    result = blended(grid, constant, band_rows)

    assert result.shape == (CLASSES, grid.size.height, grid.size.width)
    assert (result == 0.75).all()


@given(grids(), st.integers(1, 12))
def test_a_band_is_given_before_any_window_below_it_is_added(grid: Grid, band_rows: int) -> None:
    taken: list[Window] = []

    def feed() -> object:
        for window, values in zip(grid.windows, grid.probabilities(0), strict=True):
            taken.append(window)
            yield window, values

    for band in blend(feed(), grid.size, CLASSES, band_rows):
        assert all(window.top < band.top + band_rows for window in taken[:-1])


def test_windows_out_of_row_order_are_refused() -> None:
    values = np.zeros((CLASSES, 2, 4), np.float32)
    feed = [(Window(2, 0, 2, 4), values), (Window(0, 0, 2, 4), values)]

    with pytest.raises(ValueError, match="rows 0–1, columns 0–3 comes after rows 2–3"):
        list(blend(feed, Size(4, 4), CLASSES, 4))


def test_windows_that_leave_a_gap_are_refused() -> None:
    feed = [(Window(0, 0, 2, 3), np.zeros((CLASSES, 2, 3), np.float32))]

    with pytest.raises(ValueError, match="no window covers some pixels of rows 0 to 1"):
        list(blend(feed, Size(2, 4), CLASSES))
