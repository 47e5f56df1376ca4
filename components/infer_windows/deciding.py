"""From probabilities to classes."""

from __future__ import annotations

import numpy as np

from components.core.errors import DataError
from components.infer_windows.arrays import Float32, UInt8

NO_DATA = 255
"""What a mask holds where the image holds no data; no class has this index."""


def decide(probabilities: Float32) -> tuple[UInt8, UInt8]:
    """Choose each pixel's most probable class; of equal ones the first.

    Args:
        probabilities: (C, H, W) float32.

    Returns:
        (H, W) uint8 class indices, and (H, W) uint8 probability of that class × 255, rounded.

    Raises:
        DataError: If a probability is not a number.
    """
    best = probabilities[0]
    values = np.zeros(best.shape, np.uint8)
    for index in range(1, len(probabilities)):
        if index == 1:
            values = np.greater(probabilities[1], best).view(np.uint8)
        else:
            np.putmask(values, probabilities[index] > best, index)
        best = np.maximum(probabilities[index], best)
    if not np.isfinite(best.max()):
        raise DataError(
            "the network gives values that are no numbers; set precision to 'float32' in the inference config, "
            "or train the model again if that does not help"
        )
    scaled = best * np.float32(255)
    scaled += np.float32(0.5)
    return values, scaled.astype(np.uint8)
