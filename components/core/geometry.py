"""Sizes and windows in pixels, row first everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from components.core.errors import ConfigError


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """Height and width of a raster or window, in pixels."""

    height: int
    width: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    def __str__(self) -> str:
        return f"{self.height}×{self.width}"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A rectangle of whole pixels: rows `top`..`bottom - 1`, columns `left`..`right - 1`."""

    top: int
    left: int
    height: int
    width: int

    @classmethod
    def of_size(cls, size: Size) -> Window:
        """The window that covers a whole raster of `size`."""
        return cls(0, 0, size.height, size.width)

    @classmethod
    def of_bounds(cls, top: int, left: int, bottom: int, right: int) -> Window:
        """The window from (top, left) to (bottom, right), the latter excluded."""
        return cls(top, left, bottom - top, right - left)

    @property
    def bottom(self) -> int:
        """First row below the window."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """First column right of the window."""
        return self.left + self.width

    @property
    def size(self) -> Size:
        """Height and width."""
        return Size(self.height, self.width)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices that cut this window out of a (H, W) array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def intersection(self, other: Window) -> Window | None:
        """The common part of two windows, or None where they share no pixel."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Window.of_bounds(top, left, bottom, right) if top < bottom and left < right else None

    def contains(self, other: Window) -> bool:
        """Whether every pixel of `other` lies in this window."""
        return (
            self.top <= other.top
            and self.left <= other.left
            and other.bottom <= self.bottom
            and other.right <= self.right
        )

    def shift(self, rows: int, columns: int) -> Window:
        """The same window moved down by `rows` and right by `columns`."""
        return Window(self.top + rows, self.left + columns, self.height, self.width)

    def __str__(self) -> str:
        return f"rows {self.top}–{self.bottom - 1}, columns {self.left}–{self.right - 1}"


class FlipAxis(StrEnum):
    """Which way an image is mirrored."""

    LEFT_RIGHT = "left_right"
    UP_DOWN = "up_down"

    @property
    def array_axis(self) -> int:
        """The axis of a (H, W, …) array that this mirrors."""
        return 1 if self is FlipAxis.LEFT_RIGHT else 0


def sliding_starts(length: int, window: int, overlap: int) -> list[int]:
    """First pixels of the windows that slide along one side of an image.

    Starts are 0, s, 2s, … while they lie below `length - window + s`, each clamped to
    `length - window`, so that the windows cover every pixel and the last one is shifted inward.

    Args:
        length: Side of the image, in pixels.
        window: Side of the window, in pixels.
        overlap: Least overlap of neighbouring windows, in pixels; the stride is `window - overlap`.

    Returns:
        The starts, ascending, in pixels.

    Raises:
        ConfigError: If the stride is below 1 or the window exceeds the image.
    """
    stride = window - overlap
    if stride < 1:
        raise ConfigError(f"min_overlap: {overlap} leaves no stride for a window of {window}; use at most {window - 1}")
    if window > length:
        raise ConfigError(f"window: {window} exceeds the image's {length}; use at most {length}")
    last = length - window
    return [min(start, last) for start in range(0, last + stride, stride)]


def sliding_windows(size: Size, window: Size, overlap: Size) -> list[Window]:
    """All windows that slide over an image, row by row.

    Args:
        size: Size of the image, in pixels.
        window: Size of the windows, in pixels.
        overlap: Least overlap of neighbouring windows, in pixels.

    Returns:
        The windows in row-major order; together they cover every pixel.

    Raises:
        ConfigError: As `sliding_starts`.
    """
    columns = sliding_starts(size.width, window.width, overlap.width)
    return [
        Window(top, left, window.height, window.width)
        for top in sliding_starts(size.height, window.height, overlap.height)
        for left in columns
    ]


def row_bands(size: Size, height: int) -> Iterator[Window]:
    """Cut a raster into bands of full width, `height` rows each, the last one perhaps lower."""
    for top in range(0, size.height, height):
        yield Window(top, 0, min(height, size.height - top), size.width)
