"""Rasters: read by window, written by band, described without reading.

What needs GDAL is imported when it is asked for: a stage that only passes references on does without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from components.core.imagery.local_copy import local_copy
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Crop, Flip, Recipe

if TYPE_CHECKING:
    from components.core.imagery.images import read_image, read_validity
    from components.core.imagery.reading import RasterInfo, describe, read_band, read_rgb
    from components.core.imagery.writing import TILE_PX, BandWriter, RasterProfile, raster_writer, strip_writer

__all__ = [
    "TILE_PX",
    "BandWriter",
    "Crop",
    "Flip",
    "MaskRaster",
    "RasterInfo",
    "RasterProfile",
    "Recipe",
    "describe",
    "local_copy",
    "raster_writer",
    "read_band",
    "read_image",
    "read_rgb",
    "read_validity",
    "strip_writer",
]

_WITH_GDAL = {
    "TILE_PX": "writing",
    "BandWriter": "writing",
    "RasterInfo": "reading",
    "RasterProfile": "writing",
    "describe": "reading",
    "raster_writer": "writing",
    "read_band": "reading",
    "read_image": "images",
    "read_rgb": "reading",
    "read_validity": "images",
    "strip_writer": "writing",
}
"""Names, and the modules that they come from."""


def __getattr__(name: str) -> Any:
    if name not in _WITH_GDAL:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WITH_GDAL[name]}"), name)
