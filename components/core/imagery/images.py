"""The pixels that an item shows."""

from __future__ import annotations

from components.core.geometry import Size
from components.core.imagery.reading import UInt8, read_rgb
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
