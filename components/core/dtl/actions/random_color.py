"""`random_color`: changes the colours of an image at random."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from components.core.dtl.action import ActionSettings, Context, Element, QueryLayer
from components.core.dtl.pixel_action import PixelAction
from components.core.imagery.operations import Colour, Operation

REACH = 0.3
"""How far from the identity an entry of the matrix may be at full strength."""


class RandomColorSettings(ActionSettings):
    """Settings of `random_color`."""

    strength: float = Field(ge=0, le=1)
    """How much colours change: 0 not at all."""


class RandomColor(PixelAction):
    """Mixes red, green and blue of the image by a random 3×3 matrix; figures stay.

    The matrix is drawn for each item: the identity plus `strength` times nine numbers from −0.3 to 0.3. Results are cut
    to 0–255 and rounded down.
    """

    name: ClassVar[str] = "random_color"
    settings_model: ClassVar[type[ActionSettings]] = RandomColorSettings
    may_draw: ClassVar[bool] = True
    trail: ClassVar[str] = "_color"

    def operation(self, element: Element, layer: QueryLayer, context: Context) -> Operation | None:
        """The matrix that is drawn."""
        reach = self.settings.strength * REACH
        if not reach:
            return None
        drawn = [context.drawn(layer, element, f"entry {entry}", -reach, reach) for entry in range(9)]
        return Colour(tuple((np.eye(3).ravel() + drawn).tolist()))

    def summary(self) -> str:
        """The strength."""
        return f"strength {self.settings.strength:g}"
