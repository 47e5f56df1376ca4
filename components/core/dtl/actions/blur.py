"""`blur`: smooths an image."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from components.core.dtl.action import ActionSettings, Context, Element, QueryLayer
from components.core.dtl.pixel_action import PixelAction
from components.core.dtl.ranges import Range
from components.core.dtl.schema_rules import Rule, both, given, is_set, left_out, one_of, value
from components.core.imagery.operations import MOST_KERNEL, MOST_SIGMA, GaussianBlur, MedianBlur, Operation

BLUR = both(
    one_of(
        both(is_set("name", "gaussian"), given("sigma"), left_out("kernel")),
        both(is_set("name", "median"), given("kernel"), left_out("sigma")),
    ),
    value("kernel", {"not": {"type": "integer", "multipleOf": 2}}),
    value("sigma", {"properties": {"min": {"minimum": 0}, "max": {"maximum": MOST_SIGMA}}}),
)


class BlurSettings(ActionSettings):
    """Settings of `blur`."""

    model_config = ConfigDict(json_schema_extra=BLUR)

    name: Literal["gaussian", "median"]

    sigma: Range | None = None
    """Of a Gaussian, in pixels: drawn from `min` to `max`."""

    kernel: int | None = Field(default=None, ge=1, le=MOST_KERNEL)
    """Of a median: side of the square that it is taken of, in pixels; odd."""

    @model_validator(mode="after")
    def _fits_its_name(self) -> BlurSettings:
        if self.name == "gaussian" and (self.sigma is None or self.kernel is not None):
            raise ValueError('"gaussian" takes sigma, with min and max, and no kernel')
        if self.name == "median" and (self.kernel is None or self.sigma is not None):
            raise ValueError('"median" takes kernel, and no sigma')
        if self.kernel is not None and self.kernel % 2 == 0:
            raise ValueError(f"kernel: {self.kernel} is even; use {self.kernel + 1}")
        if self.sigma is not None and not 0 <= self.sigma.min <= self.sigma.max <= MOST_SIGMA:
            raise ValueError(f"sigma: {self.sigma} leaves 0–{MOST_SIGMA:g} px")
        return self


class Blur(PixelAction):
    """Smooths the image; figures stay.

    `gaussian` weighs the pixels around by exp(-d² / 2σ²), out to four σ; σ is drawn for each item. `median` takes the
    middle value of a square, channel by channel. Beyond its border the image goes on: mirrored for the one, with its
    last pixel for the other. Results are rounded down.
    """

    name: ClassVar[str] = "blur"
    settings_model: ClassVar[type[ActionSettings]] = BlurSettings
    may_draw: ClassVar[bool] = True
    draws_where: ClassVar[Rule] = given("sigma")
    trail: ClassVar[str] = "_blur"

    def draws(self) -> bool:
        """The sigma."""
        return self.settings.sigma is not None

    def operation(self, element: Element, layer: QueryLayer, context: Context) -> Operation | None:
        """A blur of the sigma that is drawn, or a median."""
        sigma = self.settings.sigma
        if sigma is None:
            return MedianBlur(self.settings.kernel)
        drawn = context.drawn(layer, element, "sigma", sigma.min, sigma.max)
        return GaussianBlur(drawn) if drawn > 0 else None

    def summary(self) -> str:
        """Kind and width."""
        settings = self.settings
        return f"median of {settings.kernel} px" if settings.sigma is None else f"gaussian, σ {settings.sigma} px"
