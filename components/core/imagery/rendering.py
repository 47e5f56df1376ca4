"""Pixels of operations: any window of a result, from the windows before it that it needs.

Every function here gives a pixel the same value whichever window it is asked in: places are whole numbers of parts of a
pixel, sums are exact, and noise is keyed by the pixel's place. Windows that would need much are put together from
smaller ones, so that memory is bounded whatever is scaled down or turned.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.core.geometry import Size, Window
from components.core.imagery.filters import clamped, gaussian, median, recoloured, reflected, surroundings
from components.core.imagery.noise import add_noise
from components.core.imagery.operations import (
    Colour,
    Frame,
    GaussianBlur,
    MedianBlur,
    Mirror,
    Noise,
    Operation,
    Resize,
    Rotate,
)
from components.core.imagery.resampling import (
    Planes,
    ReadWindow,
    bilinear_taps,
    box_of,
    mirrored,
    nearest,
    quarter_turned,
    resized,
    turned,
    turned_box,
    turned_nearest,
)

MOST_PIXELS = 1 << 24
"""Of what is read to make a window; one that needs more is made in parts."""

MOST_SIDE = 1 << 14
"""The same for a side, in pixels; OpenCV's limit is twice that."""


def render(
    operations: Sequence[Operation], sizes: Sequence[Size], window: Window, read: ReadWindow, bands: int = 3
) -> Planes:
    """Compute a window of what operations make of an image.

    Args:
        operations: In order.
        sizes: Of the image before each.
        window: Of the result.
        read: Gives any window of the image before the first.
        bands: How many the image has; those behind the third are no colours, and `Colour` leaves them as they are.

    Returns:
        (C, H, W) uint8.
    """
    return _render(operations, sizes, window, read, _Methods(bands))


def render_validity(operations: Sequence[Operation], sizes: Sequence[Size], window: Window, read: ReadWindow) -> Planes:
    """Move what says which pixels hold data as operations move pixels: by the nearest one, 0 outside the image.

    Args:
        operations: In order; those that only change values change nothing.
        sizes: Of the image before each.
        window: Of the result.
        read: Gives any window of the image before the first, (1, H, W) uint8.

    Returns:
        (1, H, W) uint8.
    """
    return _render(operations, sizes, window, read, _NEAREST)


def _render(
    operations: Sequence[Operation], sizes: Sequence[Size], window: Window, read: ReadWindow, methods: _Methods
) -> Planes:
    if not operations:
        return read(window)
    *before, last = operations
    size = sizes[len(before)]
    needed = methods.needed(last, size, window)
    if window.size.area > 1 and (
        needed.size.area > MOST_PIXELS or max(needed.height, needed.width, window.height, window.width) > MOST_SIDE
    ):
        along = 1 if window.height >= window.width else 2
        parts = [_render(operations, sizes, half, read, methods) for half in _halves(window)]
        return np.concatenate(parts, axis=along)
    return methods.make(last, size, window, lambda asked: _render(before, sizes, asked, read, methods))


def _halves(window: Window) -> tuple[Window, Window]:
    top, left, height, width = window.top, window.left, window.height, window.width
    if height >= width:
        half = height // 2
        return Window(top, left, half, width), Window(top + half, left, height - half, width)
    half = width // 2
    return Window(top, left, height, half), Window(top, left + half, height, width - half)


class _Methods:
    """How the result of one operation is computed; and which window of the image before it that takes."""

    def __init__(self, bands: int) -> None:
        self.bands = bands

    def needed(self, operation: Operation, size: Size, window: Window) -> Window:
        """The box of what is read; may be more than is."""
        match operation:
            case Frame():
                return window.shift(operation.top, operation.left)
            case Resize():
                rows = bilinear_taps(window.top, window.bottom, operation.down, size.height)[0]
                columns = bilinear_taps(window.left, window.right, operation.right, size.width)[0]
                return box_of(rows, columns)
            case Rotate() if operation.quarter_turns is None:
                return turned_box(operation, size, window)
            case GaussianBlur() | MedianBlur():
                radius = operation.radius
                return Window(
                    window.top - radius, window.left - radius, window.height + 2 * radius, window.width + 2 * radius
                )
        return window

    def make(self, operation: Operation, size: Size, window: Window, read: ReadWindow) -> Planes:
        """A window of the result."""
        match operation:
            case Frame():
                return self.framed(operation, size, window, read)
            case Mirror():
                return mirrored(operation, size, window, read)
            case Rotate() if operation.quarter_turns is not None:
                return quarter_turned(operation.quarter_turns, size, window, read)
            case Rotate():
                return self.turned(operation, size, window, read)
            case Resize():
                return self.resized(operation, size, window, read)
        return self.filtered(operation, size, window, read)

    def framed(self, operation: Frame, size: Size, window: Window, read: ReadWindow) -> Planes:
        """What is there of it."""
        asked = window.shift(operation.top, operation.left)
        seen = asked.intersection(Window.of_size(size))
        if seen == asked:
            return read(asked)
        result = np.zeros((self.bands, window.height, window.width), np.uint8)
        if seen is not None:
            result[(slice(None), *seen.shift(-asked.top, -asked.left).slices)] = read(seen)
        return result

    def turned(self, operation: Rotate, size: Size, window: Window, read: ReadWindow) -> Planes:
        """By Lanczos."""
        return turned(operation, size, window, read)

    def resized(self, operation: Resize, size: Size, window: Window, read: ReadWindow) -> Planes:
        """Bilinear."""
        return resized(operation, size, window, read)

    def filtered(self, operation: Operation, size: Size, window: Window, read: ReadWindow) -> Planes:
        """As it says."""
        match operation:
            case GaussianBlur():
                return gaussian(operation, surroundings(operation.radius, size, window, read, reflected))
            case MedianBlur():
                return median(operation, surroundings(operation.radius, size, window, read, clamped))
            case Colour():
                return recoloured(operation, read(window))
            case Noise():
                return add_noise(read(window), window, operation.mean, operation.std, operation.seed)
        raise TypeError(f"nothing computes the pixels of {operation!r}")


class _NearestMethods(_Methods):
    """By the nearest pixel; values do not change."""

    def turned(self, operation: Rotate, size: Size, window: Window, read: ReadWindow) -> Planes:
        """By the nearest pixel."""
        return turned_nearest(operation, size, window, read)

    def resized(self, operation: Resize, size: Size, window: Window, read: ReadWindow) -> Planes:
        """By the nearest pixel."""
        rows = nearest(window.top, window.bottom, size.height, operation.height)
        columns = nearest(window.left, window.right, size.width, operation.width)
        box = box_of(rows, columns)
        return np.ascontiguousarray(read(box)[:, rows - box.top][:, :, columns - box.left])

    def filtered(self, operation: Operation, size: Size, window: Window, read: ReadWindow) -> Planes:
        """As it is."""
        return read(window)


_NEAREST = _NearestMethods(1)
