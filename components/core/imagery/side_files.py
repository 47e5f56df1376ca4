"""Files beside a raster that say where it lies or which of its pixels hold data.

GDAL looks for them on disk by itself. In object storage each look is a request, so that only those are asked for that
a listing has shown; and they belong to the version of an image wherever it lies.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import rasterio
from rasterio.crs import CRS
from rasterio.errors import CRSError

from components.core import storage
from components.core.imagery.files import is_raster
from components.core.imagery.opening import open_raster
from components.core.imagery.reading import RasterInfo, crs_text
from components.core.storage import StoredObject, name_of, stem_of, suffix_of

log = logging.getLogger(__name__)

APPENDED = (".aux.xml", ".msk")
"""Follow the raster's whole name: GDAL's metadata (PAM), and a mask of the pixels that hold data."""

PROJECTION = ".prj"
"""In place of the raster's suffix: the CRS as WKT, beside a world file; GDAL reads it of no picture and no TIFF."""

ANY_WORLD_FILE = ".wld"

MOST_BYTES = 1 << 16
"""Of a `.prj`: the longest definitions of CRSs have some kilobytes."""


def names_of_sides(name: str) -> frozenset[str]:
    """Names, in small letters, of all files that may stand beside a raster.

    World files are named by the first and the last letter of its suffix or by all of it: `.tfw`, `.tifw`, `.jgw`.

    Sources: GDAL's documentation of GDALReadWorldFile, of its persistent auxiliary metadata and of mask bands.
    """
    small = name.lower()
    stem, suffix = _stem_and_suffix(small)
    worlds = (f"{suffix[:2]}{suffix[-1]}w", f"{suffix}w", ANY_WORLD_FILE)
    return frozenset([*(small + end for end in APPENDED), *(stem + end for end in (*worlds, PROJECTION))])


@dataclass(slots=True)
class _Waiting:
    """A raster or a side file of which others may still come."""

    entry: StoredObject
    group: str
    sides: list[StoredObject] = field(default_factory=list)


def with_side_files(listing: Iterable[StoredObject]) -> Iterator[StoredObject]:
    """The rasters of a listing, each with the files beside it.

    Files beside each other follow each other: their keys begin with the raster's without its suffix. So few wait at a
    time, however long the listing is.

    Args:
        listing: In the order of the keys' bytes; folders and other files are passed over.

    Yields:
        Rasters, in the same order.
    """
    rasters: deque[_Waiting] = deque()
    others: deque[_Waiting] = deque()
    for entry in listing:
        if entry.is_folder:
            continue
        while rasters and not entry.uri.startswith(rasters[0].group):
            yield _ready(rasters.popleft())
        while others and not entry.uri.startswith(others[0].group):
            others.popleft()
        if is_raster(entry.uri):
            raster = _Waiting(entry, _group(entry.uri))
            raster.sides += [other.entry for other in others if _is_beside(other.entry, entry)]
            rasters.append(raster)
        elif _may_be_side(entry.uri):
            others.append(_Waiting(entry, _group(entry.uri)))
            for raster in rasters:
                if _is_beside(entry, raster.entry):
                    raster.sides.append(entry)
    for raster in rasters:
        yield _ready(raster)


def _ready(raster: _Waiting) -> StoredObject:
    return replace(raster.entry, sides=tuple(raster.sides)) if raster.sides else raster.entry


def _group(uri: str) -> str:
    """What the keys of a file and of those beside it begin with."""
    small = uri.lower()
    appended = next((end for end in APPENDED if small.endswith(end)), "")
    return _stem_and_suffix(uri[: len(uri) - len(appended)])[0] + "."


def _may_be_side(uri: str) -> bool:
    small = uri.lower()
    return small.endswith((*APPENDED, PROJECTION, ANY_WORLD_FILE)) or _stem_and_suffix(small)[1].endswith("w")


def _is_beside(side: StoredObject, raster: StoredObject) -> bool:
    folder, _, name = raster.uri.rpartition("/")
    other, _, beside = side.uri.rpartition("/")
    return folder == other and beside.lower() in names_of_sides(name)


def _stem_and_suffix(uri: str) -> tuple[str, str]:
    """A listed URI without its suffix, and the suffix with its dot; by hand, since listings may be of millions."""
    dot = uri.rfind(".", uri.rfind("/") + 2)
    return (uri, "") if dot < 0 else (uri[:dot], uri[dot:])


def side_digests(source: StoredObject) -> list[str]:
    """What decides on the content of the files beside a raster; nothing where there are none."""
    return [part for side in source.sides for part in (name_of(side.uri), side.etag, str(side.size_bytes))]


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
        log.warning("%s: has %d bytes, too many for a CRS, and is passed over", side.uri, side.size_bytes)
        return None
    try:
        text = storage.read_bytes(side.uri).decode("utf-8-sig")
        return crs_text(CRS.from_wkt(text, morph_from_esri_dialect=True))
    except (CRSError, UnicodeDecodeError) as error:
        log.warning("%s: holds no CRS as WKT (%s) and is passed over; write one", side.uri, error)
        return None
