"""Overlapping windows blended into finished rows: the plain average of their probabilities.

With windows w_1, w_2, … in row-major order and p_i(x) the probabilities that window i gives for pixel x,

    P(x) = (((p_a(x) + p_b(x)) + p_c(x)) + …) / n(x),

where a < b < c … are the n(x) windows that hold x. Sum and quotient are float32. The order of the sum is that of the
windows, whatever the height of the bands in which rows are finished, so that the result is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.geometry import Size, Window

Float32 = npt.NDArray[np.float32]

BAND_ROWS = 128
"""Rows that are finished at once: small against a window, large against the cost of a call."""


@dataclass(frozen=True, slots=True)
class Band:
    """Finished rows.

    Attributes:
        top: The first row in the scene.
        probabilities: (C, H, W) float32.
    """

    top: int
    probabilities: Float32


def blend(
    windows: Iterable[tuple[Window, Float32]], size: Size, classes: int, band_rows: int = BAND_ROWS
) -> Iterator[Band]:
    """Average overlapping windows, and give the rows of the scene as soon as no window can change them any more.

    Memory is that of `classes` × (the window's height + `band_rows`) rows, whatever the scene's height.

    Args:
        windows: Windows of one size in row-major order, each with its (C, h, w) float32 probabilities. Together they
            cover the scene, as those of `sliding_windows` do.
        size: Of the scene, in pixels.
        classes: Number of channels C.
        band_rows: Rows in a band; the last one may have fewer.

    Returns:
        The bands from the top down; together they are the scene.

    Raises:
        ValueError: If windows come in another order or leave a pixel uncovered.
    """
    rows: _OpenRows | None = None
    for window, probabilities in windows:
        if rows is None:
            rows = _OpenRows(size, classes, window.height, band_rows)
        while rows.top + band_rows <= window.top:
            yield rows.finish()
        rows.add(window, probabilities)
    while rows is not None and rows.top < size.height:
        yield rows.finish()


class _OpenRows:
    """Sums and counts of the rows that windows may still change: a ring, in which row r lies at r modulo its length."""

    def __init__(self, size: Size, classes: int, window_rows: int, band_rows: int) -> None:
        self.top = 0
        self._size = size
        self._band_rows = band_rows
        self._length = band_rows * (2 + (window_rows - 1) // band_rows)  # whole bands, so that none wraps around
        self._sums = np.zeros((classes, self._length, size.width), np.float32)
        self._counts = np.zeros((self._length, size.width), np.uint16)
        self._last = Window(0, 0, 0, 0)

    def add(self, window: Window, probabilities: Float32) -> None:
        """Add one window; it comes after all others that were added."""
        if window < self._last or not Window.of_size(self._size).contains(window):
            raise ValueError(f"the window of {window} comes after {self._last} in a scene of {self._size}")
        self._last = window
        done = 0
        while done < window.height:
            start = (window.top + done) % self._length
            height = min(window.height - done, self._length - start)
            rows, columns = slice(start, start + height), slice(window.left, window.right)
            self._sums[:, rows, columns] += probabilities[:, done : done + height]
            self._counts[rows, columns] += 1
            done += height

    def finish(self) -> Band:
        """Average the first band and make room for as many rows below."""
        height = min(self._band_rows, self._size.height - self.top)
        start = self.top % self._length
        sums, counts = self._sums[:, start : start + height], self._counts[start : start + height]
        if not counts.all():
            raise ValueError(f"no window covers some pixels of rows {self.top} to {self.top + height - 1}")
        band = Band(self.top, np.divide(sums, counts, dtype=np.float32))
        sums[...] = 0
        counts[...] = 0
        self.top += height
        return band
