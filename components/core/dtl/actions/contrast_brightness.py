"""`contrast_brightness`: changes the contrast and the brightness of an image."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, model_validator

from components.core.dtl.action import ActionSettings, Context, Element, QueryLayer
from components.core.dtl.pixel_action import PixelAction
from components.core.dtl.ranges import Range
from components.core.dtl.schema_rules import both, given, some_of, value
from components.core.imagery.operations import Colour, Operation

GREY = 128.0


class ContrastSettings(Range):
    """Factor of contrast: drawn from `min` to `max`; 1 changes nothing."""

    model_config = ConfigDict(json_schema_extra=both(value("min", {"minimum": 0})))

    center_grey: bool = False
    """Whether grey 128 keeps its value, and not black."""

    @model_validator(mode="after")
    def _is_positive(self) -> ContrastSettings:
        if self.min < 0:
            raise ValueError(f"min {self.min:g} is below 0; a factor of contrast is not negative")
        return self


class ContrastBrightnessSettings(ActionSettings):
    """Settings of `contrast_brightness`; at least one of the two."""

    model_config = ConfigDict(json_schema_extra=some_of(given("contrast"), given("brightness")))

    contrast: ContrastSettings | None = None
    """Factor of contrast, drawn from `min` to `max`."""

    brightness: Range | None = None
    """What is added, in grey levels, drawn from `min` to `max`."""

    @model_validator(mode="after")
    def _changes_something(self) -> ContrastBrightnessSettings:
        if self.contrast is None and self.brightness is None:
            raise ValueError("neither contrast nor brightness is given; give one of them")
        return self


class ContrastBrightness(PixelAction):
    """Makes (x − c) · k + b + c of every value x of the image; figures stay.

    c is 128 where `center_grey` is set, and 0 else. The factor k and the summand b are drawn for each item. Results are
    cut to 0–255 and rounded down.
    """

    name: ClassVar[str] = "contrast_brightness"
    settings_model: ClassVar[type[ActionSettings]] = ContrastBrightnessSettings
    may_draw: ClassVar[bool] = True
    trail: ClassVar[str] = "_contrast"

    def operation(self, element: Element, layer: QueryLayer, context: Context) -> Operation:
        """The same factor and summand for all channels."""
        contrast, brightness = self.settings.contrast, self.settings.brightness
        factor, middle, added = 1.0, 0.0, 0.0
        if contrast is not None:
            factor = context.drawn(layer, element, "contrast", contrast.min, contrast.max)
            middle = GREY if contrast.center_grey else 0.0
        if brightness is not None:
            added = context.drawn(layer, element, "brightness", brightness.min, brightness.max)
        shift = middle - middle * factor + added
        return Colour((factor, 0.0, 0.0, 0.0, factor, 0.0, 0.0, 0.0, factor), (shift,) * 3)

    def summary(self) -> str:
        """Both ranges."""
        contrast, brightness = self.settings.contrast, self.settings.brightness
        words = [] if contrast is None else [f"contrast {contrast}"]
        return ", ".join([*words, *([] if brightness is None else [f"brightness {brightness}"])])
