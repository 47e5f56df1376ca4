"""Files beside a raster that say where it lies or which of its pixels hold data.

GDAL looks for them on disk by itself. In object storage each look is a request, so that only those are asked for that
a listing has shown; and they belong to the version of an image wherever it lies. `beside` reads what they say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from components.core.imagery.files import is_raster
from components.core.storage import StoredObject, name_of

APPENDED = (".aux.xml", ".msk")
"""Follow the raster's whole name: GDAL's metadata (PAM), and a mask of the pixels that hold data."""

PROJECTION = ".prj"
"""In place of the raster's suffix: the CRS as WKT, beside a world file; GDAL reads it of no picture and no TIFF."""

ANY_WORLD_FILE = ".wld"


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
        listing: In the order of the keys' bytes; folders and other files are ignored.

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
