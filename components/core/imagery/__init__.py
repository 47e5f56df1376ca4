"""Rasters: read by window, written by band, described without reading."""

from components.core.imagery.images import read_image, read_validity
from components.core.imagery.local_copy import local_copy
from components.core.imagery.masks import MaskRaster
from components.core.imagery.reading import RasterInfo, describe, read_band, read_rgb
from components.core.imagery.recipe import Crop, Flip, Recipe
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
