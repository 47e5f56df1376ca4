"""Images made ready for windowed reading: left where they are, or rewritten as 8-bit grey or RGB."""

from __future__ import annotations

import numpy as np
import rasterio

from components.core.imagery.reading import RasterInfo, palette_of
from components.core.imagery.writing import RasterProfile, raster_writer
from components.import_images.rasters import (
    bands_of,
    check_extent,
    colour_bands,
    declares_gaps,
    read_rows,
    read_validity,
)
from components.import_images.rewriting import finished_tags, rewritten_uri
from components.import_images.scaling import Stretch, stretch_of
from components.import_images.task import Outcome, SceneTask

SCALING_TAG = "FOOTPRINTS_SCALING"


def ready_image(
    dataset: rasterio.DatasetReader, info: RasterInfo, task: SceneTask
) -> tuple[str, Stretch | None, Outcome]:
    """Leave an image where it is, or rewrite it."""
    source = task.pair.image
    indexes = colour_bands(dataset)
    palette = palette_of(dataset) if info.has_palette else None
    if (info.is_tiled or task.keep_untiled) and info.dtype == "uint8" and indexes in ((1,), (1, 2, 3)):
        check_extent(dataset, source.uri, source.size_bytes)
        return source.uri, None, Outcome.KEPT
    has_gaps = declares_gaps(dataset)
    target = rewritten_uri(source, task, "imagery", repr(task.scaling), *(["alpha"] if has_gaps else []))
    tags = finished_tags(target, info.size)
    if tags is not None:
        text = tags.get(SCALING_TAG)
        return target, Stretch.of_text(text) if text else None, Outcome.REUSED
    stretch = None if info.has_palette else stretch_of(task.scaling, dataset, source.uri, info, indexes)
    profile = RasterProfile(
        size=info.size,
        bands=(3 if info.has_palette else len(indexes)) + has_gaps,
        crs=info.crs,
        transform=info.transform,
        alpha=has_gaps,
        tags={SCALING_TAG: stretch.as_text()} if stretch else {},
    )
    with raster_writer(target, profile) as writer:
        for rows in bands_of(info):
            pixels = read_rows(dataset, source.uri, rows, indexes)
            if stretch is not None:
                pixels = stretch.apply(pixels)
            if palette is not None:
                pixels = np.moveaxis(palette[pixels[0]], 2, 0)
            if has_gaps:
                valid = read_validity(dataset, source.uri, rows)
                pixels = np.concatenate([pixels, valid[np.newaxis] * np.uint8(255)])
            writer.write(pixels)
    return target, stretch, Outcome.REWRITTEN
