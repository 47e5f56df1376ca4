"""Whole rasters read once, from the top down, so that a broken one is found out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp
from rasterio.windows import Window as RasterWindow

from components.core.errors import DataError
from components.core.geometry import Window, row_bands
from components.core.imagery.alpha import alpha_of
from components.core.imagery.data_mask import data_mask
from components.core.imagery.drivers import GDAL_ERRORS
from components.core.imagery.gdal_errors import innermost
from components.core.imagery.opening import count_read, read_with_retry
from components.core.imagery.reading import RasterInfo
from components.core.imagery.writing import TILE_PX

Pixels = npt.NDArray[Any]

LARGEST_BAND = 2048
"""Rows of the largest tiles that set the height of a band."""


def bands_of(info: RasterInfo) -> Iterator[Window]:
    """Row bands of a raster, as high as its tiles, so that each tile is read once."""
    fits = TILE_PX // 2 <= info.tile.height <= LARGEST_BAND
    return row_bands(info.size, info.tile.height if fits else TILE_PX)


def read_rows(dataset: rasterio.DatasetReader, uri: str, rows: Window, indexes: Sequence[int]) -> Pixels:
    """Some bands of some rows.

    Returns:
        (C, H, W) of the raster's dtype.

    Raises:
        DataError: If the file is truncated or broken.
        StorageError: If it is in object storage and cannot be reached there.
    """
    return _checked(dataset.read, uri, rows, indexes=list(indexes))


def read_validity(dataset: rasterio.DatasetReader, uri: str, rows: Window) -> npt.NDArray[np.bool_]:
    """(H, W) bool: which pixels hold data by nodata value, mask or alpha band."""
    return np.asarray(_checked(partial(data_mask, dataset, alpha=alpha_of(uri).mask), uri, rows))


def _checked(read: Any, uri: str, rows: Window, **options: Any) -> Pixels:
    place = RasterWindow(rows.left, rows.top, rows.width, rows.height)
    try:
        pixels = np.asarray(read_with_retry(uri, lambda: read(window=place, **options)))
    except GDAL_ERRORS as error:
        raise DataError(f"{uri}: {rows} cannot be read ({innermost(error)}); replace the broken file") from error
    count_read(uri, pixels.nbytes)
    return pixels


def check_extent(dataset: rasterio.DatasetReader, uri: str, size_bytes: int) -> None:
    """See that every tile of a TIFF lies inside its file, without reading one.

    Args:
        dataset: The open raster.
        uri: Its name, for messages.
        size_bytes: Of the file.

    Raises:
        DataError: If a tile ends behind the end of the file.
    """
    tile_height, tile_width = dataset.block_shapes[0]
    for band in (1, dataset.count):
        for row in range(-(-dataset.height // tile_height)):
            for column in range(-(-dataset.width // tile_width)):
                offset = dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", band)
                length = dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", band)
                if offset and length and int(offset) + int(length) > size_bytes:
                    raise DataError(
                        f"{uri}: is truncated: the tile at row {row * tile_height}, column {column * tile_width} ends "
                        f"at byte {int(offset) + int(length)} of {size_bytes}; replace the broken file"
                    )


def value_bands(dataset: rasterio.DatasetReader) -> tuple[int, ...]:
    """Numbers of the bands of a mask that say something: all but alpha."""
    values = tuple(i for i, role in enumerate(dataset.colorinterp, 1) if role is not ColorInterp.alpha)
    return values or (1,)
