"""Figures: what is drawn on an image. Immutable, row first, in pixels."""

from components.core.figures.bitmap import Bitmap
from components.core.figures.figure import AREA_SHAPES, Figure, Shape, Vertices, vertices
from components.core.figures.mask import InlineMask, Mask, RasterMask, tight_window
from components.core.figures.vector import Line, Point, Polygon, Rectangle

__all__ = [
    "AREA_SHAPES",
    "Bitmap",
    "Figure",
    "InlineMask",
    "Line",
    "Mask",
    "Point",
    "Polygon",
    "RasterMask",
    "Rectangle",
    "Shape",
    "Vertices",
    "tight_window",
    "vertices",
]
