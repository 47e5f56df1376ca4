"""`noise`: adds random grey levels to an image."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from components.core.dtl.action import ActionSettings, Context, Element, QueryLayer
from components.core.dtl.pixel_action import PixelAction
from components.core.imagery.operations import Noise, Operation


class NoiseSettings(ActionSettings):
    """Settings of `noise`."""

    mean: float = Field(allow_inf_nan=False)
    """Of what is added, in grey levels of 0–255."""

    std: float = Field(ge=0, allow_inf_nan=False)
    """Its standard deviation, in grey levels."""


class AddNoise(PixelAction):
    """Adds a normally distributed number to each channel of each pixel; figures stay.

    Results are cut to 0–255 and rounded down. The numbers follow from the item's name and the pixel's place, so that
    they are the same whenever and in whatever windows the image is read.
    """

    name: ClassVar[str] = "noise"
    settings_model: ClassVar[type[ActionSettings]] = NoiseSettings
    may_draw: ClassVar[bool] = True
    trail: ClassVar[str] = "_noise"

    def operation(self, element: Element, layer: QueryLayer, context: Context) -> Operation:
        """Noise with a seed of the element's own."""
        return Noise(self.settings.mean, self.settings.std, context.drawn_seed(layer, element))

    def summary(self) -> str:
        """Mean and spread."""
        return f"{self.settings.mean:g} ± {self.settings.std:g}"
