"""Windowed reading of rasters from disk and from object storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Resampling
from rasterio.windows import Window as RasterWindow

from components.core.errors import DataError
from components.core.geometry import Size, Window
from components.core.imagery.alpha import alpha_of
from components.core.imagery.bands import further_bands, is_rgb
from components.core.imagery.data_mask import alpha_band, data_mask, declares_gaps
from components.core.imagery.opening import count_read, use_raster

LARGEST_TILE_PIXELS = 2048 * 2048
"""Reading a window out of larger blocks is no longer windowed reading."""

AVERAGE = Resampling.average

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """What a raster says of itself.

    Attributes:
        size: In pixels.
        bands: Number of bands, an alpha band included.
        dtype: Of the pixels, such as "uint8".
        crs: "EPSG:…" or WKT; None where the raster has none.
        transform: From (column, row) to map coordinates; None where the raster has none. The identity is none: GDAL
            gives it for a raster that says nothing of its place, and on a map it would be a place all the same.
        tile: Height and width of the blocks that it is stored in.
        is_tiled: Whether it is a TIFF whose blocks are small and narrower than the raster (or all of a small one),
            so that a window reads little else.
        has_palette: Whether the one band holds indices into a colour table.
        nodata: The value that means "no data"; None where none is declared.
        is_masked: Whether it says in any way (such a value, an alpha band, a mask) which pixels hold data.
        is_min_white: Whether the least value is white (TIFF's photometric interpretation 0).
    """

    size: Size
    bands: int
    dtype: str
    crs: str | None
    transform: Affine | None
    tile: Size
    is_tiled: bool
    has_palette: bool
    nodata: float | None
    is_masked: bool
    is_min_white: bool = False


def describe(uri: str) -> RasterInfo:
    """Read what a raster says of itself; of its pixels, some of an alpha band alone, to see whether it is one.

    Raises:
        DataError: If it cannot be opened.
        StorageError: If it is in object storage and cannot be reached there.
    """
    return use_raster(uri, partial(info_of, alpha=alpha_of(uri).mask), "its description")


def info_of(dataset: rasterio.DatasetReader, alpha: int | None = None) -> RasterInfo:
    """What an open raster says of itself.

    Args:
        dataset: The raster.
        alpha: Number of the band that says which pixels hold data; 0 where none does. None for the one that is tagged
            so, whether it does or not.
    """
    tile_height, tile_width = dataset.block_shapes[0]
    size = Size(dataset.height, dataset.width)
    return RasterInfo(
        size=size,
        bands=dataset.count,
        dtype=dataset.dtypes[0],
        crs=crs_text(dataset.crs),
        transform=None if dataset.transform == Affine.identity() else dataset.transform,
        tile=Size(tile_height, tile_width),
        is_tiled=dataset.driver in ("GTiff", "COG")
        and (tile_width < size.width or tile_height >= size.height)
        and tile_height * tile_width <= LARGEST_TILE_PIXELS,
        has_palette=_colours_of(dataset)[0] is ColorInterp.palette,
        nodata=dataset.nodata,
        is_masked=declares_gaps(dataset, alpha_band(dataset) if alpha is None else alpha),
        is_min_white=dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES",
    )


def _colours_of(dataset: rasterio.DatasetReader) -> tuple[ColorInterp, ...]:
    """What the bands mean.

    GDAL may have found a tag that it passes over while it looked for masks. rasterio raises this when it is next asked
    for anything, once; what cannot be read says so when it is read.
    """
    try:
        return tuple(dataset.colorinterp)
    except CPLE_BaseError:
        return tuple(dataset.colorinterp)


def crs_text(crs: rasterio.crs.CRS | None) -> str | None:
    """A CRS as "EPSG:…" where it has a code, else as WKT; None stays None."""
    if crs is None:
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())


def _read(uri: str, dataset: rasterio.DatasetReader, window: Window, **options: Any) -> npt.NDArray[Any]:
    if not Window(0, 0, dataset.height, dataset.width).contains(window):
        raise DataError(
            f"{uri}: the window of {window} leaves the raster of {dataset.height}×{dataset.width} px; "
            "was the file replaced after the import? import it again"
        )
    place = RasterWindow(window.left, window.top, window.width, window.height)
    pixels = dataset.read(window=place, **options)
    count_read(uri, pixels.nbytes * _pixels_read(dataset, window, Size(*pixels.shape[-2:])))
    return pixels


def _pixels_read(dataset: rasterio.DatasetReader, window: Window, size: Size) -> int:
    """How many pixels of a raster GDAL reads for each of a result of `size`: all, or those of an overview."""
    if size == window.size:
        return 1
    thinning = min(window.height / size.height, window.width / size.width)
    factor = max((factor for factor in dataset.overviews(1) if factor <= thinning), default=1)
    return max(1, window.size.area // (factor * factor) // size.area)


def read_band(uri: str, window: Window, band: int = 1, size: Size | None = None) -> npt.NDArray[Any]:
    """One window of one band, as it is stored.

    Args:
        uri: The raster.
        window: What is read.
        band: Which band, from 1.
        size: Of the result where it is to be smaller: every so many pixels one, from overviews where there are some.

    Returns:
        (H, W) of the raster's dtype.

    Raises:
        DataError: If the raster cannot be read or the window leaves it.
        StorageError: If it is in object storage and cannot be reached there.
    """
    options = _decimation((), window, size, Resampling.nearest)
    return use_raster(uri, lambda dataset: _read(uri, dataset, window, indexes=band, **options), str(window))


def read_rgb(uri: str, window: Window, size: Size | None = None) -> UInt8:
    """One window as colours, whatever 8-bit form the raster has.

    Grey is repeated, a palette looked up, bands past the third (alpha) left out.

    Args:
        uri: The raster.
        window: What is read.
        size: Of the result where it is to be smaller: averaged, from overviews where there are some.

    Returns:
        (3, H, W) uint8 RGB.

    Raises:
        DataError: If the raster cannot be read, the window leaves it, or pixels are not 8-bit.
        StorageError: If it is in object storage and cannot be reached there.
    """
    return use_raster(uri, lambda dataset: _rgb_of(uri, dataset, window, size), str(window))


def read_bands(uri: str, window: Window, names: Sequence[str], size: Size | None = None) -> UInt8:
    """One window of the bands that a network sees: red, green and blue, and further ones behind them.

    Args:
        uri: The raster; red, green and blue are its first three bands, as the import makes sure.
        window: What is read.
        names: Of all bands; see `further_bands` for where those behind the third are.
        size: Of the result where it is to be smaller: averaged, from overviews where there are some.

    Returns:
        (C, H, W) uint8.

    Raises:
        DataError: As `read_rgb`, or if the raster has not all of these bands.
        StorageError: If it is in object storage and cannot be reached there.
    """
    if is_rgb(names):
        return read_rgb(uri, window, size)

    def read(dataset: rasterio.DatasetReader) -> UInt8:
        _check_bytes(uri, dataset)
        indexes = _indexes(uri, dataset, names)
        return _read(uri, dataset, window, indexes=indexes, **_decimation((len(names),), window, size, AVERAGE))

    return use_raster(uri, read, str(window))


def check_bands(uri: str, names: Sequence[str]) -> None:
    """See that a raster has the bands that a network sees; of a network of colours any has, as grey becomes colours.

    Raises:
        DataError: If it lacks one.
        StorageError: If it is in object storage and cannot be reached there.
    """
    if not is_rgb(names):
        use_raster(uri, lambda dataset: _indexes(uri, dataset, names), "its bands")


def _indexes(uri: str, dataset: rasterio.DatasetReader, names: Sequence[str]) -> tuple[int, ...]:
    return (1, 2, 3, *further_bands(dataset, uri, names, alpha_of(uri).mask))


def read_valid(uri: str, window: Window, size: Size | None = None) -> npt.NDArray[np.bool_]:
    """Which pixels of one window hold data, by what the raster says: an alpha band, a mask or a nodata value.

    A pixel is without data where it has the nodata value in all bands, or is transparent; an alpha band that is none
    (see `alpha_of`) says nothing.

    Args:
        uri: The raster.
        window: What is read.
        size: Of the result where it is to be smaller: the nearest pixels.

    Returns:
        (H, W) bool.

    Raises:
        DataError: If the raster cannot be read.
        StorageError: If it is in object storage and cannot be reached there.
    """
    alpha = alpha_of(uri).mask

    def read(dataset: rasterio.DatasetReader) -> npt.NDArray[np.bool_]:
        place = RasterWindow(window.left, window.top, window.width, window.height)
        mask = data_mask(dataset, place, alpha, size)
        count_read(uri, mask.nbytes)
        return mask

    return use_raster(uri, read, str(window))


def _rgb_of(uri: str, dataset: rasterio.DatasetReader, window: Window, size: Size | None) -> UInt8:
    _check_bytes(uri, dataset)
    if dataset.count >= 3:
        return _read(uri, dataset, window, indexes=(1, 2, 3), **_decimation((3,), window, size, AVERAGE))
    has_palette = dataset.colorinterp[0] is ColorInterp.palette
    method = Resampling.nearest if has_palette else AVERAGE
    grey = _read(uri, dataset, window, indexes=1, **_decimation((), window, size, method))
    if has_palette:
        return np.ascontiguousarray(np.moveaxis(palette_of(dataset)[grey], 2, 0))
    return np.broadcast_to(grey, (3, *grey.shape))


def _check_bytes(uri: str, dataset: rasterio.DatasetReader) -> None:
    if dataset.dtypes[0] != "uint8":
        raise DataError(f"{uri}: pixels are {dataset.dtypes[0]}, not uint8; import it, which scales it to 8 bits")


def _decimation(bands: tuple[int, ...], window: Window, size: Size | None, method: Resampling) -> dict[str, Any]:
    """Keyword arguments of GDAL's reading at a smaller size; none where the window is read as it is."""
    if size is None or size == window.size:
        return {}
    return {"out_shape": (*bands, size.height, size.width), "resampling": method}


def palette_of(dataset: rasterio.DatasetReader) -> UInt8:
    """(256 or 65 536, 3) uint8 RGB: the colour of each index of a raster with a palette.

    Raises:
        DataError: If the raster has no colour table although it says that it holds indices into one, or its pixels are
            no indices.
    """
    dtype = np.dtype(dataset.dtypes[0])
    if dtype not in (np.uint8, np.uint16):
        raise DataError(
            f"{dataset.name}: pixels are {dtype}, which are not indices into a palette; write colours, or grey"
        )
    try:
        colours = dataset.colormap(1)
    except ValueError as error:  # rasterio's, where there is none
        raise DataError(
            f"{dataset.name}: its band is tagged as a palette, and there is no colour table; add the table, or tag the "
            "band as grey (gdal_edit.py -colorinterp_1 gray)"
        ) from error
    table = np.zeros((np.iinfo(dtype).max + 1, 3), np.uint8)
    for index, colour in colours.items():
        table[index] = colour[:3]
    return table
