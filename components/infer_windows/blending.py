"""Overlapping windows blended into finished rows: the weighted average of their probabilities.

With windows w_1, w_2, … in row-major order, p_i(x) the probabilities that window i gives for pixel x, and w_i(x) the
weight of that (`components.infer_windows.weights`),

    P(x) = (((w_a p_a(x) + w_b p_b(x)) + w_c p_c(x)) + …) / Σ w_i(x),

where a < b < c … are the windows that contribute to x. Sum and quotient are float32. The order of the sum is that of
the windows, whatever the height of the bands in which rows are finished and the width of the strips into which the
scene is cut, so that the result is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from components.core.geometry import Window
from components.infer_windows.arrays import Bool, Float32
from components.infer_windows.windows import BAND_ROWS


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one window contributes.

    Attributes:
        row: Index of its row of windows.
        window: The pixels of the scene to which it contributes.
        probabilities: (C, h, w) float32 for these; None for all 0.
        weights: (h, w) float32; None where all are 1.
    """

    row: int
    window: Window
    probabilities: Float32 | None
    weights: Float32 | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """The sum of the weights, as the product of one factor a row and one a column.

    Attributes:
        rows: (H,) float32.
        columns: (W,) float32.
    """

    rows: Float32
    columns: Float32


@dataclass(frozen=True, slots=True)
class Band:
    """Finished rows.

    Attributes:
        top: The first row in the scene.
        probabilities: (C, H, W) float32; valid until the next band is requested.
        unseen: (H, W) bool, set where nothing contributes; None where something does everywhere.
    """

    top: int
    probabilities: Float32
    unseen: Bool | None = None


def blend(
    contributions: Iterable[Contribution], area: Window, sums: Float32, totals: Totals, band_rows: int = BAND_ROWS
) -> Iterator[Band]:
    """Average overlapping windows, and give rows as soon as no window can change them any more.

    Args:
        contributions: In row-major order; together they cover the area, and each lies inside it.
        area: The part of the scene that is wanted.
        sums: (C, h, w) float32 of any content, where the sums are kept: as high as the windows and as wide as the area
            at least, whatever the height of the area.
        totals: Sums of weights of the area's rows and columns.
        band_rows: The most rows in a band.

    Returns:
        The bands from the top down; together they are the area.

    Raises:
        ValueError: If contributions come in another order or leave a pixel uncovered.
    """
    rows = _Accumulator(area, sums)
    for contribution in contributions:
        if contribution.row != rows.row:
            rows.check_follows(contribution)
            yield from rows.finish(contribution.window.top, totals, band_rows)
            rows.begin(contribution)
        rows.add(contribution)
    yield from rows.finish(area.bottom, totals, band_rows)


class _Accumulator:
    """Sums of the rows that windows may still change.

    Rows `top`..`full - 1` hold sums in all columns, those below only up to the last contribution.
    """

    def __init__(self, area: Window, sums: Float32) -> None:
        self.row: int | None = None
        self._area = area
        self._top = self._full = self._bottom = area.top
        self._right = area.right
        self._sums = sums[:, :, : area.width]

    def check_follows(self, contribution: Contribution) -> None:
        """Refuse a row of windows above the last one."""
        if self.row is not None and contribution.row < self.row:
            raise ValueError(f"the window of {contribution.window} comes after row {self.row} of the windows")

    def begin(self, contribution: Contribution) -> None:
        """Go on with a row of windows below those so far."""
        self._close_row()
        self.row = contribution.row
        self._bottom, self._right = contribution.window.bottom, self._area.left

    def add(self, contribution: Contribution) -> None:
        """Add one window of the row that was begun; the part of it that none was before is set."""
        window = contribution.window
        if not self._area.contains(window) or window.left > self._right or window.right < self._right:
            raise ValueError(f"the window of {window} does not continue column {self._right} of {self._area}")
        if window.top > self._full or window.bottom != self._bottom:
            raise ValueError(f"the window of {window} does not continue row {self._full} of {self._area}")
        below = min(self._full, window.bottom) - window.top
        beside = self._right - window.left
        height, width = window.height, window.width
        self._apply(contribution, slice(0, below), slice(0, width), True)
        self._apply(contribution, slice(below, height), slice(0, beside), True)
        self._apply(contribution, slice(below, height), slice(beside, width), False)
        self._right = window.right

    def _apply(self, contribution: Contribution, rows: slice, columns: slice, added: bool) -> None:
        top, left = contribution.window.top - self._top, contribution.window.left - self._area.left
        place = self._sums[:, top + rows.start : top + rows.stop, left + columns.start : left + columns.stop]
        if not place.size:
            return
        if contribution.probabilities is None:
            if not added:
                place[...] = 0
            return
        values = contribution.probabilities[:, rows, columns]
        if contribution.weights is not None:
            values = values * contribution.weights[rows, columns]
        if added:
            place += values
        else:
            place[...] = values

    def _close_row(self) -> None:
        if self._right != self._area.right:
            raise ValueError(f"no window covers columns {self._right} to {self._area.right - 1} of {self._area}")
        self._full = max(self._full, self._bottom)

    def finish(self, bottom: int, totals: Totals, band_rows: int) -> Iterator[Band]:
        """Average the rows above `bottom`, and keep those below."""
        self._close_row()
        if bottom > self._full:
            raise ValueError(f"no window covers rows {self._full} to {bottom - 1} of {self._area}")
        for top in range(self._top, bottom, band_rows):
            end = min(top + band_rows, bottom)
            sums = self._sums[:, top - self._top : end - self._top]
            inside = slice(top - self._area.top, end - self._area.top)
            sums /= totals.rows[inside, np.newaxis] * totals.columns
            yield Band(top, sums)
        kept = self._full - bottom
        self._sums[:, :kept] = self._sums[:, bottom - self._top : self._full - self._top]
        self._top = bottom
