"""Where rasters go that are rewritten, and which of them an earlier run had finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import rasterio

from components.core import storage
from components.core.errors import DataError
from components.core.geometry import Size
from components.core.hashing import digest, short_name
from components.core.imagery.opening import open_raster
from components.core.imagery.reading import RasterInfo, info_of
from components.core.imagery.sidecar_metadata import open_with_sides, with_crs_beside
from components.core.imagery.sidecars import side_digests
from components.core.storage import StoredObject
from components.import_images.task import SceneTask

REWRITING = "2"
"""Part of the digest: another number where the same input gives another file."""

KEY_CHARACTERS = 12


@contextmanager
def opened(raster: StoredObject | str) -> Iterator[tuple[rasterio.DatasetReader, RasterInfo]]:
    """Give a raster, opened for reading, and what it says of itself; with the files beside it where they are listed."""
    if isinstance(raster, str):
        with open_raster(raster) as dataset:
            yield dataset, info_of(dataset)
        return
    with open_with_sides(raster) as dataset:
        yield dataset, with_crs_beside(info_of(dataset), raster)


def rewritten_uri(source: StoredObject, task: SceneTask, kind: str, *settings: str) -> str:
    """Where the rewritten form of a file belongs: the name holds a digest of all that decides its content."""
    content = (source.uri, str(source.size_bytes), source.etag, *side_digests(source))
    key = digest(REWRITING, kind, *content, *settings)[:KEY_CHARACTERS]
    return storage.join_uri(task.data_root, kind, f"{short_name(task.pair.name)}-{key}.tif")


def finished_tags(uri: str, size: Size) -> dict[str, str] | None:
    """The tags of a file that an earlier run rewrote; None where there is none, or a broken one."""
    found = storage.stat(uri)
    if found is None or not storage.is_whole_tiff(found):
        return None
    try:
        with opened(uri) as (dataset, info):
            return dict(dataset.tags()) if info.size == size else None
    except DataError:
        return None
