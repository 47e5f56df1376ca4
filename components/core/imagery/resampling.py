"""Windows of a resized, turned or mirrored image, from the windows of the image that they show.

Places are whole numbers of parts of a pixel, so that a pixel has one value in whichever window it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.operations import (
    Mirror,
    Resize,
    Rotate,
)

Planes = npt.NDArray[np.uint8]
"""(C, H, W) uint8."""

ReadWindow = Callable[[Window], Planes]

PLACE_BITS = 10
"""Places in a turned image are rounded to 1/1024 px before they are added up, as OpenCV does."""

PART_BITS = 5
"""Lanczos weights are known for places in 1/32 px."""

WEIGHT_BITS = 11
"""Of bilinear weights."""

LANCZOS_REACH = 4

AT_ONCE = 3
"""Channels that OpenCV turns together, in half the time of one by one; it takes four at most."""


def box_of(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Window:
    """The least window that holds some rows and columns."""
    return Window.of_bounds(int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)


def mirrored(mirror: Mirror, size: Size, window: Window, read: ReadWindow) -> Planes:
    """A window of the mirror image."""
    if mirror.axis is FlipAxis.LEFT_RIGHT:
        return read(Window(window.top, size.width - window.right, window.height, window.width))[..., ::-1]
    return read(Window(size.height - window.bottom, window.left, window.height, window.width))[..., ::-1, :]


def quarter_turned(turns: int, size: Size, window: Window, read: ReadWindow) -> Planes:
    """A window of an image after quarter turns against the clock."""
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


def bilinear_taps(
    start: int, end: int, factor: float, length: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The two pixels, (2, N), and the weight of the second, in 1/2048, that make pixels `start`..`end - 1` bilinear."""
    places = (np.arange(start, end) + 0.5) / factor - 0.5
    first = np.floor(places).astype(np.int64)
    weights = np.rint((places - first) * (1 << WEIGHT_BITS)).astype(np.int64)
    return np.clip(np.stack([first, first + 1]), 0, length - 1), weights


def resized(resize: Resize, size: Size, window: Window, read: ReadWindow) -> Planes:
    """A window of a resized image, bilinear."""
    rows, down = bilinear_taps(window.top, window.bottom, resize.down, size.height)
    columns, right = bilinear_taps(window.left, window.right, resize.right, size.width)
    box = box_of(rows, columns)
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


def turned_box(rotate: Rotate, size: Size, window: Window) -> Window:
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


def turned(rotate: Rotate, size: Size, window: Window, read: ReadWindow) -> Planes:
    """A window of a turned image by Lanczos, 0 outside the image."""
    rows, columns = _turned_places(rotate, size, window, PART_BITS)
    box = turned_box(rotate, size, window)
    pixels = read(box)
    parts = (1 << PART_BITS) - 1
    table = (((rows & parts) << PART_BITS) + (columns & parts)).astype(np.uint16)
    places = np.stack([(columns >> PART_BITS) - box.left, (rows >> PART_BITS) - box.top], axis=-1)
    places = np.clip(places, -(1 << 15), (1 << 15) - 1).astype(np.int16)
    result = np.empty((len(pixels), window.height, window.width), np.uint8)
    for first in range(0, len(pixels), AT_ONCE):
        channels_last = np.ascontiguousarray(np.moveaxis(pixels[first : first + AT_ONCE], 0, 2))
        made = cv2.remap(channels_last, places, table, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_CONSTANT)
        result[first : first + AT_ONCE] = np.moveaxis(made.reshape(*made.shape[:2], -1), 2, 0)
    return result


def turned_nearest(rotate: Rotate, size: Size, window: Window, read: ReadWindow) -> Planes:
    """A window of a turned image by the nearest pixel, 0 outside the image.

    Args:
        rotate: By no whole number of quarter turns.
        size: Of the image.
        window: Of the result.
        read: Gives any window of the image.
    """
    rows, columns = _turned_places(rotate, size, window, 0)
    box = turned_box(rotate, size, window)
    pixels = read(box)
    inside = (rows >= 0) & (rows < size.height) & (columns >= 0) & (columns < size.width)
    result = np.zeros((len(pixels), window.height, window.width), np.uint8)
    result[:, inside] = pixels[:, rows[inside] - box.top, columns[inside] - box.left]
    return result
