"""The rasters that items are read from, and their copies on local disk, wherever they belong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from components.core.figures import Bitmap, RasterMask
from components.core.imagery import local_copy
from components.core.project.item import Item, Object


def rasters_of(item: Item) -> Iterator[str]:
    """URIs of the rasters that hold an item's image and masks; those of masks repeat."""
    if item.image is not None:
        yield item.image.uri
    for entry in item.objects:
        if isinstance(entry.figure, Bitmap) and isinstance(entry.figure.mask, RasterMask):
            yield entry.figure.mask.raster.uri


def with_local_copies(item: Item) -> Item:
    """The same item with image and masks read from copies on local disk; see `local_copy`.

    Raises:
        StorageError: If a raster is not there or cannot be fetched.
    """
    image = item.image
    if image is not None:
        uri = local_copy(image.uri)
        image = image if uri == image.uri else replace(image, uri=uri)
    return replace(item, image=image, objects=tuple(map(_copied, item.objects)))


def _copied(entry: Object) -> Object:
    figure = entry.figure
    if not isinstance(figure, Bitmap) or not isinstance(figure.mask, RasterMask):
        return entry
    raster = figure.mask.raster
    uri = local_copy(raster.uri)
    if uri == raster.uri:
        return entry
    return entry.with_figure(replace(figure, mask=replace(figure.mask, raster=replace(raster, uri=uri))))
