"""A formula in the place of a network, and what it makes of a scene when every array of it is there at once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import rasterio

from components.core.geometry import Window

CLASSES = 3


def colour_shares(windows: np.ndarray) -> np.ndarray:
    """Each band's share of a pixel's brightness, bent by the place in the window so that neighbours disagree."""
    assert windows.dtype == np.uint8
    rows, columns = np.indices(windows.shape[-2:], np.float32)
    values = windows.astype(np.float32) + 1
    values[:, 0] *= 1 + rows / 20
    values[:, 1] *= 1 + columns / 20
    return values / values.sum(axis=1, keepdims=True)


def averaged(pixels: np.ndarray, windows: Iterable[Window]) -> tuple[np.ndarray, np.ndarray]:
    """(C, H, W) float32 sums of the shares that windows give, in their order, and (H, W) how many windows do."""
    sums = np.zeros((CLASSES, *pixels.shape[1:]), np.float32)
    counts = np.zeros(pixels.shape[1:], np.float32)
    for window in windows:
        sums[(slice(None), *window.slices)] += colour_shares(pixels[(np.newaxis, slice(None), *window.slices)])[0]
        counts[window.slices] += 1
    return sums, counts


def read(path: object) -> np.ndarray:
    """(H, W) of a raster's first band."""
    with rasterio.open(str(path)) as dataset:
        return dataset.read(1)
