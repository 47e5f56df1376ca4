"""Rasters that are the bands of one image, written as one raster, from which windows are read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import rasterio

from components.core import storage
from components.core.catalogue.grids import Grid, why_not_stacked
from components.core.errors import DataError
from components.core.hashing import digest, short_name
from components.core.imagery.decompression import check_unpacking
from components.core.imagery.reading import RasterInfo
from components.core.imagery.writing import RasterProfile, raster_writer
from components.import_images.rasters import bands_of, read_rows
from components.import_images.rewriting import KEY_CHARACTERS, finished_tags, opened
from components.import_images.task import SceneTask

STACKING = "1"
"""Part of the digest: another number where the same input gives another file."""


def with_stacked_bands(task: SceneTask) -> SceneTask:
    """A task whose image is one raster in the data root, in the place of several that are its bands.

    All of its bands are read, unless the task names some; they have no names, so that their order decides.

    Raises:
        DataError: If a raster is broken, has several bands, or differs from the first in grid, kind or nodata value.
        StorageError: If a place cannot be read or written.
    """
    if not task.stack:
        return task
    content = [part for band in task.stack for part in (band.uri, str(band.size_bytes), band.etag)]
    key = digest(STACKING, *content)[:KEY_CHARACTERS]
    target = storage.join_uri(task.data_root, "stacks", f"{short_name(task.pair.name)}-{key}.tif")
    with ExitStack() as files:
        rasters = [files.enter_context(opened(band)) for band in task.stack]
        profile = _profile(task, rasters)
        if finished_tags(target, profile.size) is None:
            with raster_writer(target, profile) as writer:
                for rows in bands_of(rasters[0][1]):
                    read = zip(rasters, task.stack, strict=True)
                    writer.write(np.stack([read_rows(raster[0], band.uri, rows, (1,))[0] for raster, band in read]))
    image = storage.stat(target)
    assert image is not None  # it was written, or is finished
    bands = task.bands or tuple(range(1, len(task.stack) + 1))
    return replace(task, pair=replace(task.pair, image=image), stack=(), bands=bands)


def _profile(task: SceneTask, rasters: Sequence[tuple[rasterio.DatasetReader, RasterInfo]]) -> RasterProfile:
    grids = []
    first = rasters[0][1]
    for (_, info), band in zip(rasters, task.stack, strict=True):
        check_unpacking(info, band.size_bytes, band.uri)
        grids.append(Grid(band.uri, info.size, info.crs, info.transform))
        if info.bands != 1 or info.has_palette:
            held = "colours of a table" if info.has_palette else f"{info.bands} bands"
            raise DataError(f"{band.uri}: holds {held}, and an asset that is a band of an image holds one; name others")
        if (info.dtype, repr(info.nodata)) != (first.dtype, repr(first.nodata)):
            raise DataError(
                f"{band.uri}: holds {info.dtype} with nodata {info.nodata}, and {task.stack[0].uri}, another band of "
                f"the image, {first.dtype} with nodata {first.nodata}; convert them to one kind"
            )
        if info.is_masked and info.nodata is None:
            raise DataError(
                f"{band.uri}: says by a mask which pixels hold data; say it by a nodata value, or give one raster with "
                "all bands"
            )
    reason = why_not_stacked(grids)
    if reason:
        raise DataError(reason)
    return RasterProfile(
        size=first.size,
        bands=len(rasters),
        dtype=first.dtype,
        crs=first.crs,
        transform=first.transform,
        nodata=first.nodata,
    )
