"""What of a scene lies outside the area of interest, as ground that nobody labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from components.core import storage
from components.core.class_titles import NEUTRAL_CLASS
from components.core.errors import DataError
from components.core.figures import Bitmap, RasterMask
from components.core.figures.centre_rule import holding_centres
from components.core.footprints.geography import PixelGrid
from components.core.geometry import Window, row_bands
from components.core.hashing import digest, short_name
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.imagery.writing import RasterProfile, raster_writer
from components.core.project import Item, Object
from components.core.vectors.area import AreaOnScene, area_on, rings_of
from components.core.vectors.layer import VectorLayer
from components.import_images.mask_remarks import MaskSummary
from components.import_images.mask_survey import MaskScan, Scanner
from components.import_images.rewriting import KEY_CHARACTERS

BAND_ROWS = 512

OUTSIDE = 255
"""Value of the raster where a pixel lies outside."""


def area_of_scene(layer: VectorLayer, item: Item) -> AreaOnScene:
    """Where a scene lies against the area of interest.

    Raises:
        DataError: If the scene has no georeference, or cannot be brought to the area's CRS.
    """
    grid = PixelGrid.of_item(item)
    if grid is None:
        raise DataError(
            f"item {item.key}: its image has no CRS and transform, so nobody knows whether it lies in {layer.uri}; "
            "georeference it, or give no area of interest"
        )
    return area_on(layer, grid, item.size)


def with_neutral_outside(
    item: Item, summary: MaskSummary | None, polygons: bytes, data_root: str
) -> tuple[Item, MaskSummary | None]:
    """A scene whose pixels outside an area are neutral; they lie in a raster in the data root.

    Args:
        item: The scene, with the objects of its mask, if it has one.
        summary: What its mask holds; None where it has none.
        polygons: The area; see `AreaOnScene`.
        data_root: For the raster, of which the same area of the same scene gives the same.

    Returns:
        The scene with one object more; and what is left of its mask.

    Raises:
        DataError: If the mask cannot be read.
        StorageError: If the raster cannot be written.
    """
    key = digest(polygons.hex(), f"{item.size.height} {item.size.width}")[:KEY_CHARACTERS]
    target = storage.join_uri(data_root, "areas", f"{short_name(item.name)}-{key}.tif")
    building, unlabelled = (_bitmaps(item, neutral) for neutral in (False, True))
    rings, scan, counts = rings_of(polygons), Scanner(), [0, 0]
    with raster_writer(target, RasterProfile(size=item.size, compress="deflate")) as writer:
        for rows in row_bands(item.size, BAND_ROWS):
            beyond = ~holding_centres(rings, rows)
            scan.add(rows, beyond)
            writer.write(beyond.view(np.uint8) * np.uint8(OUTSIDE))
            counts[0] += _count(building, rows, ~beyond)
            counts[1] += int(np.count_nonzero(beyond)) + _count(unlabelled, rows, ~beyond)
    neutral = _object(target, scan.result())
    left = None if summary is None else replace(summary, building=counts[0], unlabelled=counts[1])
    return item.with_objects((*item.objects, *neutral)), left


def _bitmaps(item: Item, neutral: bool) -> list[Bitmap]:
    chosen = (entry.figure for entry in item.objects if (entry.class_title == NEUTRAL_CLASS) is neutral)
    return [figure for figure in chosen if isinstance(figure, Bitmap)]


def _count(figures: Sequence[Bitmap], rows: Window, where: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    found = 0
    for figure in figures:
        seen = figure.window.intersection(rows)
        if seen is not None:
            pixels = figure.mask.read(seen.shift(-figure.top, -figure.left))
            found += int(np.count_nonzero(pixels & where[seen.shift(-rows.top, -rows.left).slices]))
    return found


def _object(raster: str, scan: MaskScan) -> list[Object]:
    if scan.box is None:
        return []
    mask = RasterMask(MaskRaster(raster), Recipe(scan.box), scan.area)
    return [Object(NEUTRAL_CLASS, Bitmap(scan.box.top, scan.box.left, mask))]
