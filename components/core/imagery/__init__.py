"""Rasters: read by window, written by band, described without reading."""

from components.core.imagery.images import read_image
from components.core.imagery.local_copy import local_copy
from components.core.imagery.masks import MaskRaster
from components.core.imagery.reading import RasterInfo, describe, read_band, read_rgb
from components.core.imagery.recipe import Crop, Flip, Recipe
from components.core.imagery.writing import BandWriter, RasterProfile, raster_writer

__all__ = [
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
]
