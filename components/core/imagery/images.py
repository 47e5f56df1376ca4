"""The pixels that an item shows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.geometry import Size
from components.core.imagery.reading import UInt8, read_rgb, read_valid
from components.core.imagery.recipe import Recipe


def read_image(uri: str, recipe: Recipe, size: Size | None = None) -> UInt8:
    """Pixels of a raster after a recipe; reads the recipe's window alone.

    Args:
        uri: The raster.
        recipe: Which of its pixels, and how they are mirrored.
        size: Of the result where it is to be smaller than the recipe's window.

    Returns:
        (3, H, W) uint8 RGB; perhaps a mirrored view.

    Raises:
        DataError: If the raster cannot be read or the recipe leaves it.
    """
    return recipe.apply(read_rgb(uri, recipe.window, size))


def read_validity(uri: str, recipe: Recipe) -> npt.NDArray[np.bool_]:
    """Which pixels of a raster hold data, after a recipe; reads the recipe's window alone.

    Args:
        uri: The raster.
        recipe: Which of its pixels, and how they are mirrored.

    Returns:
        (H, W) bool; perhaps a mirrored view.

    Raises:
        DataError: If the raster cannot be read.
    """
    return recipe.apply(read_valid(uri, recipe.window))
