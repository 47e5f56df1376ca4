"""`bbox2poly`: rectangles become polygons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from components.core.dtl.object_action import ConvertingAction
from components.core.figures import Figure, Polygon, Rectangle, Shape, vertices
from components.core.geometry import Size


class BoxToPolygon(ConvertingAction):
    """Every rectangle of a listed class becomes the polygon of its four corners; a figure of another shape makes its
    image fail. Tags and descriptions are lost; the image stays as it is.
    """

    name: ClassVar[str] = "bbox2poly"
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.RECTANGLE})
    makes: ClassVar[Shape] = Shape.POLYGON

    def figures(self, figure: Figure, size: Size) -> Iterable[Figure | None]:
        """The polygon."""
        box = cast(Rectangle, figure)
        corners = (box.top, box.left), (box.bottom, box.left), (box.bottom, box.right), (box.top, box.right)
        return [Polygon(vertices(corners))]
