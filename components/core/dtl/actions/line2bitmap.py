"""`line2bitmap`: figures become their outlines, as pixels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from components.core.dtl.action import ActionSettings
from components.core.dtl.object_action import ConvertingAction, MappingSettings, mapping_in_words
from components.core.figures import Figure, Shape
from components.core.figures.drawing import outlined
from components.core.geometry import Size

WIDEST = 32767
"""That OpenCV draws, in pixels."""


class LineToBitmapSettings(MappingSettings):
    """Settings of `line2bitmap`."""

    width: int = Field(ge=1, le=WIDEST)
    """Of what is drawn, in pixels."""


class LineToBitmap(ConvertingAction):
    """The outline of every figure of a listed class, whatever its shape, is drawn as a bitmap of lines `width` pixels
    wide: lines along their vertices, polygons along all rings, rectangles along their sides, bitmaps along the centres
    of their outer and inner border pixels, points as a disc of the radius `width / 2`, halves rounded to even. The
    bitmap is clipped to the image, and held in memory; one without a pixel goes. Tags and descriptions are lost; the
    image stays as it is.
    """

    name: ClassVar[str] = "line2bitmap"
    settings_model: ClassVar[type[ActionSettings]] = LineToBitmapSettings
    makes: ClassVar[Shape] = Shape.BITMAP
    works_on_pixels: ClassVar[bool] = True

    def figures(self, figure: Figure, size: Size) -> Iterable[Figure | None]:
        """The drawn outline, if a pixel is covered."""
        return [outlined(figure, size, self.settings.width)]

    def summary(self) -> str:
        """Width and classes."""
        return f"{self.settings.width} px wide, {mapping_in_words(self.mapping)}"
