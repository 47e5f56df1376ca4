"""`resize`: scales an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import ConfigDict, Field, model_validator

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.pixel_action import with_operation
from components.core.dtl.schema_rules import both, is_set, some_of, value, when
from components.core.errors import DataError
from components.core.figures.transforms import placed, resized
from components.core.geometry import Size
from components.core.imagery.operations import LONGEST_SIDE, Frame, Resize
from components.core.project import Item

AUTO = -1


class AspectRatioSettings(ActionSettings):
    """Whether both sides are scaled by one factor."""

    keep: bool


RESIZE = both(
    value("width", {"not": {"const": 0}}),
    value("height", {"not": {"const": 0}}),
    {"not": both(is_set("width", AUTO), is_set("height", AUTO))},
    when(some_of(is_set("width", AUTO), is_set("height", AUTO)), value("aspect_ratio", value("keep", {"const": True}))),
)


class ResizeSettings(ActionSettings):
    """Settings of `resize`."""

    model_config = ConfigDict(json_schema_extra=RESIZE)

    width: int = Field(ge=AUTO, le=LONGEST_SIDE)
    """In pixels; -1 follows from the height, with `aspect_ratio.keep`."""

    height: int = Field(ge=AUTO, le=LONGEST_SIDE)
    """In pixels; -1 follows from the width, with `aspect_ratio.keep`."""

    aspect_ratio: AspectRatioSettings

    @model_validator(mode="after")
    def _says_enough(self) -> ResizeSettings:
        for key, side in (("width", self.width), ("height", self.height)):
            if side == 0:
                raise ValueError(f"{key}: 0 leaves no pixel; give a number of pixels, or -1")
        if self.width == AUTO and self.height == AUTO:
            raise ValueError("width and height are both -1; give one of them")
        if AUTO in (self.width, self.height) and not self.aspect_ratio.keep:
            raise ValueError("a side of -1 follows from the other one; set aspect_ratio.keep to true")
        return self


class ResizeImage(Action):
    """Scales the image to a size; with `keep` and both sides given, it is scaled to fit and centred on black.

    The image is bilinear between pixel centres. Vectors are multiplied by the factor, which is not rounded, and clipped
    where rounding makes the image smaller; pixel i of a bitmap is pixel floor((i + 0.5) · old side / new side) of the
    old one. Figures that vanish are dropped. A georeference follows.
    """

    name: ClassVar[str] = "resize"
    settings_model: ClassVar[type[ActionSettings]] = ResizeSettings

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The element, scaled; of its pixels, large masks alone are read."""
        size = element.item.size
        resize, canvas = self._resize(size, element.source.name)
        result = canvas or resize.result_size(size)
        trail = f"_{result.height}x{result.width}"
        if context.dry:
            yield Emission(element.without_objects(result, trail))
            return
        item = resize_item(element.item, resize)
        yield Emission(element.with_item(item if canvas is None else place_item(item, canvas), trail))

    def _resize(self, size: Size, name: str) -> tuple[Resize, Size | None]:
        """What is done to the image, and the canvas that it is then put on; None where it fills it."""
        width, height = self.settings.width, self.settings.height
        if not size.height or not size.width:
            raise DataError(f"{self.place}: image {name!r} has no pixels to resize")
        if not self.settings.aspect_ratio.keep:
            return Resize(height, width, height / size.height, width / size.width), None
        factors = [side / length for side, length in ((height, size.height), (width, size.width)) if side != AUTO]
        factor = min(factors)
        scaled = Size(max(1, round(size.height * factor)), max(1, round(size.width * factor)))
        if max(scaled.height, scaled.width) > LONGEST_SIDE:
            raise DataError(f"{self.place}: image {name!r} would become {scaled} px; sides are up to {LONGEST_SIDE}")
        asked = Size(height, width)
        resize = Resize(scaled.height, scaled.width, factor, factor)
        return resize, asked if AUTO not in (width, height) and asked != scaled else None

    def summary(self) -> str:
        """Width and height."""
        sides = " × ".join(
            "auto" if side == AUTO else str(side) for side in (self.settings.width, self.settings.height)
        )
        return f"{sides} px{', aspect ratio kept' if self.settings.aspect_ratio.keep else ''}"


def resize_item(item: Item, resize: Resize) -> Item:
    """An item and its figures, scaled."""
    return with_operation(
        item, resize, resize.result_size(item.size), lambda figure: resized(figure, resize, item.size)
    )


def place_item(item: Item, canvas: Size) -> Item:
    """An item in the middle of a black canvas, half a pixel further up or left where it does not lie evenly."""
    top, left = (canvas.height - item.size.height) // 2, (canvas.width - item.size.width) // 2
    frame = Frame(-top, -left, canvas.height, canvas.width)
    return with_operation(item, frame, canvas, lambda figure: placed(figure, top, left, item.size, canvas))
