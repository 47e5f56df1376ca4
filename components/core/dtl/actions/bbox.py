"""`bbox`: figures become their boxes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from components.core.dtl.object_action import ConvertingAction
from components.core.figures import Figure, Shape
from components.core.figures.bounds import bounds_of
from components.core.geometry import Size


class BoundingBox(ConvertingAction):
    """Every figure of a listed class becomes the rectangle around it, clipped to the image: of a bitmap the box of its
    pixels, of a polygon that of its exterior, of a rectangle itself. Points, and lines that are level or upright, have
    no box and go. Tags and descriptions are lost; the image stays as it is, and no pixel is read.
    """

    name: ClassVar[str] = "bbox"
    makes: ClassVar[Shape] = Shape.RECTANGLE

    def figures(self, figure: Figure, size: Size) -> Iterable[Figure | None]:
        """The box, if there is one."""
        return bounds_of(figure).normalise(size)
