"""What images say of themselves: read from many headers at once, since each waits for the store."""

from __future__ import annotations

import re
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning

from components.core import storage
from components.core.collection.plan import PlannedScene, Why
from components.core.errors import DataError, StorageError
from components.core.footprints.placing import placed
from components.core.imagery.drivers import GDAL_ERRORS
from components.core.imagery.opening import open_raster, read_patiently
from components.core.imagery.reading import RasterInfo, info_of
from components.core.project import ImageRef, Item
from components.core.project.history import LeftOut
from components.core.scene_faults import own_faults
from components.plan_imagery.capturing import captured
from components.plan_imagery.sources import Found

THREADS = 16


def read_headers(
    todo: Sequence[tuple[Found, Why]], pattern: re.Pattern[str] | None
) -> Iterator[PlannedScene | LeftOut]:
    """Open the header of each image, several at a time.

    Args:
        todo: Images to be done, and why.
        pattern: Finds dates of capture in keys; None for no such date.

    Yields:
        In the same order, a scene that no shard has yet, or why the image cannot be done.

    Raises:
        StorageError: If the store cannot be reached.
    """
    waiting: deque[Future[PlannedScene | LeftOut]] = deque()
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS, "headers") as pool:
        # Threads that silence this one by one, as opening does, undo each other's filters.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for image, why in todo:
            waiting.append(pool.submit(_read_header, image, why, pattern))
            if len(waiting) >= 4 * THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read_header(image: Found, why: Why, pattern: re.Pattern[str] | None) -> PlannedScene | LeftOut:
    try:
        with own_faults(image.uri):
            return _planned(image, why, pattern)
    except DataError as error:
        return LeftOut(image.key, str(error))
    except StorageError:
        if storage.exists(image.uri):
            raise
        return LeftOut(image.key, f"{image.uri}: was deleted while the imagery was listed; the next run retires it")


def _planned(image: Found, why: Why, pattern: re.Pattern[str] | None) -> PlannedScene:
    info, time = _described(image, pattern)
    return PlannedScene(
        id=image.id,
        key=image.key,
        uri=image.uri,
        etag=image.etag,
        size_bytes=image.size_bytes,
        version=image.version,
        size=info.size,
        crs=_usable_crs(image, info),
        captured=time,
        why=why,
        parts=(),
    )


def _described(image: Found, pattern: re.Pattern[str] | None) -> tuple[RasterInfo, str]:
    with open_raster(image.uri) as dataset:

        def read() -> tuple[RasterInfo, str]:
            with rasterio.Env(**storage.gdal_environment(image.uri)):
                time = captured(dataset.tags(ns="IMAGERY"), dataset.tags(), image.key, pattern)
                return info_of(dataset), time

        try:
            return read_patiently(image.uri, read)
        except GDAL_ERRORS as error:
            raise DataError(f"{image.uri}: its header cannot be read ({error}); replace the broken file") from error


def _usable_crs(image: Found, info: RasterInfo) -> str:
    """The image's CRS, if it leads to places on the Earth."""
    missing = [
        *(["CRS"] if info.crs is None else []),
        *(["transform"] if info.transform in (None, Affine.identity()) else []),
    ]
    if info.crs is None or missing:
        raise DataError(
            f"{image.uri}: has no {' and no '.join(missing)}, and footprints need a place on the map; geo-reference it"
        )
    reference = ImageRef.whole(image.uri, info.size, info.crs, info.transform)
    placed(Item("images", image.key, info.size, reference), image.uri)
    return info.crs
