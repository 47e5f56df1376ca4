"""The windows that slide over a scene: where they lie, how much their pixels weigh, and in which order they are run.

A scene is cut into strips of columns, so that memory does not grow with its width. A window is run in the strip in
which it begins to contribute; what it says of the strip to the right is kept until that strip is done, in the place of
its row, so that every pixel gets the same sum in the same order as without strips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from components.core.documents.inference_modes import SlidingWindowMode
from components.core.documents.regions import Region
from components.core.errors import DataError
from components.core.geometry import Size, Window, sliding_starts
from components.core.imagery import TILE_PX
from components.core.project.parts import Rows
from components.infer_windows.arrays import Float32, Float64
from components.infer_windows.weights import Method, profile

STRIP_COLUMNS = 5120
"""The most columns of a strip: ten tiles of output."""

BAND_ROWS = 32
"""Rows that are finished at once: what a core's cache holds of a strip."""


@dataclass(frozen=True, slots=True)
class Span:
    """One window along one side of a scene.

    Attributes:
        start: Its first pixel; below 0 where it reaches over the border.
        low: The first pixel of the scene to which it contributes.
        high: The pixel after the last of these.
    """

    start: int
    low: int
    high: int

    def meets(self, low: int, high: int) -> bool:
        """Whether it contributes to any of the pixels `low`..`high - 1`."""
        return self.low < high and low < self.high


@dataclass(frozen=True)
class Axis:
    """All windows along one side of a scene; together they contribute to every pixel.

    Attributes:
        length: Of the scene, in pixels.
        window: Side of the windows, in pixels.
        spans: The windows, ascending.
        weights: (window,) float64 weight of each pixel of a window.
    """

    length: int
    window: int
    spans: tuple[Span, ...]
    weights: Float64

    @classmethod
    def of(
        cls,
        length: int,
        window: int,
        overlap: int,
        *,
        method: Method = "mean",
        discard: int = 0,
        reach: int | None = None,
    ) -> Axis:
        """Slide windows along one side.

        Args:
            length: Of the scene, in pixels.
            window: Side of the windows, in pixels.
            overlap: Least overlap of neighbours, in pixels.
            method: How pixels weigh.
            discard: Pixels at both ends of a window that do not count inside the scene; at most half of `overlap`.
            reach: How far the windows reach over the border, in pixels, and further where the scene is smaller than
                a window; None for not at all.

        Raises:
            ConfigError: As `sliding_starts`.
        """
        padded = length if reach is None else max(length + 2 * reach, window)
        starts = [start - (reach or 0) for start in sliding_starts(padded, window, overlap)]
        lows = [max(start + discard, 0) for start in starts]
        highs = [min(start + window - discard, length) for start in starts]
        lows[0], highs[-1] = 0, length
        spans = tuple(map(Span, starts, lows, highs))
        return cls(length, window, spans, profile(method, window, discard))

    @cached_property
    def totals(self) -> Float32:
        """(length,) float32 sum of the windows' weights at every pixel."""
        result = np.zeros(self.length, np.float64)
        for span in self.spans:
            result[span.low : span.high] += self.weights[span.low - span.start : span.high - span.start]
        return result.astype(np.float32)

    def meeting(self, low: int, high: int) -> range:
        """Indices of the windows that contribute to any of the pixels `low`..`high - 1`."""
        found = [index for index, span in enumerate(self.spans) if span.meets(low, high)]
        return range(found[0], found[-1] + 1) if found else range(0)


@dataclass(frozen=True)
class WindowGrid:
    """All windows of a scene: every row of windows crosses every column of windows.

    Attributes:
        rows: Windows along the scene's height.
        columns: Windows along its width.
    """

    rows: Axis
    columns: Axis

    @classmethod
    def of(
        cls,
        size: Size,
        window: Size,
        overlap: Size,
        *,
        method: Method = "mean",
        discard_border: int = 0,
        reach: Size | None = None,
    ) -> WindowGrid:
        """Slide windows over a scene; without `reach` they are those of `sliding_windows`.

        Args:
            size: Of the scene, in pixels.
            window: Of the windows, in pixels.
            overlap: Least overlap of neighbours, in pixels.
            method: How pixels weigh.
            discard_border: Pixels along a window's edges that do not count inside the scene.
            reach: How far windows reach over the scene's border, in pixels; None for not at all.

        Raises:
            ConfigError: If a window is larger than the scene and does not reach over it, or leaves no stride.
        """

        def axis(length: int, side: int, lap: int, beyond: int | None) -> Axis:
            return Axis.of(length, side, lap, method=method, discard=discard_border, reach=beyond)

        return cls(
            axis(size.height, window.height, overlap.height, None if reach is None else reach.height),
            axis(size.width, window.width, overlap.width, None if reach is None else reach.width),
        )

    @property
    def size(self) -> Size:
        """Of the scene, in pixels."""
        return Size(self.rows.length, self.columns.length)

    @property
    def window(self) -> Size:
        """Of the windows, in pixels."""
        return Size(self.rows.window, self.columns.window)

    @cached_property
    def weights(self) -> Float32 | None:
        """(h, w) float32 weight of each pixel of a window; None where all are 1."""
        if (self.rows.weights == 1).all() and (self.columns.weights == 1).all():
            return None
        return np.outer(self.rows.weights, self.columns.weights).astype(np.float32)

    def windows(self, rows: Sequence[int] | None = None) -> list[Window]:
        """Those windows that lie in some rows of windows, or all, in row-major order and cut to the scene."""
        whole = Window.of_size(self.size)
        chosen = range(len(self.rows.spans)) if rows is None else rows
        found = (
            Window(self.rows.spans[row].start, column.start, self.rows.window, self.columns.window).intersection(whole)
            for row in chosen
            for column in self.columns.spans
        )
        return [window for window in found if window is not None]


@dataclass(frozen=True, slots=True)
class Strip:
    """Some columns of a scene, from top to bottom.

    Attributes:
        left: First column.
        right: The column after the last.
        earlier: Indices of those columns of windows, or of those regions, that begin further left and end in this one
            or beyond.
        own: Indices of those that begin in this one.
    """

    left: int
    right: int
    earlier: Sequence[int]
    own: Sequence[int]

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left


def strip_borders(length: int, most: int = STRIP_COLUMNS, multiple: int = TILE_PX) -> list[int]:
    """Where a scene is cut into strips of about equal width.

    Args:
        length: Width of the scene, in pixels.
        most: The most columns of a strip, but at least `multiple`.
        multiple: Strips begin at multiples of this many columns.

    Returns:
        The first column of each strip, and the column after the last.
    """
    blocks = -(-length // multiple)
    count = -(-blocks // max(most // multiple, 1))
    return [*(blocks * index // count * multiple for index in range(count)), length]


@dataclass(frozen=True, slots=True)
class Placed:
    """What one input of the network says of one strip and of those to its right.

    Attributes:
        row: Its place in the order of all, and the same for all windows of one row.
        column: Its place in its row.
        window: The wanted pixels of the scene to which it contributes, from the strip's left border on.
        start: The scene's pixel at which the input begins.
        is_new: Whether it begins in this strip.
    """

    row: int
    column: int
    window: Window
    start: tuple[int, int]
    is_new: bool

    @property
    def inside(self) -> Window:
        """The pixels to which it contributes in the coordinates of the input."""
        top, left = self.start
        return self.window.shift(-top, -left)


def column_strips(columns: Axis, most: int, multiple: int) -> list[Strip]:
    """Cut a scene into strips of about equal width.

    Args:
        columns: The windows along the scene's width.
        most: The most columns of a strip, but at least `multiple`.
        multiple: Strips begin at multiples of this many columns.

    Returns:
        The strips from left to right.
    """
    strips = []
    for left, right in pairwise(strip_borders(columns.length, most, multiple)):
        met = columns.meeting(left, right)
        first = next((index for index in met if columns.spans[index].low >= left), met.stop)
        strips.append(Strip(left, right, range(met.start, first), range(first, met.stop)))
    return strips


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """How some rows of a scene are cut and fed to the network.

    Attributes:
        grid: The windows of the whole scene.
        top: The first row that is wanted.
        bottom: The row after the last.
        strips: The columns, from left to right.
        batch_size: How many windows go through the network at once.
        classes: Number of channels that the network gives.
        band_rows: Rows that are finished at once.
    """

    grid: WindowGrid
    top: int
    bottom: int
    strips: Sequence[Strip]
    batch_size: int
    classes: int
    band_rows: int = BAND_ROWS

    @property
    def rows(self) -> range:
        """Indices of the rows of windows that contribute to the wanted rows."""
        return self.grid.rows.meeting(self.top, self.bottom)

    @property
    def is_partial(self) -> bool:
        """Whether some pixels of the scene are in no window."""
        return False

    @property
    def planes(self) -> int:
        """Number of arrays that a window contributes: its probabilities."""
        return self.classes

    def inputs(self) -> list[Region]:
        """The network's inputs, for the annotation."""
        return [Region(window) for window in self.grid.windows()]

    def placed(self, strip: Strip) -> Iterator[Placed]:
        """The windows that contribute to a strip, in row-major order."""
        for row in self.rows:
            for column in strip.earlier:
                yield self._placed(strip, row, column, is_new=False)
            for column in strip.own:
                yield self._placed(strip, row, column, is_new=True)

    def _placed(self, strip: Strip, row: int, column: int, *, is_new: bool) -> Placed:
        rows, columns = self.grid.rows.spans[row], self.grid.columns.spans[column]
        window = Window.of_bounds(
            max(rows.low, self.top), max(columns.low, strip.left), min(rows.high, self.bottom), columns.high
        )
        return Placed(row, column, window, (rows.start, columns.start), is_new)

    def weights(self, inside: Window) -> Float32 | None:
        """(h, w) float32 weight of some pixels of a window; None where all are 1."""
        return None if self.grid.weights is None else self.grid.weights[inside.slices]


def plan_windows(
    grid: WindowGrid, batch_size: int, classes: int, rows: Rows | None = None, strip_columns: int = STRIP_COLUMNS
) -> WindowPlan:
    """Decide how a scene is done.

    Args:
        grid: Its windows.
        batch_size: How many go through the network at once.
        classes: Number of channels that the network gives.
        rows: The rows that are wanted; None for all.
        strip_columns: The most columns of a strip.
    """
    wanted = rows or Rows(0, grid.size.height)
    strips = column_strips(grid.columns, strip_columns, TILE_PX)
    return WindowPlan(grid, wanted.top, wanted.bottom, strips, batch_size, classes)


def grid_of(size: Size, mode: SlidingWindowMode) -> WindowGrid:
    """The windows that slide over an image.

    Raises:
        DataError: If the image is smaller than the window.
    """
    reason = mode.why_not(size)
    if reason is not None:
        raise DataError(reason)
    blend = mode.blend
    return WindowGrid.of(
        size,
        mode.window.size,
        mode.min_overlap.size,
        method=blend.method,
        discard_border=blend.discard_border,
        reach=mode.reach,
    )
