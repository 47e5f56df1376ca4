"""What a raster says together with the files beside it, which `side_files` finds."""

from __future__ import annotations

import logging
from dataclasses import replace

import rasterio
from rasterio.crs import CRS
from rasterio.errors import CRSError

from components.core import storage
from components.core.imagery.opening import open_raster
from components.core.imagery.reading import RasterInfo, crs_text
from components.core.imagery.sidecars import APPENDED, PROJECTION
from components.core.storage import StoredObject, stem_of, suffix_of

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 16
"""Of a `.prj`: the longest definitions of CRSs have some kilobytes."""


def open_with_sides(source: StoredObject) -> rasterio.DatasetReader:
    """Open a raster so that it says what the files beside it say, on disk and in object storage.

    Raises:
        DataError: If there is no such file or GDAL cannot read it.
        StorageError: If it is in object storage and cannot be reached there.
    """
    return open_raster(source.uri, True if source.sides and storage.is_remote(source.uri) else None)


def is_read_otherwise(source: StoredObject, dataset: rasterio.DatasetReader) -> bool:
    """Whether the files beside a raster say more of its pixels than it says itself: gaps, or what its bands are.

    Whoever reads pixels later, by URI alone, does not look beside it in object storage.

    Args:
        source: The raster.
        dataset: The same, opened with the files beside it.
    """
    if not any(side.uri.lower().endswith(APPENDED) for side in source.sides):
        return False
    with open_raster(source.uri, beside=False) as alone:
        return _pixels_as_said(alone) != _pixels_as_said(dataset)


def _pixels_as_said(dataset: rasterio.DatasetReader) -> tuple[object, ...]:
    return repr(dataset.nodatavals), dataset.mask_flag_enums, dataset.colorinterp


def with_crs_beside(info: RasterInfo, source: StoredObject) -> RasterInfo:
    """What a raster says of itself, with the CRS of the `.prj` beside it where it has a transform and no CRS.

    Raises:
        StorageError: If the file cannot be read.
    """
    if info.crs is not None or info.transform is None:
        return info
    for side in source.sides:
        if suffix_of(side.uri).lower() == PROJECTION and stem_of(side.uri) == stem_of(source.uri):
            return replace(info, crs=_crs_in(side))
    return info


def _crs_in(side: StoredObject) -> str | None:
    if side.size_bytes > MOST_BYTES:
        log.warning("%s: has %d bytes, too many for a CRS, and is ignored", side.uri, side.size_bytes)
        return None
    try:
        text = storage.read_bytes(side.uri).decode("utf-8-sig")
        return crs_text(CRS.from_wkt(text, morph_from_esri_dialect=True))
    except (CRSError, UnicodeDecodeError) as error:
        log.warning("%s: holds no CRS as WKT (%s) and is ignored; write one", side.uri, error)
        return None
