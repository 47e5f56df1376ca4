"""The average of overlapping windows: the same bits whatever the bands and strips, nothing kept longer than needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.geometry import Size, Window
from components.infer_windows.batches import WindowBatch
from components.infer_windows.blending import Band, Contribution, Totals, blend
from components.infer_windows.windows import Axis, WindowGrid, WindowPlan, column_strips
from components.infer_windows.writer import blended

CLASSES = 3


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    length = draw(st.integers(1, 40))
    reaches = draw(st.booleans())
    window = draw(st.integers(1, 50 if reaches else length))
    overlap = draw(st.integers(0, window - 1))
    return Axis.of(
        length,
        window,
        overlap,
        method=draw(st.sampled_from(["mean", "hann", "gaussian"])),
        discard=draw(st.integers(0, overlap // 2)),
        reach=overlap // 2 if reaches else None,
    )


grids = st.builds(WindowGrid, axes(), axes())
plain_grids = st.builds(
    lambda height, width: WindowGrid.of(Size(height, width), Size(min(9, height), min(11, width)), Size(0, 0)),
    st.integers(1, 40),
    st.integers(1, 40),
)


@dataclass(frozen=True)
class Said:
    """What a network says of every window of a grid, and which windows were run."""

    grid: WindowGrid
    probabilities: np.ndarray
    run: np.ndarray

    @classmethod
    def of(cls, grid: WindowGrid, seed: int, share: float = 1.0) -> Said:
        random = np.random.default_rng(seed)
        count = len(grid.rows.spans), len(grid.columns.spans)
        values = random.random((*count, CLASSES, grid.window.height, grid.window.width), np.float32)
        return cls(grid, values / values.sum(axis=2, keepdims=True), random.random(count) < share)

    def batches(self, plan: WindowPlan) -> Iterator[WindowBatch]:
        for index, strip in enumerate(plan.strips):
            cells = [(row, column) for row in plan.rows for column in strip.own]
            for first in range(0, max(len(cells), 1), plan.batch_size):
                some = cells[first : first + plan.batch_size]
                run = [bool(self.run[cell]) for cell in some]
                values = [self.probabilities[cell] for cell in some if self.run[cell]]
                yield WindowBatch(index, run, probabilities=np.stack(values) if values else None)


def averaged(said: Said, plan: WindowPlan) -> np.ndarray:
    result = np.full((CLASSES, plan.bottom - plan.top, said.grid.size.width), np.nan, np.float32)
    for contributions, bands in blended(plan, said.batches(plan)):
        row = plan.top
        for band in bands:
            assert band.top == row and 0 < band.probabilities.shape[1] <= plan.band_rows
            row += band.probabilities.shape[1]
            place = (
                slice(band.top - plan.top, row - plan.top),
                slice(contributions.strip.left, contributions.strip.right),
            )
            result[(slice(None), *place)] = band.probabilities
        assert row == plan.bottom
    return result


def whole_array_average(said: Said) -> np.ndarray:
    """The formula, with every array of the whole scene at once."""
    grid = said.grid
    sums = np.zeros((CLASSES, grid.size.height, grid.size.width), np.float32)
    weights = np.outer(grid.rows.weights, grid.columns.weights).astype(np.float32)
    totals = [np.zeros(axis.length) for axis in (grid.rows, grid.columns)]
    for axis, total in zip((grid.rows, grid.columns), totals, strict=True):
        for span in axis.spans:
            total[span.low : span.high] += axis.weights[span.low - span.start : span.high - span.start]
    for i, row in enumerate(grid.rows.spans):
        for j, column in enumerate(grid.columns.spans):
            if said.run[i, j]:
                inside = (
                    slice(row.low - row.start, row.high - row.start),
                    slice(column.low - column.start, column.high - column.start),
                )
                place = slice(None), slice(row.low, row.high), slice(column.low, column.high)
                sums[place] += weights[inside] * said.probabilities[(i, j, slice(None), *inside)]
    return sums / (totals[0].astype(np.float32)[:, np.newaxis] * totals[1].astype(np.float32))


def plan_of(
    grid: WindowGrid, strip: int = 5120, multiple: int = 512, band_rows: int = 32, batch: int = 3
) -> WindowPlan:
    strips = column_strips(grid.columns, strip, multiple)
    return WindowPlan(grid, 0, grid.size.height, strips, batch, CLASSES, band_rows)


@given(grids, st.integers(1, 50), st.integers(1, 6), st.integers(1, 50), st.integers(0, 9), st.sampled_from([0.3, 1.0]))
def test_any_band_height_and_strip_width_gives_the_bits_of_the_whole_array(
    grid: WindowGrid, strip: int, multiple: int, band_rows: int, seed: int, share: float
) -> None:
    said = Said.of(grid, seed, share)

    result = averaged(said, plan_of(grid, strip, multiple, band_rows))

    assert result.dtype == np.float32
    assert result.tobytes() == whole_array_average(said).tobytes()


@given(grids, st.integers(1, 50), st.integers(1, 6), st.integers(0, 9), st.data())
def test_wanted_rows_have_the_bits_of_the_whole_scene(
    grid: WindowGrid, strip: int, multiple: int, seed: int, data: st.DataObject
) -> None:
    said = Said.of(grid, seed)
    top = data.draw(st.integers(0, grid.size.height - 1))
    bottom = data.draw(st.integers(top + 1, grid.size.height))
    strips = column_strips(grid.columns, strip, multiple)

    result = averaged(said, WindowPlan(grid, top, bottom, strips, 2, CLASSES, 7))

    assert result.tobytes() == whole_array_average(said)[:, top:bottom].tobytes()


@given(grids, st.integers(1, 50))
def test_a_constant_stays(grid: WindowGrid, strip: int) -> None:
    said = Said.of(grid, 0)
    said.probabilities[...] = 0.75

    result = averaged(said, plan_of(grid, strip, 1))

    # A sum of n numbers above 0 is off by n roundings at most, and so is the sum of the weights that divides it.
    summands = most_windows(grid.rows) * most_windows(grid.columns)
    assert np.allclose(result, 0.75, rtol=(summands + 4) * float(np.finfo(np.float32).eps), atol=0)


def most_windows(axis: Axis) -> int:
    """The most windows that contribute to a pixel."""
    return max(sum(span.low <= pixel < span.high for span in axis.spans) for pixel in range(axis.length))


@given(plain_grids, st.integers(1, 12))
def test_a_band_is_given_before_any_window_below_it_is_taken(grid: WindowGrid, band_rows: int) -> None:
    plan = plan_of(grid, band_rows=band_rows, batch=1)
    taken: list[int] = []

    def feed() -> Iterator[WindowBatch]:
        for number, batch in enumerate(Said.of(grid, 0).batches(plan)):
            taken.append(grid.rows.spans[number // len(grid.columns.spans)].start)
            yield batch

    for _, bands in blended(plan, feed()):
        for band in bands:
            assert all(top < band.top + band_rows for top in taken[:-1])


def bands_of(*contributions: Contribution) -> list[Band]:
    area = Window(0, 0, 4, 4)
    room = np.empty((CLASSES, 4, 4), np.float32)
    return list(blend(contributions, area, room, Totals(np.ones(4, np.float32), np.ones(4, np.float32))))


def contribution(row: int, window: Window) -> Contribution:
    return Contribution(row, window, np.zeros((CLASSES, window.height, window.width), np.float32))


def test_windows_out_of_row_order_are_refused() -> None:
    with pytest.raises(ValueError, match="rows 0–1, columns 0–3 comes after row 1 of the windows"):
        bands_of(
            contribution(0, Window(0, 0, 2, 4)),
            contribution(1, Window(2, 0, 2, 4)),
            contribution(0, Window(0, 0, 2, 4)),
        )


@pytest.mark.parametrize(
    ("contributions", "message"),
    [
        ([(0, Window(0, 0, 4, 3))], "no window covers columns 3 to 3 of"),
        ([(0, Window(0, 0, 2, 4))], "no window covers rows 2 to 3 of"),
        ([(0, Window(0, 1, 4, 3))], "columns 1–3 does not continue column 0 of"),
        ([(0, Window(0, 0, 4, 5))], "columns 0–4 does not continue column 0 of"),
        ([(0, Window(0, 0, 1, 4)), (1, Window(2, 0, 2, 4))], "no window covers rows 1 to 1 of"),
    ],
)
def test_windows_that_leave_a_gap_are_refused(contributions: list[tuple[int, Window]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bands_of(*(contribution(*entry) for entry in contributions))
