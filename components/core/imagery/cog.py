"""Cloud-Optimized GeoTIFFs of scenes that were written in row parts.

The parts are put on top of each other in a virtual raster (GDAL's VRT), which GDAL's COG driver reads block by block;
memory is its block cache, whatever the size.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.windows import Window as RasterWindow

from components.core import storage
from components.core.errors import DataError, StorageError
from components.core.imagery.gdal_errors import raise_lost_error, written_by_gdal
from components.core.imagery.opening import local_path
from components.core.imagery.reading import describe
from components.core.imagery.writing import TILE_PX, RasterProfile
from components.core.storage.integrity import check_integrity


class Overviews(StrEnum):
    """How the smaller images inside a COG are made."""

    MODE = "mode"
    """The value that most pixels have: for classes."""

    NEAREST = "nearest"
    """One pixel of each group: for classes, in a fraction of the time."""

    AVERAGE = "average"
    """The mean: for quantities."""


def write_cog(
    target: Path | str, parts: Sequence[Path | str], profile: RasterProfile, overviews: Overviews = Overviews.MODE
) -> None:
    """Write a COG; it appears at `target` when it is whole.

    Tiles are 512 px wide and high, and there are as many overviews as it takes to come below a tile.

    Args:
        target: A local path or a URI in object storage.
        parts: Rasters of uint8, of the profile's bands and width, from the top down; local paths or URIs, of which
            the latter are fetched whole first.
        profile: What the COG looks like. Its CRS, transform, nodata and tags count, not those of the parts; it is
            compressed by "deflate" where the profile says nothing else.
        overviews: How the overviews are made.

    Raises:
        DataError: If the parts do not make up the raster or cannot be read.
        StorageError: If a part cannot be fetched, or the target cannot be written.
    """
    with storage.scratch_folder("cog") as folder:
        files = [_local(part, folder / f"part_{index}.tif") for index, part in enumerate(parts)]
        heights = [_height_of(part, profile) for part in parts]
        height = sum(heights)
        if height != profile.size.height:
            raise DataError(f"{target}: its parts have {height} rows together, not {profile.size.height}; give all")
        stacked = folder / "stacked.vrt"
        with storage.local_errors("write", target, folder):
            stacked.write_bytes(_stacked(files, heights, profile))
        with storage.staged_file(target) as staged:
            needs_bytes = 2 * sum(file.stat().st_size for file in files)
            with _parts_blamed(files, parts), written_by_gdal(target, staged, needs_bytes):
                rasterio.shutil.copy(stacked, staged, driver="COG", **_options(profile, overviews))
                raise_lost_error()
                _check_last_tiles(staged)


@contextmanager
def _parts_blamed(files: Sequence[Path], parts: Sequence[Path | str]) -> Iterator[None]:
    """Where the block fails, see whether that is because a part is broken.

    Raises:
        DataError: If it is.
    """
    try:
        yield
    except StorageError:
        for file, part in zip(files, parts, strict=True):
            try:
                check_integrity(file)
            except ValueError as error:
                raise DataError(f"{part}: is incomplete ({error}); delete it, and detect its scene again") from error
        raise


def _check_last_tiles(file: Path) -> None:
    """Read the last tile of a COG and of each of its overviews, which fails where one is broken."""
    with rasterio.open(file) as dataset:
        levels = len(dataset.overviews(1))
    for level in (None, *range(levels)):
        with rasterio.open(file, **({} if level is None else {"overview_level": level})) as dataset:
            height, width = (min(side, (side - 1) % TILE_PX + 1) for side in dataset.shape)
            dataset.read(window=RasterWindow(dataset.width - width, dataset.height - height, width, height))


def _local(part: Path | str, copy: Path) -> Path:
    """A part on local disk; fetched to `copy` where it is in object storage."""
    path = local_path(str(part))
    if path is not None:
        return path.absolute()
    storage.get_file(part, copy)
    return copy


def _height_of(part: Path | str, profile: RasterProfile) -> int:
    info = describe(str(part))
    if (info.bands, info.dtype, info.size.width) != (profile.bands, "uint8", profile.size.width):
        raise DataError(
            f"{part}: has {info.bands} bands of {info.dtype}, {info.size.width} px wide; a part of this COG has "
            f"{profile.bands} of uint8, {profile.size.width} px wide"
        )
    return info.size.height


def _options(profile: RasterProfile, overviews: Overviews) -> dict[str, str]:
    options = {
        "BLOCKSIZE": str(TILE_PX),
        "COMPRESS": (profile.compress or "deflate").upper(),
        "OVERVIEW_RESAMPLING": overviews.name,
        "BIGTIFF": "IF_SAFER",
    }
    if profile.bands > 1:
        options["INTERLEAVE"] = "BAND"
    return options if profile.level is None else options | {"LEVEL": str(profile.level)}


def _stacked(files: Sequence[Path], heights: Sequence[int], profile: RasterProfile) -> bytes:
    """The virtual raster of the parts, in GDAL's form.

    Source: https://gdal.org/drivers/raster/vrt.html
    """
    width, height = str(profile.size.width), str(profile.size.height)
    root = ET.Element("VRTDataset", rasterXSize=width, rasterYSize=height)
    if profile.crs is not None:
        ET.SubElement(root, "SRS").text = profile.crs
    if profile.transform is not None:
        ET.SubElement(root, "GeoTransform").text = ", ".join(map(repr, profile.transform.to_gdal()))
    tags = ET.SubElement(root, "Metadata")
    for key, value in profile.tags.items():
        ET.SubElement(tags, "MDI", key=key).text = value
    for number in range(1, profile.bands + 1):
        band = ET.SubElement(root, "VRTRasterBand", dataType="Byte", band=str(number))
        if profile.nodata is not None:
            ET.SubElement(band, "NoDataValue").text = repr(profile.nodata)
        top = 0
        for file, rows in zip(files, heights, strict=True):
            source = ET.SubElement(band, "SimpleSource")
            ET.SubElement(source, "SourceFilename", relativeToVRT="0").text = str(file)
            ET.SubElement(source, "SourceBand").text = str(number)
            ET.SubElement(source, "SrcRect", xOff="0", yOff="0", xSize=width, ySize=str(rows))
            ET.SubElement(source, "DstRect", xOff="0", yOff=str(top), xSize=width, ySize=str(rows))
            top += rows
    return ET.tostring(root, encoding="utf-8")
