"""The pixels of a mask as one number each, whatever bands, palette or polarity it is stored with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp, MaskFlags

from components.core.errors import DataError
from components.core.geometry import Window
from components.core.imagery.reading import RasterInfo
from components.import_images.rasters import read_rows, read_validity, value_bands

RGBA = tuple[int, int, int, int]

GREY = 0x010101
"""A grey of value 1 as a colour 0xRRGGBB."""

OPAQUE = 128
"""Least alpha of pixels that count as drawn."""

STRUCTURE = "IMAGE_STRUCTURE"


@dataclass(frozen=True, slots=True)
class MaskForm:
    """How a mask stores its values.

    Attributes:
        bands: Numbers of the bands that hold them: one, or red, green and blue.
        alpha: Number of the band of opacity; None where there is none.
        dtype: Of the pixels.
        palette: Colour of each index; None where values are no indices.
        white: The value that 0 stands for where the lowest value is white; None where it is black, as usual.
        nodata: Value of pixels that are declared to hold none; None where none is declared, or 0 is.
        has_mask: Whether a mask of its own says which pixels hold a value.
        is_lossy: Whether values came back changed from compression.
    """

    bands: tuple[int, ...]
    alpha: int | None
    dtype: np.dtype[Any]
    palette: Mapping[int, RGBA] | None
    white: int | None
    nodata: float | None
    has_mask: bool
    is_lossy: bool

    @property
    def is_colour(self) -> bool:
        """Whether codes are colours 0xRRGGBB."""
        return len(self.bands) == 3


@dataclass(frozen=True, slots=True)
class Codes:
    """Some rows of a mask.

    Attributes:
        values: (H, W): values, indices of the palette, or colours 0xRRGGBB; 0 where transparent or unlabelled.
        unlabelled: (H, W) bool: where no value is declared to be; None for nowhere.
        opaque: (H, W) bool: what is drawn; None where all is.
    """

    values: npt.NDArray[Any]
    unlabelled: npt.NDArray[np.bool_] | None
    opaque: npt.NDArray[np.bool_] | None


def form_of(dataset: rasterio.DatasetReader, info: RasterInfo, uri: str) -> MaskForm:
    """How an open mask stores its values.

    Raises:
        DataError: If they are no real numbers, or lie in other bands than one or red, green and blue.
    """
    if np.dtype(info.dtype).kind not in "iufb":
        raise DataError(f"{uri}: pixels are {info.dtype}; a mask holds real numbers")
    bands = value_bands(dataset)
    if len(bands) != 1 and not (len(bands) == 3 and info.dtype == "uint8"):
        raise DataError(
            f"{uri}: holds {len(bands)} bands of {info.dtype}; a mask has one, or red, green and blue of 8 bits: give "
            f"the band of buildings alone (gdal_translate -b 1 …)"
        )
    roles = list(dataset.colorinterp)
    structure = dataset.tags(ns=STRUCTURE)
    palette = _palette_of(dataset) if info.has_palette else None
    inverted = palette is None and structure.get("MINISWHITE") == "YES" and np.dtype(info.dtype).kind == "u"
    flags = dataset.mask_flag_enums[0]
    return MaskForm(
        bands=bands,
        alpha=roles.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in roles else None,
        dtype=np.dtype(info.dtype),
        palette=palette,
        white=_white_of(dataset, info) if inverted else None,
        nodata=_nodata_of(info, palette),
        has_mask=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
        is_lossy=_is_lossy(dataset, structure),
    )


def _palette_of(dataset: rasterio.DatasetReader) -> Mapping[int, RGBA] | None:
    """The colour table; None where there is none, so that an index is a value like others."""
    try:
        return dict(dataset.colormap(1))
    except ValueError:
        return None


def _white_of(dataset: rasterio.DatasetReader, info: RasterInfo) -> int:
    bits = dataset.tags(1, ns=STRUCTURE).get("NBITS")
    return int((1 << int(bits)) - 1) if bits else int(np.iinfo(info.dtype).max)


def _nodata_of(info: RasterInfo, palette: Mapping[int, RGBA] | None) -> float | None:
    """The value that says "not labelled".

    A declared 0 is not one: tools declare it where they burn buildings into an empty raster. Nor is the index of a
    palette's transparent colour, which GDAL gives as nodata.
    """
    if info.nodata is None or info.nodata == 0:
        return None
    if palette is not None and palette.get(_index(info.nodata), (0, 0, 0, 255))[3] == 0:
        return None
    return info.nodata


def _index(value: float) -> int:
    return int(value) if np.isfinite(value) else -1


def _is_lossy(dataset: rasterio.DatasetReader, structure: Mapping[str, str]) -> bool:
    is_jpeg = dataset.driver == "JPEG" or "JPEG" in structure.get("COMPRESSION", "")
    return is_jpeg or structure.get("COMPRESSION_REVERSIBILITY") == "LOSSY"


def read_codes(dataset: rasterio.DatasetReader, uri: str, rows: Window, form: MaskForm) -> Codes:
    """Some rows of a mask, as one number a pixel.

    Raises:
        DataError: If the file is truncated or broken.
        StorageError: If it is in object storage and cannot be reached there.
    """
    planes = read_rows(dataset, uri, rows, form.bands)
    unlabelled = _unlabelled(dataset, uri, rows, form, planes)
    values = planes[0]
    if form.is_colour:
        red, green, blue = planes.astype(np.int32)
        values = red << 16 | green << 8 | blue
    elif form.white is not None:
        values = values.dtype.type(form.white) - values
    opaque = None
    if form.alpha is not None:
        opaque = np.asarray(read_rows(dataset, uri, rows, (form.alpha,))[0] >= OPAQUE)
        values = np.where(opaque, values, values.dtype.type(0))
    if unlabelled is not None:
        values = np.where(unlabelled, values.dtype.type(0), values)
    return Codes(values, unlabelled, opaque)


def _unlabelled(
    dataset: rasterio.DatasetReader, uri: str, rows: Window, form: MaskForm, planes: npt.NDArray[Any]
) -> npt.NDArray[np.bool_] | None:
    found = []
    if form.dtype.kind == "f":
        found.append(np.isnan(planes).any(axis=0))
    if form.nodata is not None and not np.isnan(form.nodata):
        found.append((planes == form.nodata).all(axis=0))
    if form.has_mask:
        found.append(~read_validity(dataset, uri, rows))
    found = [where for where in found if where.any()]
    return np.logical_or.reduce(found) if found else None
