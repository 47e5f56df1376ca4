"""Writing rasters by row band, in strips of columns where rows are too wide, tiled for windowed reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterWindow

from components.core import storage
from components.core.geometry import Size
from components.core.imagery.gdal_errors import raise_lost_error, written_by_gdal

Pixels: TypeAlias = npt.NDArray[Any]

TILE_PX = 512

RGB = 3

_LEVEL_OPTIONS = {"deflate": "ZLEVEL", "zstd": "ZSTD_LEVEL"}


@dataclass(frozen=True, slots=True)
class RasterProfile:
    """What a new raster looks like.

    Attributes:
        size: In pixels.
        bands: Number of bands; stored one after the other, which is how windows are read.
        dtype: Of the pixels.
        crs: "EPSG:…" or WKT; None for none.
        transform: From (column, row) to map coordinates; None for none.
        nodata: The value that means "no data"; None for none.
        alpha: Whether the last band says which pixels hold data: 255, and 0 where there is none. Behind more than three
            others, where GDAL takes no band for alpha, it becomes the file's mask.
        compress: GDAL's name of a compression, such as "deflate" for masks; None reads fastest.
        level: How hard it tries, for "deflate" and "zstd"; None for GDAL's default.
        tags: What else the file says of itself; GDAL shows it as metadata.
        names: Of the bands, by number; only of those behind red, green and blue.
    """

    size: Size
    bands: int = 1
    dtype: str = "uint8"
    crs: str | None = None
    transform: Affine | None = None
    nodata: float | None = None
    alpha: bool = False
    compress: str | None = None
    level: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)

    @property
    def masks(self) -> int:
        """How many of the bands become the file's mask."""
        return int(self.alpha and self.bands - self.alpha > RGB)

    def creation_options(self) -> dict[str, Any]:
        """Keyword arguments of `rasterio.open`."""
        options: dict[str, Any] = {
            "driver": "GTiff",
            "height": self.size.height,
            "width": self.size.width,
            "count": self.bands - self.masks,
            "dtype": self.dtype,
            "tiled": True,
            "blockxsize": TILE_PX,
            "blockysize": TILE_PX,
            "interleave": "band",
            "BIGTIFF": "IF_SAFER",
        }
        optional = {
            "crs": self.crs,
            "transform": self.transform,
            "nodata": self.nodata,
            "compress": self.compress,
            _LEVEL_OPTIONS.get(self.compress or "", "level"): self.level,
            "photometric": "rgb" if self.bands - self.alpha >= RGB else None,
            "alpha": "no" if self.bands - self.alpha > RGB else "yes" if self.alpha else None,
        }
        return options | {key: value for key, value in optional.items() if value is not None}


class BandWriter:
    """Takes rows of some columns from the top down and writes whole rows of tiles; made by a `StripWriter`."""

    def __init__(self, dataset: rasterio.io.DatasetWriter, profile: RasterProfile, left: int, width: int) -> None:
        self._dataset = dataset
        self._profile = profile
        self._left = left
        self._buffer = np.zeros((profile.bands, TILE_PX, width), profile.dtype)
        self._filled = 0
        self._written = 0
        self.last_tile: Pixels = self._buffer[:, :0]

    @property
    def next_row(self) -> int:
        """The first row not yet given."""
        return self._written + self._filled

    def write(self, rows: Pixels) -> None:
        """Append rows.

        Args:
            rows: (H, W) or (C, H, W) of the profile's dtype, any number of rows.

        Raises:
            ValueError: If these are more rows than the raster has.
        """
        rows = rows.reshape(self._profile.bands, -1, self._buffer.shape[2])
        self._check(self.next_row + rows.shape[1] <= self._profile.size.height, rows.shape[1])
        given = 0
        while given < rows.shape[1]:
            count = min(TILE_PX - self._filled, rows.shape[1] - given)
            self._buffer[:, self._filled : self._filled + count] = rows[:, given : given + count]
            self._filled += count
            given += count
            if self._filled == TILE_PX:
                self._flush()

    def _flush(self) -> None:
        place = RasterWindow(self._left, self._written, self._buffer.shape[2], self._filled)
        rows = self._buffer[:, : self._filled]
        self._dataset.write(rows[: self._dataset.count], window=place)
        if self._profile.masks:
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
                self._dataset.write_mask(rows[-1], window=place)
        self._written += self._filled
        if self._written == self._profile.size.height:
            left = (self._buffer.shape[2] - 1) // TILE_PX * TILE_PX
            self.last_tile = self._buffer[:, : self._filled, left:].copy()
        self._filled = 0
        if self._written == self._profile.size.height:
            self._buffer = self._buffer[:, :0].copy()  # many parts of a scene may be open at once

    def close(self) -> None:
        """Write what is left.

        Raises:
            ValueError: If fewer rows were given than the raster has.
        """
        self._check(self.next_row == self._profile.size.height)
        if self._filled:
            self._flush()

    def _check(self, fits: bool, more: int = 0) -> None:
        if not fits:
            raise ValueError(f"{self.next_row + more} rows were written to a raster of {self._profile.size.height}")


class StripWriter:
    """Takes strips of columns from left to right, each from the top down; made by `strip_writer`."""

    def __init__(self, dataset: rasterio.io.DatasetWriter, profile: RasterProfile) -> None:
        self._dataset = dataset
        self._profile = profile
        self._right = 0
        self._rows: BandWriter | None = None
        self.last_tile: Pixels = np.zeros((profile.bands, 0, 0), profile.dtype)

    def begin(self, width: int) -> BandWriter:
        """Go on with the next strip.

        Args:
            width: Number of columns; a multiple of `TILE_PX` unless it ends at the right border.

        Raises:
            ValueError: If the strip before is not whole, or the strip does not fit.
        """
        self._end_strip()
        left, self._right = self._right, self._right + width
        whole = self._profile.size.width
        if left % TILE_PX or self._right > whole:
            raise ValueError(f"columns {left} to {self._right - 1} are not a strip of tiles of a raster of {whole}")
        self._rows = BandWriter(self._dataset, self._profile, left, width)
        return self._rows

    def _end_strip(self) -> None:
        if self._rows is not None:
            self._rows.close()
            self.last_tile = self._rows.last_tile
            self._rows = None

    def close(self) -> None:
        """Write what is left.

        Raises:
            ValueError: If fewer rows or columns were given than the raster has.
        """
        self._end_strip()
        if self._right != self._profile.size.width:
            raise ValueError(f"{self._right} columns were written to a raster of {self._profile.size.width}")


@contextmanager
def strip_writer(file: Path | str, profile: RasterProfile) -> Iterator[StripWriter]:
    """Write a tiled GeoTIFF strip of columns by strip of columns; it appears at `file` when it is whole.

    Memory is one row of tiles of a strip, whatever the raster's size.

    Args:
        file: A local path or a URI in object storage.
        profile: What the raster looks like.

    Raises:
        StorageError: If the file cannot be written.
    """
    with storage.staged_file(file) as staged, written_by_gdal(file, staged):
        with rasterio.open(staged, "w", **profile.creation_options()) as dataset:
            if profile.tags:
                dataset.update_tags(**profile.tags)
            for number, name in profile.names.items():
                dataset.set_band_description(number, name)
            writer = StripWriter(dataset, profile)
            yield writer
            writer.close()
        raise_lost_error()
        _check_last_tile(staged, writer.last_tile)


def _check_last_tile(file: Path, written: Pixels) -> None:
    """See that a closed raster ends with the tile that was written last.

    Raises:
        RasterioError: If it does not.
    """
    with rasterio.open(file) as dataset:
        height, width = written.shape[1:]
        place = RasterWindow(dataset.width - width, dataset.height - height, width, height)
        tile = written[: dataset.count]
        if not np.array_equal(dataset.read(window=place), tile, equal_nan=written.dtype.kind == "f"):
            raise RasterioError("its last tile is not what was written")


@contextmanager
def raster_writer(file: Path | str, profile: RasterProfile) -> Iterator[BandWriter]:
    """Write a tiled GeoTIFF from the top down; it appears at `file` when it is whole.

    Memory is one row of tiles, whatever the height.

    Args:
        file: A local path or a URI in object storage.
        profile: What the raster looks like.

    Raises:
        StorageError: If the file cannot be written.
    """
    with strip_writer(file, profile) as strips:
        yield strips.begin(profile.size.width)
