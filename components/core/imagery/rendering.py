"""Pixels of operations: any window of a result, from the windows before it that it needs.

Every function here gives a pixel the same value whichever window it is asked in: places are whole numbers of parts of a
pixel, sums are exact, and noise is keyed by the pixel's place. Windows that would need much are put together from
smaller ones, so that memory is bounded whatever is scaled down or turned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from components.core.geometry import FlipAxis, Size, Window
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

Planes = npt.NDArray[np.uint8]
"""(C, H, W) uint8."""

ReadWindow = Callable[[Window], Planes]

MOST_PIXELS = 1 << 24
"""Of what is read to make a window; one that needs more is made in parts."""

MOST_SIDE = 1 << 14
"""The same for a side, in pixels; OpenCV's limit is twice that."""

PLACE_BITS = 10
"""Places in a turned image are rounded to 1/1024 px before they are added up, as OpenCV does."""

PART_BITS = 5
"""Lanczos weights are known for places in 1/32 px."""

WEIGHT_BITS = 11
"""Of bilinear weights."""

KERNEL_BITS = 20
"""Of the weights of a Gaussian along each axis: sums of products of both and a byte are exact in 64-bit floats."""

LANCZOS_REACH = 4

NEARLY = 1e-9
"""Added before rounding down, so that what is a whole number but for rounding errors stays one."""


def render(operations: Sequence[Operation], sizes: Sequence[Size], window: Window, read: ReadWindow) -> Planes:
    """Compute a window of what operations make of an image.

    Args:
        operations: In order.
        sizes: Of the image before each.
        window: Of the result.
        read: Gives any window of the image before the first.

    Returns:
        (C, H, W) uint8.
    """
    return _render(operations, sizes, window, read, _PIXELS)


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

    bands = 3

    def needed(self, operation: Operation, size: Size, window: Window) -> Window:
        """The box of what is read; may be more than is."""
        match operation:
            case Frame():
                return window.shift(operation.top, operation.left)
            case Resize():
                rows = _taps(window.top, window.bottom, operation.down, size.height)[0]
                columns = _taps(window.left, window.right, operation.right, size.width)[0]
                return _box(rows, columns)
            case Rotate() if operation.quarter_turns is None:
                return _turned_box(operation, size, window)
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
                return _mirrored(operation, size, window, read)
            case Rotate() if operation.quarter_turns is not None:
                return _quarter_turned(operation.quarter_turns, size, window, read)
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
        return _turned(operation, size, window, read)

    def resized(self, operation: Resize, size: Size, window: Window, read: ReadWindow) -> Planes:
        """Bilinear."""
        return _resized(operation, size, window, read)

    def filtered(self, operation: Operation, size: Size, window: Window, read: ReadWindow) -> Planes:
        """As it says."""
        match operation:
            case GaussianBlur():
                return _gaussian(operation, _surroundings(operation.radius, size, window, read, _reflected))
            case MedianBlur():
                pixels = _surroundings(operation.radius, size, window, read, _clamped)
                radius = operation.radius
                inner = (slice(radius, radius + window.height), slice(radius, radius + window.width))
                return np.stack([cv2.medianBlur(band, operation.kernel)[inner] for band in pixels])
            case Colour():
                return _coloured(operation, read(window))
            case Noise():
                return add_noise(read(window), window, operation.mean, operation.std, operation.seed)
        raise TypeError(f"nothing computes the pixels of {operation!r}")


class _NearestMethods(_Methods):
    """By the nearest pixel; values do not change."""

    bands = 1

    def turned(self, operation: Rotate, size: Size, window: Window, read: ReadWindow) -> Planes:
        """By the nearest pixel."""
        return turned_nearest(operation, size, window, read)

    def resized(self, operation: Resize, size: Size, window: Window, read: ReadWindow) -> Planes:
        """By the nearest pixel."""
        rows = nearest(window.top, window.bottom, size.height, operation.height)
        columns = nearest(window.left, window.right, size.width, operation.width)
        box = _box(rows, columns)
        return np.ascontiguousarray(read(box)[:, rows - box.top][:, :, columns - box.left])

    def filtered(self, operation: Operation, size: Size, window: Window, read: ReadWindow) -> Planes:
        """As it is."""
        return read(window)


_PIXELS, _NEAREST = _Methods(), _NearestMethods()


def _box(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Window:
    return Window.of_bounds(int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)


def _mirrored(mirror: Mirror, size: Size, window: Window, read: ReadWindow) -> Planes:
    if mirror.axis is FlipAxis.LEFT_RIGHT:
        return read(Window(window.top, size.width - window.right, window.height, window.width))[..., ::-1]
    return read(Window(size.height - window.bottom, window.left, window.height, window.width))[..., ::-1, :]


def _quarter_turned(turns: int, size: Size, window: Window, read: ReadWindow) -> Planes:
    top, left, bottom, right = window.top, window.left, window.bottom, window.right
    if turns == 1:
        asked = Window(left, size.width - bottom, window.width, window.height)
    elif turns == 2:
        asked = Window(size.height - bottom, size.width - right, window.height, window.width)
    elif turns == 3:
        asked = Window(size.height - right, top, window.width, window.height)
    else:
        asked = window
    return np.rot90(read(asked), turns, axes=(1, 2))


def nearest(start: int, end: int, source: int, target: int) -> npt.NDArray[np.int64]:
    """Which of `source` pixels stand for pixels `start`..`end - 1` of `target`: floor((i + 0.5) · source / target)."""
    places = np.arange(start, end, dtype=np.int64)
    return np.minimum((2 * places + 1) * source // (2 * target), source - 1)


def _taps(start: int, end: int, factor: float, length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The two pixels, (2, N), and the weight of the second, in 1/2048, that make pixels `start`..`end - 1` bilinear."""
    places = (np.arange(start, end) + 0.5) / factor - 0.5
    first = np.floor(places).astype(np.int64)
    weights = np.rint((places - first) * (1 << WEIGHT_BITS)).astype(np.int64)
    return np.clip(np.stack([first, first + 1]), 0, length - 1), weights


def _resized(resize: Resize, size: Size, window: Window, read: ReadWindow) -> Planes:
    rows, down = _taps(window.top, window.bottom, resize.down, size.height)
    columns, right = _taps(window.left, window.right, resize.right, size.width)
    box = _box(rows, columns)
    pixels = read(box)
    rows, columns = rows - box.top, columns - box.left
    by_row, by_column = down.astype(np.int32)[:, np.newaxis], right.astype(np.int32)
    result = np.empty((len(pixels), window.height, window.width), np.uint8)
    for band, made in zip(pixels, result, strict=True):
        if window.height <= box.height:
            mixed = _mixed(band[rows[0]], band[rows[1]], by_row)
            total = _mixed(mixed[:, columns[0]], mixed[:, columns[1]], by_column)
        else:
            mixed = _mixed(band[:, columns[0]], band[:, columns[1]], by_column)
            total = _mixed(mixed[rows[0]], mixed[rows[1]], by_row)
        np.right_shift(total + (1 << (2 * WEIGHT_BITS - 1)), 2 * WEIGHT_BITS, out=total)
        made[...] = total
    return result


def _mixed(
    first: npt.NDArray[np.integer], second: npt.NDArray[np.integer], weights: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    """The sum of two, the second weighted, in 1/2048."""
    base = first.astype(np.int32)
    result = second.astype(np.int32)
    result -= base
    result *= weights
    base <<= WEIGHT_BITS
    result += base
    return result


def _turned_places(
    rotate: Rotate, size: Size, window: Window, bits: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(H, W) rows and columns of the image that pixels of a turned one show, in 1/2**bits px, rounded half up."""
    a, b, c, d, e, f = tuple(rotate.backward_of_pixels(size))[:6]
    scale, half = 1 << PLACE_BITS, 1 << (PLACE_BITS - bits - 1)
    rows, columns = np.arange(window.top, window.bottom), np.arange(window.left, window.right)
    along_x, along_y = (np.rint(factor * columns * scale).astype(np.int64) for factor in (a, d))
    start_x, start_y = (
        np.rint((factor * rows + shift) * scale).astype(np.int64) + half for factor, shift in ((b, c), (e, f))
    )
    shift = PLACE_BITS - bits
    return (start_y[:, np.newaxis] + along_y) >> shift, (start_x[:, np.newaxis] + along_x) >> shift


def _turned_box(rotate: Rotate, size: Size, window: Window) -> Window:
    """The box of what a window shows of the image, with what Lanczos looks at; of one pixel where it shows nothing."""
    matrix = rotate.backward_of_pixels(size)
    corners = [
        matrix @ (column, row) for column in (window.left, window.right - 1) for row in (window.top, window.bottom - 1)
    ]
    columns, rows = zip(*corners, strict=True)
    reach = LANCZOS_REACH + 2
    box = Window.of_bounds(
        math.floor(min(rows)) - reach,
        math.floor(min(columns)) - reach,
        math.ceil(max(rows)) + reach,
        math.ceil(max(columns)) + reach,
    )
    return box.intersection(Window.of_size(size)) or Window(0, 0, 1, 1)


def _turned(rotate: Rotate, size: Size, window: Window, read: ReadWindow) -> Planes:
    rows, columns = _turned_places(rotate, size, window, PART_BITS)
    box = _turned_box(rotate, size, window)
    pixels = read(box)
    parts = (1 << PART_BITS) - 1
    table = (((rows & parts) << PART_BITS) + (columns & parts)).astype(np.uint16)
    places = np.stack([(columns >> PART_BITS) - box.left, (rows >> PART_BITS) - box.top], axis=-1)
    places = np.clip(places, -(1 << 15), (1 << 15) - 1).astype(np.int16)
    channels_last = np.ascontiguousarray(np.moveaxis(pixels, 0, 2))  # half the time of channel by channel
    made = cv2.remap(channels_last, places, table, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_CONSTANT)
    return np.ascontiguousarray(np.moveaxis(made, 2, 0))


def turned_nearest(rotate: Rotate, size: Size, window: Window, read: ReadWindow) -> Planes:
    """A window of a turned image by the nearest pixel, 0 outside the image.

    Args:
        rotate: By no whole number of quarter turns.
        size: Of the image.
        window: Of the result.
        read: Gives any window of the image.
    """
    rows, columns = _turned_places(rotate, size, window, 0)
    box = _turned_box(rotate, size, window)
    pixels = read(box)
    inside = (rows >= 0) & (rows < size.height) & (columns >= 0) & (columns < size.width)
    result = np.zeros((len(pixels), window.height, window.width), np.uint8)
    result[:, inside] = pixels[:, rows[inside] - box.top, columns[inside] - box.left]
    return result


def _surroundings(
    radius: int,
    size: Size,
    window: Window,
    read: ReadWindow,
    beyond: Callable[[npt.NDArray[np.int64], int], npt.NDArray[np.int64]],
) -> Planes:
    """A window with so many pixels around it; `beyond` says which pixels stand for those outside the image."""
    rows = beyond(np.arange(window.top - radius, window.bottom + radius), size.height)
    columns = beyond(np.arange(window.left - radius, window.right + radius), size.width)
    box = _box(rows, columns)
    pixels = read(box)
    if box.size == Size(len(rows), len(columns)) and (np.diff(rows) > 0).all() and (np.diff(columns) > 0).all():
        return np.ascontiguousarray(pixels)
    return np.ascontiguousarray(pixels[:, rows - box.top][:, :, columns - box.left])


def _reflected(places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    period = max(2 * (length - 1), 1)
    places = places % period
    return np.minimum(places, period - places) if length > 1 else np.zeros_like(places)


def _clamped(places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    return np.clip(places, 0, length - 1)


@lru_cache(maxsize=64)
def _kernel(sigma: float, radius: int) -> npt.NDArray[np.float64]:
    """(2 · radius + 1,) whole numbers that sum up to 2**KERNEL_BITS."""
    places = np.arange(-radius, radius + 1)
    weights = np.exp(-((places / sigma) ** 2) / 2)
    whole = np.rint(weights / weights.sum() * (1 << KERNEL_BITS))
    whole[radius] += (1 << KERNEL_BITS) - whole.sum()
    return whole


def _gaussian(blur: GaussianBlur, pixels: Planes) -> Planes:
    kernel, radius = _kernel(blur.sigma, blur.radius), blur.radius
    inner = (slice(radius, pixels.shape[1] - radius), slice(radius, pixels.shape[2] - radius))
    sums = (cv2.sepFilter2D(band, cv2.CV_64F, kernel, kernel)[inner] for band in pixels)
    return np.stack([np.floor(total / (1 << (2 * KERNEL_BITS))).astype(np.uint8) for total in sums])


def _coloured(colour: Colour, pixels: Planes) -> Planes:
    levels = np.arange(256, dtype=np.float64)
    result = np.empty((3, *pixels.shape[1:]), np.uint8)
    for made, row, offset in zip(result, np.reshape(colour.matrix, (3, 3)), colour.offset, strict=True):
        if np.count_nonzero(row) <= 1:  # one channel alone: a table of 256 levels
            channel = int(np.argmax(row != 0))
            table = np.clip(levels * row[channel] + offset + NEARLY, 0, 255).astype(np.uint8)
            made[...] = table[pixels[channel]]
            continue
        total = pixels[0] * row[0] + pixels[1] * row[1]
        total += pixels[2] * row[2]
        total += offset + NEARLY
        made[...] = np.clip(total, 0, 255, out=total).astype(np.uint8)
    return result
