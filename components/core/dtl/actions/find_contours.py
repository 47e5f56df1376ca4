"""`find_contours`: masks become polygons."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, cast

from components.core.dtl.object_action import ConvertingAction
from components.core.figures import Bitmap, Figure, Shape
from components.core.figures.contours import contour_polygons
from components.core.geometry import Size


class FindContours(ConvertingAction):
    """Every bitmap of a listed class becomes one polygon an 8-connected component, holes kept; what lies in a hole is a
    polygon of its own. Contours run along the centres of the border pixels (x + 0.5, y + 0.5), not along their edges,
    so that a house of 10×10 pixels gives a square of 9×9; straight runs are told by their ends (Suzuki and Abe 1985).
    Contours of fewer than three vertices go. A figure of another shape makes its image fail. Masks are read by row
    band. Tags and descriptions are lost; the image stays as it is.
    """

    name: ClassVar[str] = "find_contours"
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.BITMAP})
    makes: ClassVar[Shape] = Shape.POLYGON
    works_on_pixels: ClassVar[bool] = True

    def figures(self, figure: Figure, size: Size) -> Iterable[Figure | None]:
        """The polygons."""
        return contour_polygons(cast(Bitmap, figure))
