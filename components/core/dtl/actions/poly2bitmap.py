"""`poly2bitmap`: figures become the pixels that they cover."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from components.core.dtl.object_action import ConvertingAction
from components.core.figures import Figure, Shape
from components.core.figures.drawing import drawn
from components.core.geometry import Size


class PolygonToBitmap(ConvertingAction):
    """Every figure of a listed class, whatever its shape, is drawn as a bitmap: polygons with their outline and that of
    their holes, those of vector labels by the centres that they hold, rectangles with both corners, so that a box of
    width w covers w + 1 columns, lines one pixel wide, points as one pixel. Coordinates round half to even, those of
    rectangles half up. A bitmap stays as it is, unread; of another figure the box is held in memory. What covers no
    pixel of the image goes. Tags and descriptions are lost; the image stays as it is.
    """

    name: ClassVar[str] = "poly2bitmap"
    makes: ClassVar[Shape] = Shape.BITMAP
    works_on_pixels: ClassVar[bool] = True

    def figures(self, figure: Figure, size: Size) -> Iterable[Figure | None]:
        """The bitmap, if a pixel is covered."""
        return [drawn(figure, size)]
