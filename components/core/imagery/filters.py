"""Pixels blurred or recoloured, alike in whichever window they are asked for: sums are exact."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from components.core.geometry import Size, Window
from components.core.imagery.operations import Colour, GaussianBlur, MedianBlur
from components.core.imagery.resampling import Planes, ReadWindow, box_of

KERNEL_BITS = 20
"""Of the weights of a Gaussian along each axis: sums of products of both and a byte are exact in 64-bit floats."""

NEARLY = 1e-9
"""Added before rounding down, so that what is a whole number but for rounding errors stays one."""


def surroundings(
    radius: int,
    size: Size,
    window: Window,
    read: ReadWindow,
    beyond: Callable[[npt.NDArray[np.int64], int], npt.NDArray[np.int64]],
) -> Planes:
    """A window with so many pixels around it; `beyond` says which pixels stand for those outside the image."""
    rows = beyond(np.arange(window.top - radius, window.bottom + radius), size.height)
    columns = beyond(np.arange(window.left - radius, window.right + radius), size.width)
    box = box_of(rows, columns)
    pixels = read(box)
    if box.size == Size(len(rows), len(columns)) and (np.diff(rows) > 0).all() and (np.diff(columns) > 0).all():
        return np.ascontiguousarray(pixels)
    return np.ascontiguousarray(pixels[:, rows - box.top][:, :, columns - box.left])


def reflected(places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Places on a line of pixels, those beyond its ends as in a mirror on the last pixel."""
    period = max(2 * (length - 1), 1)
    places = places % period
    return np.minimum(places, period - places) if length > 1 else np.zeros_like(places)


def clamped(places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
    """Places on a line of pixels, those beyond its ends as the last pixel."""
    return np.clip(places, 0, length - 1)


@lru_cache(maxsize=64)
def _kernel(sigma: float, radius: int) -> npt.NDArray[np.float64]:
    """(2 · radius + 1,) whole numbers that sum up to 2**KERNEL_BITS."""
    places = np.arange(-radius, radius + 1)
    weights = np.exp(-((places / sigma) ** 2) / 2)
    whole = np.rint(weights / weights.sum() * (1 << KERNEL_BITS))
    whole[radius] += (1 << KERNEL_BITS) - whole.sum()
    return whole


def gaussian(blur: GaussianBlur, pixels: Planes) -> Planes:
    """Blur (C, H + 2r, W + 2r) uint8 by a Gaussian of radius r; gives (C, H, W)."""
    kernel, radius = _kernel(blur.sigma, blur.radius), blur.radius
    inner = (slice(radius, pixels.shape[1] - radius), slice(radius, pixels.shape[2] - radius))
    sums = (cv2.sepFilter2D(band, cv2.CV_64F, kernel, kernel)[inner] for band in pixels)
    return np.stack([np.floor(total / (1 << (2 * KERNEL_BITS))).astype(np.uint8) for total in sums])


def median(blur: MedianBlur, pixels: Planes) -> Planes:
    """Blur (C, H + 2r, W + 2r) uint8 by the median of squares of radius r; gives (C, H, W)."""
    radius = blur.radius
    inner = (slice(radius, pixels.shape[1] - radius), slice(radius, pixels.shape[2] - radius))
    return np.stack([cv2.medianBlur(band, blur.kernel)[inner] for band in pixels])


def recoloured(colour: Colour, pixels: Planes) -> Planes:
    """Mix the first three bands of pixels and add an offset, rounded down and cut to 0–255; further bands stay."""
    levels = np.arange(256, dtype=np.float64)
    result = np.empty_like(pixels)
    result[3:] = pixels[3:]
    for made, row, offset in zip(result[:3], np.reshape(colour.matrix, (3, 3)), colour.offset, strict=True):
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
