"""Images smaller than the network's input, brought to its size without changing their scale."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.geometry import Size
from components.core.network.classes import NEUTRAL_INDEX

UInt8 = npt.NDArray[np.uint8]


def pad(image: UInt8, mask: UInt8, size: Size) -> tuple[UInt8, UInt8]:
    """Put an image in the middle of its own mirror images; what is mirrored is neutral.

    Args:
        image: (C, H, W) uint8 bands.
        mask: (H, W) uint8 class indices.
        size: Least height and width of the result; a side that is as long already stays.

    Returns:
        Image and mask of one size.
    """
    borders = [_border(side, least) for side, least in zip(mask.shape, (size.height, size.width), strict=True)]
    if borders == [(0, 0), (0, 0)]:
        return image, mask
    return np.pad(image, [(0, 0), *borders], "reflect"), np.pad(mask, borders, constant_values=NEUTRAL_INDEX)


def _border(side: int, least: int) -> tuple[int, int]:
    missing = max(least - side, 0)
    return missing // 2, missing - missing // 2
