"""Windowed reading of rasters from disk and from object storage.

Open rasters are kept, a few a thread, since opening costs more than reading a window.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, Resampling
from rasterio.env import set_gdal_config
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window as RasterWindow

from components.core import storage
from components.core.errors import DataError, StorageError
from components.core.geometry import Size, Window

OPEN_RASTERS = 64
"""How many rasters a thread keeps open."""

CACHE_BYTES = 64 << 20
"""GDAL's block cache, one a process: enough for a row of tiles, small against a band."""

GDAL_SETTINGS: dict[str, int | str] = {
    "GDAL_CACHEMAX": CACHE_BYTES,  # a twentieth of the machine's memory otherwise
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO",  # it reads a truncated PNG without an error
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",
}
"""Set once for the process, since setting them for every window takes longer than reading it."""

for _name, _value in GDAL_SETTINGS.items():
    if _name not in os.environ:
        set_gdal_config(_name, _value)

LARGEST_TILE_PIXELS = 2048 * 2048
"""Reading a window out of larger blocks is no longer windowed reading."""

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """What a raster says of itself.

    Attributes:
        size: In pixels.
        bands: Number of bands, an alpha band included.
        dtype: Of the pixels, such as "uint8".
        crs: "EPSG:…" or WKT; None where the raster has none.
        transform: From (column, row) to map coordinates; None where the raster has none.
        tile: Height and width of the blocks that it is stored in.
        is_tiled: Whether it is a TIFF whose blocks are small and narrower than the raster (or all of a small one),
            so that a window reads little else.
        has_palette: Whether the one band holds indices into a colour table.
        nodata: The value that means "no data"; None where none is declared.
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


class _OpenRasters(threading.local):
    """Open rasters of one thread of one process, least recently used closed first."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.datasets: OrderedDict[tuple[str, object], rasterio.DatasetReader] = OrderedDict()

    def get(self, uri: str) -> rasterio.DatasetReader:
        if self.process != os.getpid():  # a fork must not share file positions with its parent
            self.__init__()  # type: ignore[misc]
        key = (uri, _version(uri))
        dataset = self.datasets.pop(key, None) or open_raster(uri)
        self.datasets[key] = dataset
        while len(self.datasets) > OPEN_RASTERS:
            self.datasets.popitem(last=False)[1].close()
        return dataset


_open_rasters = _OpenRasters()


def _version(uri: str) -> object:
    """What changes when a local file is replaced; remote rasters are immutable once published."""
    path = _local_path(uri)
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4096)
def _local_path(uri: str) -> Path | None:
    """The file of a local raster; None for one in object storage."""
    return None if storage.is_remote(uri) else Path(storage.gdal_path(uri))


def open_raster(uri: str) -> rasterio.DatasetReader:
    """Open a raster for reading; the caller closes it.

    Raises:
        DataError: If there is no such file or GDAL cannot read it.
    """
    with raster_environment(uri), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            return rasterio.open(storage.gdal_path(uri))
        except RasterioError as error:
            raise DataError(
                f"{uri}: cannot be opened as a raster ({error}); give a readable TIFF, PNG or JPEG"
            ) from error


def raster_environment(uri: str) -> AbstractContextManager[Any]:
    """GDAL's settings for reading one raster: those of object storage where it lies there."""
    return nullcontext() if _local_path(uri) is not None else rasterio.Env(**storage.gdal_environment(uri))


def describe(uri: str) -> RasterInfo:
    """Read what a raster says of itself, without its pixels.

    Raises:
        DataError: If it cannot be opened.
    """
    with open_raster(uri) as dataset:
        return info_of(dataset)


def info_of(dataset: rasterio.DatasetReader) -> RasterInfo:
    """What an open raster says of itself."""
    tile_height, tile_width = dataset.block_shapes[0]
    size = Size(dataset.height, dataset.width)
    has_transform = dataset.crs is not None or dataset.transform != Affine.identity()
    return RasterInfo(
        size=size,
        bands=dataset.count,
        dtype=dataset.dtypes[0],
        crs=crs_text(dataset.crs),
        transform=dataset.transform if has_transform else None,
        tile=Size(tile_height, tile_width),
        is_tiled=dataset.driver in ("GTiff", "COG")
        and (tile_width < size.width or tile_height >= size.height)
        and tile_height * tile_width <= LARGEST_TILE_PIXELS,
        has_palette=dataset.colorinterp[0] is ColorInterp.palette,
        nodata=dataset.nodata,
    )


def crs_text(crs: rasterio.crs.CRS | None) -> str | None:
    """A CRS as "EPSG:…" where it has a code, else as WKT; None stays None."""
    if crs is None:
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())


def _read(uri: str, window: Window, **options: Any) -> npt.NDArray[Any]:
    try:
        dataset = _open_rasters.get(uri)
        if not Window(0, 0, dataset.height, dataset.width).contains(window):
            raise DataError(
                f"{uri}: the window of {window} leaves the raster of {dataset.height}×{dataset.width} px; "
                "was the file replaced after the import? import it again"
            )
        place = RasterWindow(window.left, window.top, window.width, window.height)
        with raster_environment(uri):
            return dataset.read(window=place, **options)
    except RasterioError as error:
        if storage.is_remote(uri):
            raise StorageError(f"{uri}: {window} cannot be read ({error}); see that the object is whole") from error
        raise DataError(f"{uri}: {window} cannot be read ({error}); the file is broken, replace it") from error


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
    """
    return _read(uri, window, indexes=band, **_decimation((), window, size, Resampling.nearest))


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
    """
    dataset = _open_rasters.get(uri)
    if dataset.dtypes[0] != "uint8":
        raise DataError(f"{uri}: pixels are {dataset.dtypes[0]}, not uint8; import it, which scales it to 8 bits")
    if dataset.count >= 3:
        return _read(uri, window, indexes=(1, 2, 3), **_decimation((3,), window, size, Resampling.average))
    has_palette = dataset.colorinterp[0] is ColorInterp.palette
    method = Resampling.nearest if has_palette else Resampling.average
    grey = _read(uri, window, indexes=1, **_decimation((), window, size, method))
    if has_palette:
        return np.ascontiguousarray(np.moveaxis(palette_of(dataset)[grey], 2, 0))
    return np.broadcast_to(grey, (3, *grey.shape))


def _decimation(bands: tuple[int, ...], window: Window, size: Size | None, method: Resampling) -> dict[str, Any]:
    """Keyword arguments of GDAL's reading at a smaller size; none where the window is read as it is."""
    if size is None or size == window.size:
        return {}
    return {"out_shape": (*bands, size.height, size.width), "resampling": method}


def palette_of(dataset: rasterio.DatasetReader) -> UInt8:
    """(256, 3) uint8 RGB: the colour of each index of a raster with a palette."""
    table = np.zeros((256, 3), np.uint8)
    for index, colour in dataset.colormap(1).items():
        table[index] = colour[:3]
    return table
