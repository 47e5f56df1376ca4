"""The contours of a mask, as polygons along the centres of its border pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.figures.bitmap import Bitmap
from components.core.figures.connected_components import connected_components
from components.core.figures.figure import Vertices, vertices
from components.core.figures.vector import Polygon

LEAST_VERTICES = 3
"""Of a ring."""

CENTRE = 0.5
"""Of a pixel, from its corner."""


def contour_polygons(bitmap: Bitmap) -> Iterator[Polygon]:
    """One polygon an 8-connected component, with its holes; what lies in a hole is a polygon of its own.

    Straight runs are given by their ends. Contours of fewer than three vertices, as of pieces one pixel wide, are left
    out.

    Source: Suzuki, Abe, "Topological structural analysis of digitized binary images by border following", Computer
    Vision, Graphics, and Image Processing 30, 1985, as OpenCV has it.

    Args:
        bitmap: Read by row band; held are the band and the components' own boxes.

    Returns:
        The polygons in the image's coordinates, by the component's first pixel.
    """
    import cv2

    for part in connected_components(bitmap.mask):
        pixels = part.mask.pixels().view(np.uint8)
        found, hierarchy = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        origin = bitmap.top + part.top, bitmap.left + part.left
        rings = [_ring(contour[:, 0, ::-1], origin) for contour in found]
        is_hole = hierarchy[0, :, 3] >= 0
        (exterior,) = (ring for ring, hole in zip(rings, is_hole, strict=True) if not hole)
        holes = (ring for ring, hole in zip(rings, is_hole, strict=True) if hole and len(ring) >= LEAST_VERTICES)
        if len(exterior) >= LEAST_VERTICES:
            yield Polygon(exterior, tuple(holes))


def _ring(contour: npt.NDArray[Any], origin: tuple[int, int]) -> Vertices:
    return vertices(np.add(contour, origin) + CENTRE)
