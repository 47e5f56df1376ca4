"""The grid of windows over a scene: which pixels each window decides on, and how much they weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from components.core.geometry import Size, Window, sliding_starts
from components.infer_windows.arrays import Float32, Float64
from components.infer_windows.weights import Method, profile


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
class Grid:
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
    ) -> Grid:
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
