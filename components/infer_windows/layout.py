"""Scenes whose rows are stored whole, laid out in tiles so that strips of columns can be read by themselves.

Of an untiled TIFF or a PNG, whoever reads some columns decodes all of them. Where a scene is cut into several strips,
it would be decoded, and fetched from object storage, once for each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from components.core import storage
from components.core.geometry import Size, Window
from components.core.imagery import RasterProfile, Recipe, describe, raster_writer
from components.core.project import ImageRef
from components.infer_windows.rows import Columns


@contextmanager
def in_tiles(image: ImageRef, top: int, bottom: int, strips: int) -> Iterator[ImageRef]:
    """Give an image of the same pixels, some of whose columns can be read without the others.

    Args:
        image: The scene.
        top: The first row that will be read.
        bottom: The row after the last.
        strips: Into how many strips of columns it is cut.

    Returns:
        The image itself where it is tiled or read in one strip; else one of those rows in a temporary file of as many
        bytes as they have (three a pixel, four where the raster says which pixels hold data), gone when the block ends.

    Raises:
        DataError: If the raster cannot be read.
        StorageError: If the disk has no room for it.
    """
    info = describe(image.uri)
    if strips == 1 or info.tile.width < info.size.width:
        yield image
        return
    whole = image.recipe.size
    size = Size(bottom - top, whole.width)
    with storage.scratch_folder("tiles") as folder:
        file = folder / "scene.tif"
        bands = 3 + info.is_masked
        with raster_writer(file, RasterProfile(size, bands=bands, alpha=info.is_masked)) as writer:
            for pixels, valid in Columns.of(image, 0, whole.width).read(top, bottom):
                planes = pixels if valid is None else np.concatenate([pixels, valid[np.newaxis] * np.uint8(255)])
                writer.write(planes)
        try:
            yield ImageRef(str(file), size, Recipe(Window(-top, 0, whole.height, whole.width)))
        finally:
            os.truncate(file, 0)  # it is still open for the next window, and would keep its place on the disk
