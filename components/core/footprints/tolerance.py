"""How far a simplified outline may lie from the pixels' edges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from components.core.errors import ConfigError

_TEXT = re.compile(r"(?P<value>\+?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?)\s*(?P<unit>px|m)?", re.IGNORECASE)

DEFAULT_PX = 1.0

MOST = 1000.0
"""In either unit: far less already makes a triangle of every building."""

SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A distance in pixels of the image, or on the ground.

    Attributes:
        value: From 0 to `MOST`; 0 keeps the pixels' edges.
        unit: Of it: pixels, or metres; pixels where the value is 0, so that it has one form.
    """

    value: float = DEFAULT_PX
    unit: Literal["px", "m"] = "px"

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """From a text such as "1 px" or "0.5 m"; a number alone counts pixels.

        Raises:
            ConfigError: If it is none, or out of bounds.
        """
        given = str(text).strip()
        found = _TEXT.fullmatch(given)
        if found is None:
            raise ConfigError(
                f"tolerance: {_shown(given)} is not a distance of 0 or more; give one in pixels or metres, such as "
                "1 px or 0.5 m, or 0 to keep the pixels' edges"
            )
        value = float(found["value"])
        if value > MOST:
            raise ConfigError(
                f"tolerance: {_shown(given)} exceeds {MOST:g}, which leaves no outline of any building; 1 px "
                "suits most imagery"
            )
        return cls(value, "m" if value and (found["unit"] or "").lower() == "m" else "px")

    def pixels(self, pixel_m: float | None) -> float:
        """The same in pixels of a width in metres; `DEFAULT_PX` for metres where that is not known."""
        if self.unit == "px":
            return self.value
        return DEFAULT_PX if pixel_m is None else self.value / pixel_m

    def __str__(self) -> str:
        return f"{repr(self.value).removesuffix('.0')} {self.unit}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


DEFAULT = Tolerance()
