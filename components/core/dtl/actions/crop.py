"""`crop`: keeps a part of an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import ConfigDict, Field, model_validator

from components.core.dtl.action import Action, ActionSettings, Context, Element, Emission, QueryLayer
from components.core.dtl.actions.sliding_window import crop_item
from components.core.dtl.lengths import Length, pixels_of
from components.core.dtl.schema_rules import Rule, given, one_of
from components.core.geometry import Size, Window


class SidesSettings(ActionSettings):
    """How far to go from each side, as "20px" or "10%" of the side that it is measured along; nothing unless given."""

    left: Length = "0px"
    top: Length = "0px"
    right: Length = "0px"
    bottom: Length = "0px"


class PercentSettings(ActionSettings):
    """A share of the image's side in percent: drawn from `min_percent` to `max_percent`, for each item."""

    min_percent: float = Field(gt=0, le=100)
    max_percent: float = Field(gt=0, le=100)

    @model_validator(mode="after")
    def _is_in_order(self) -> PercentSettings:
        if self.min_percent > self.max_percent:
            raise ValueError(f"min_percent {self.min_percent:g} is above max_percent {self.max_percent:g}")
        return self

    def __str__(self) -> str:
        least, most = self.min_percent, self.max_percent
        return f"{least:g} %" if least == most else f"{least:g}–{most:g} %"


class RandomPartSettings(ActionSettings):
    """A part at a random place."""

    height: PercentSettings
    width: PercentSettings

    keep_aspect_ratio: bool = False
    """Whether width and height are the same share, drawn from the range of `height`."""


class CropSettings(ActionSettings):
    """Settings of `crop`: one of the two."""

    model_config = ConfigDict(json_schema_extra=one_of(given("sides"), given("random_part")))

    sides: SidesSettings | None = None
    """What is cut off at each side."""

    random_part: RandomPartSettings | None = None
    """What is kept, at a random place."""

    @model_validator(mode="after")
    def _is_one_of_two(self) -> CropSettings:
        if (self.sides is None) == (self.random_part is None):
            raise ValueError("give exactly one of sides and random_part")
        return self


class CropImage(Action):
    """Keeps the image inside its `sides`, or a part of random size at a random place.

    Percentages are rounded down to whole pixels. Figures are cut, by the same rules as in `sliding_window`: a bitmap
    stays one object, a polygon or line may fall apart, and what is left of none is dropped. A crop that leaves no pixel
    gives no item.
    """

    name: ClassVar[str] = "crop"
    settings_model: ClassVar[type[ActionSettings]] = CropSettings
    may_draw: ClassVar[bool] = True
    draws_where: ClassVar[Rule] = given("random_part")

    def draws(self) -> bool:
        """A random part."""
        return self.settings.random_part is not None

    def apply(self, element: Element, layer: QueryLayer, context: Context) -> Iterator[Emission]:
        """The part, where there is any; nothing is read."""
        window = self._window(element, layer, context)
        if window is None:
            return
        if context.dry:
            yield Emission(element.without_objects(window.size, window_trail(window)))
        else:
            yield Emission(element.with_item(crop_item(element.item, window), window_trail(window)))

    def _window(self, element: Element, layer: QueryLayer, context: Context) -> Window | None:
        size, sides, part = element.item.size, self.settings.sides, self.settings.random_part
        if sides is not None:
            top, bottom = (pixels_of(length, size.height) for length in (sides.top, sides.bottom))
            left, right = (pixels_of(length, size.width) for length in (sides.left, sides.right))
            window = Window.of_bounds(top, left, size.height - bottom, size.width - right)
            return window if window.height > 0 and window.width > 0 else None
        shares = (part.height, part.height if part.keep_aspect_ratio else part.width)
        names = ("size", "size") if part.keep_aspect_ratio else ("height", "width")
        height, width = (
            int(side * context.drawn(layer, element, name, share.min_percent, share.max_percent) / 100)
            for side, share, name in zip((size.height, size.width), shares, names, strict=True)
        )
        if height < 1 or width < 1:
            return None
        top, left = (
            min(int(context.drawn(layer, element, name, 0, free + 1)), free)
            for name, free in (("top", size.height - height), ("left", size.width - width))
        )
        return Window(top, left, height, width)

    def summary(self) -> str:
        """Sides or shares."""
        sides, part = self.settings.sides, self.settings.random_part
        if sides is None:
            return f"random part, {part.width} × {part.height}"
        return ", ".join(f"{side} {length}" for side, length in sides.model_dump(exclude_unset=True).items())


def window_trail(window: Window) -> str:
    """What a crop of any size adds to a name: first row, first column, height and width."""
    size: Size = window.size
    return f"_r{window.top:04d}_c{window.left:04d}_{size.height}x{size.width}"
