"""Masks with as many buildings as an INRIA scene has, for benchmarks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.geometry import Size

CELL_PX = 128


def building_mask(size: Size, seed: int) -> npt.NDArray[np.bool_]:
    """(H, W) bool: one building a cell of 128 px, L-shaped, none touching another; 1 521 on 5000×5000."""
    random = np.random.default_rng(seed)
    mask = np.zeros((size.height, size.width), np.bool_)
    for row in range(0, size.height - CELL_PX + 1, CELL_PX):
        for column in range(0, size.width - CELL_PX + 1, CELL_PX):
            top, left = row + random.integers(1, 40), column + random.integers(1, 40)
            height, width = random.integers(16, 86, 2)
            mask[top : top + height, left : left + width // 2] = True
            mask[top : top + height // 2, left : left + width] = True
    return mask
