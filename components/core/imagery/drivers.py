"""Opening a raster as what its name says it is, and nothing beside it that leads elsewhere.

GDAL has some 150 drivers and chooses one by a file's content. Several of their files are lists of other files or of
hosts (VRT, WMS, WMTS, WCS, GTI, …), so that an image could show whatever this process may read, or make it call any
host. Rasters are opened by the few drivers whose files hold their own pixels. What GDAL opens along with a raster, by
any driver, is held to the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG

import rasterio
from rasterio._err import CPLE_BaseError  # GDAL's own errors, which rasterio does not always turn into its public ones
from rasterio.env import set_gdal_config
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from components.core.errors import DataError

DRIVERS = ("GTiff", "COG", "PNG", "JPEG", "BMP")
"""Of files that hold their own pixels; BMP is among the images of Supervisely projects."""

GDAL_ERRORS: tuple[type[Exception], ...] = (RasterioError, CPLE_BaseError)
"""What opening and reading raise."""

SIDE_RASTERS = (".ovr", ".OVR", ".msk", ".MSK")
"""What is added to a raster's name for the overviews and the mask beside it, which GDAL opens by any driver."""

ELSEWHERE = "OVERVIEW_FILE"
"""In the metadata domain OVERVIEWS: the name of any place that GDAL reads overviews from."""

READ_UNASKED = (*SIDE_RASTERS, ".aux.xml")
"""What is added to a raster's name for files beside it that GDAL reads when it opens it."""

METADATA_ENDINGS = (".IMD", ".imd", ".RPB", ".rpb", "_RPC.TXT", "_rpc.txt")
"""The same in place of its suffix: what satellites' vendors put beside their rasters."""

_SIDES_OF_SIDES = 3
"""Overviews of overviews, masks of overviews …: nothing that GDAL writes goes deeper."""

set_gdal_config("GDAL_SKIP", "HFA")  # a raster's `.aux` of that form may hold overviews, and name other files


def open_plain(path: Path) -> DatasetReader:
    """Open a local raster.

    Args:
        path: Absolute.

    Raises:
        RasterioError: If it is nothing that the drivers know.
        CPLE_BaseError: If it or its side files say something that makes no sense.
        DataError: If it or a file beside it leads elsewhere.
    """
    _check_endless(path)
    for side in _sides(path, _SIDES_OF_SIDES):
        try:
            open_file(str(side)).close()
        except GDAL_ERRORS as error:
            raise DataError(
                f"{path}: the file beside it, {side.name}, would be read along with it and is not a TIFF ({error}); "
                "remove it, or rebuild it"
            ) from error
    return open_file(str(path))


def _check_endless(path: Path) -> None:
    """See that nothing beside a raster is a pipe or a device, of which GDAL would wait for the end."""
    suffix = path.suffix
    worlds = (f"{suffix[:2]}{suffix[-1:]}w", f"{suffix}w", ".wld")
    endings = (*METADATA_ENDINGS, *worlds)
    names = (*(path.name + ending for ending in READ_UNASKED), *(path.stem + ending for ending in endings))
    for side in map(path.with_name, names):
        try:
            mode = side.stat().st_mode
        except OSError:
            continue  # it is not there, or no name that could be
        if not (S_ISREG(mode) or S_ISDIR(mode)):
            raise DataError(f"{path}: beside it lies {side.name}, a pipe or a device, which is not read; remove it")


def _sides(path: Path, depth: int) -> Iterator[Path]:
    for ending in SIDE_RASTERS if depth else ():
        side = path.with_name(path.name + ending)
        try:
            is_there = side.is_file()
        except OSError:  # a name too long to be there
            is_there = False
        if is_there:
            yield from _sides(side, depth - 1)
            yield side


def open_file(name: str) -> DatasetReader:
    """Open one raster by the drivers, whatever lies beside it.

    Args:
        name: As GDAL knows it: an absolute path, or one of object storage.

    Raises:
        RasterioError: If it is nothing that the drivers know.
        CPLE_BaseError: If it or its side files say something that makes no sense.
        DataError: If it leads elsewhere.
    """
    with rasterio.Env():
        dataset = DatasetReader(name, driver=list(DRIVERS))
    try:
        _ = dataset.colorinterp  # raises what GDAL said while it opened the file, such as of a CRS that is cut off
    except CPLE_BaseError:
        dataset.close()
        raise
    elsewhere = dataset.tags(ns="OVERVIEWS").get(ELSEWHERE)
    if elsewhere is not None:
        dataset.close()
        raise DataError(
            f"{name}: its metadata name {elsewhere!r} as the place of its overviews, which is not read; remove "
            f"{ELSEWHERE} from its metadata or its .aux.xml"
        )
    return dataset


def why_not(path: Path | None) -> str:
    """What a file that cannot be opened is instead of an image, for messages; empty where its first bytes do not tell.

    Args:
        path: Of a local file; None for one in object storage.
    """
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
    except OSError:
        return ""
    if not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"{")):
        return ""
    return "it is a text that may name other files or hosts, such as a VRT; "


_START_BYTES = 256
