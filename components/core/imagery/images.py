"""The pixels that an item shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.core.geometry import Size, Window
from components.core.imagery.bands import COLOURS
from components.core.imagery.reading import UInt8, read_bands, read_valid
from components.core.imagery.recipe import Crop, Recipe

BAND_PIXELS = 1 << 22
"""Of a result of operations that is at hand at once while it is made smaller."""


def read_image(uri: str, recipe: Recipe, size: Size | None = None, bands: Sequence[str] = COLOURS) -> UInt8:
    """Pixels of a raster after a recipe; reads what the recipe shows alone.

    Args:
        uri: The raster.
        recipe: Which of its pixels, how they are mirrored, and what else is done to them.
        size: Of the result where it is to be smaller than the recipe's.
        bands: Names of the bands: red, green and blue, and further ones behind them.

    Returns:
        (C, H, W) uint8 of these bands; perhaps a mirrored view.

    Raises:
        DataError: If the raster cannot be read or the recipe leaves it.
    """
    if not recipe.operations:
        return recipe.apply(read_bands(uri, recipe.window, bands, size))
    if size is None or size == recipe.size:
        return _operated(uri, recipe, Window.of_size(recipe.size), bands)
    return _made_smaller(uri, recipe, size, bands)


def _operated(uri: str, recipe: Recipe, window: Window, bands: Sequence[str]) -> UInt8:
    from components.core.imagery.rendering import render  # OpenCV, for those whose images need it

    def read(asked: Window) -> UInt8:
        cut = recipe.plain.then(Crop(asked))
        return cut.apply(read_bands(uri, cut.window, bands))

    return render(recipe.operations, recipe.sizes(), window, read, len(bands))


def _made_smaller(uri: str, recipe: Recipe, size: Size, bands: Sequence[str]) -> UInt8:
    """All of a recipe's result averaged down, a band of rows at a time."""
    import cv2

    whole = recipe.size
    result = np.empty((len(bands), size.height, size.width), np.uint8)
    step = max(1, BAND_PIXELS * size.height // whole.area)
    for first in range(0, size.height, step):
        end = min(first + step, size.height)
        top, bottom = first * whole.height // size.height, -(-end * whole.height // size.height)
        pixels = _operated(uri, recipe, Window.of_bounds(top, 0, bottom, whole.width), bands)
        for band, made in zip(pixels, result[:, first:end], strict=True):
            shape = (size.width, end - first)
            made[...] = cv2.resize(np.ascontiguousarray(band), shape, interpolation=cv2.INTER_AREA)
    return result


def read_validity(uri: str, recipe: Recipe) -> npt.NDArray[np.bool_]:
    """Which pixels of a raster hold data, after a recipe; reads what the recipe shows alone.

    Args:
        uri: The raster.
        recipe: Which of its pixels, and what is done to them; where they show nothing of the raster there is no data.

    Returns:
        (H, W) bool; perhaps a mirrored view.

    Raises:
        DataError: If the raster cannot be read.
    """
    if not recipe.operations:
        return recipe.apply(read_valid(uri, recipe.window))
    from components.core.imagery.rendering import render_validity

    def read(window: Window) -> UInt8:
        cut = recipe.plain.then(Crop(window))
        return cut.apply(read_valid(uri, cut.window))[np.newaxis].view(np.uint8)

    window = Window.of_size(recipe.size)
    return render_validity(recipe.operations, recipe.sizes(), window, read)[0] > 0
