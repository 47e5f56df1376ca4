"""What images say of themselves: read from many headers at once, since each waits for the store."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import rasterio
from rasterio.errors import NotGeoreferencedWarning

from components.core import storage
from components.core.catalogue.grids import Grid, contradictions, why_not_stacked
from components.core.collection.plan import DetectionReason, PlannedScene
from components.core.errors import DataError, StorageError
from components.core.footprints.geography import PixelGrid
from components.core.footprints.georeference import placed
from components.core.imagery.bands import IN_COLOUR, ColourBands, colour_bands
from components.core.imagery.decompression import check_unpacking
from components.core.imagery.drivers import GDAL_ERRORS
from components.core.imagery.opening import read_with_retry
from components.core.imagery.orientation import turn_of, turned
from components.core.imagery.reading import RasterInfo, info_of
from components.core.imagery.sidecar_metadata import open_with_sides, with_crs_beside
from components.core.imagery_facts import ImageFacts
from components.core.project import ImageRef, Item
from components.core.scene_errors import scene_errors
from components.core.skip_budget import Skipped
from components.core.storage import StoredObject
from components.plan_imagery.area import Extent
from components.plan_imagery.capture_date import DatePattern, capture_date
from components.plan_imagery.sources import SourceImage

THREADS = 16

T = TypeVar("T")


def read_headers(
    todo: Sequence[tuple[SourceImage, DetectionReason]], dates: DatePattern, bands: Sequence[int] = ()
) -> Iterator[PlannedScene | Skipped]:
    """Open the header of each image, several at a time.

    Args:
        todo: Images to be done, and why.
        dates: Finds dates of capture in keys.
        bands: Numbers of the bands that are red, green and blue, or grey; none to go by what images say.

    Yields:
        In the same order, a scene that no shard has yet, or why the image cannot be done.

    Raises:
        StorageError: If the store cannot be reached.
    """
    waiting: deque[Future[PlannedScene | Skipped]] = deque()
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS, "headers") as pool:
        # Threads that silence this one by one, as opening does, undo each other's filters.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for image, why in todo:
            waiting.append(pool.submit(_read_header, image, why, dates, bands))
            if len(waiting) >= 4 * THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _read_header(
    image: SourceImage, why: DetectionReason, dates: DatePattern, asked: Sequence[int]
) -> PlannedScene | Skipped:
    try:
        with scene_errors(image.uri):
            return _planned(image, why, dates, asked)
    except DataError as error:
        return Skipped(image.key, str(error))
    except StorageError:
        if storage.exists(image.uri):
            raise
        return Skipped(image.key, f"{image.uri}: was deleted while the imagery was listed; the next run retires it")


def _planned(image: SourceImage, why: DetectionReason, dates: DatePattern, asked: Sequence[int]) -> PlannedScene:
    info, bands, time = _described(image, dates, () if image.bands else asked)
    check_unpacking(info, image.size_bytes, image.uri)
    crs = _usable_crs(image, info)  # before anything is made of where it lies
    facts, grid = _facts(image, info, bands), _grid(image.uri, info)
    if image.bands:
        _check_stack(image, grid)
        facts = replace(facts, colours=IN_COLOUR)
    return PlannedScene(
        id=image.id,
        key=image.key,
        uri=image.uri,
        etag=image.etag,
        size_bytes=image.size_bytes,
        version=image.version,
        size=info.size,
        crs=crs,
        captured=time,
        why=why,
        parts=(),
        sides=image.sides,
        area=image.area,
        bands=image.bands,
        unlike=tuple(contradictions(image.grid, grid)),
        facts=facts,
    )


def _grid(uri: str, info: RasterInfo) -> Grid:
    return Grid(uri, info.size, info.crs, info.transform)


def _check_stack(image: SourceImage, first: Grid) -> None:
    """See that rasters can be the bands of one image.

    Raises:
        DataError: If one is broken, or has another grid than the first.
    """
    grids = [first]
    for band in image.bands[1:]:
        info = _read(band, info_of)
        check_unpacking(info, band.size_bytes, band.uri)
        grids.append(_grid(band.uri, info))
    reason = why_not_stacked(grids)
    if reason:
        raise DataError(reason)


def extent_of(image: SourceImage) -> Extent:
    """Where an image lies.

    Raises:
        DataError: If it is broken, or has no CRS and transform that lead to places on the Earth.
        StorageError: If it cannot be reached.
    """
    stored = _stored(image)

    def upright(dataset: rasterio.DatasetReader) -> RasterInfo:
        info = with_crs_beside(info_of(dataset), stored)
        return turned(info, turn_of(dataset, image.uri, info))

    with scene_errors(image.uri):
        info = _read(stored, upright)
    crs = _usable_crs(image, info)
    assert info.transform is not None  # as its CRS is usable
    return Extent(info.size, crs, tuple(info.transform)[:6])


def _described(image: SourceImage, dates: DatePattern, asked: Sequence[int]) -> tuple[RasterInfo, ColourBands, str]:
    stored = _stored(image)

    def described(dataset: rasterio.DatasetReader) -> tuple[RasterInfo, ColourBands, str]:
        time = capture_date(dataset.tags(ns="IMAGERY"), dataset.tags(), image.key, dates, image.captured)
        info = with_crs_beside(info_of(dataset), stored)
        bands = colour_bands(dataset, image.uri, () if info.has_palette else asked)
        return turned(info, turn_of(dataset, image.uri, info)), bands, time

    return _read(stored, described)


def _stored(image: SourceImage) -> StoredObject:
    return StoredObject(image.uri, image.size_bytes, image.etag, None, image.sides)


def _read(stored: StoredObject, read: Callable[[rasterio.DatasetReader], T]) -> T:
    """What a raster's header says; asked again where the store fails for a moment.

    Raises:
        DataError: If it is broken.
        StorageError: If it cannot be reached.
    """
    with open_with_sides(stored) as dataset:

        def asked() -> T:
            with rasterio.Env(**storage.gdal_environment(stored.uri)):
                return read(dataset)

        try:
            return read_with_retry(stored.uri, asked)
        except GDAL_ERRORS as error:
            raise DataError(f"{stored.uri}: its header cannot be read ({error}); replace the broken file") from error


def _facts(image: SourceImage, info: RasterInfo, bands: ColourBands) -> ImageFacts:
    """What the network will see; how values are scaled is the same of all that are."""
    reference = ImageRef.whole(image.uri, info.size, info.crs, info.transform)
    grid = PixelGrid.of_item(Item("images", image.key, info.size, reference))
    colours = IN_COLOUR if info.has_palette else bands.shown
    return ImageFacts(None if grid is None else grid.pixel_m(info.size), info.dtype, "", colours)


def _usable_crs(image: SourceImage, info: RasterInfo) -> str:
    """The image's CRS, if it leads to places on the Earth."""
    missing = [
        *(["CRS"] if info.crs is None else []),
        *(["transform"] if info.transform is None else []),
    ]
    if info.crs is None or missing:
        raise DataError(f"{image.uri}: has no {' and no '.join(missing)}, which footprints need; georeference it")
    reference = ImageRef.whole(image.uri, info.size, info.crs, info.transform)
    placed(Item("images", image.key, info.size, reference), image.uri)
    return info.crs
