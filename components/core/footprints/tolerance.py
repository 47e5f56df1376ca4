"""How far a simplified outline may lie from the pixels' edges."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass
from typing import Literal

from components.core.errors import ConfigError

_TEXT = re.compile(r"\s*(?P<value>[-+.\w]+?)\s*(?P<unit>px|m)?\s*")

DEFAULT_PX = 1.0


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A distance in pixels of the image, or on the ground.

    Attributes:
        value: From 0 up; 0 keeps the pixels' edges.
        unit: Of it: pixels, or metres.
    """

    value: float = DEFAULT_PX
    unit: Literal["px", "m"] = "px"

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """From a text such as "1 px" or "0.5 m"; a number alone counts pixels.

        Raises:
            ConfigError: If it is none.
        """
        found = _TEXT.fullmatch(str(text))
        try:
            value = float(found["value"]) if found else math.nan
        except ValueError:
            value = math.nan
        if found is None or not 0 <= value < math.inf:
            raise ConfigError(
                f"tolerance: {text!r} is no distance from 0 up; give one in pixels or metres, such as 1 px or 0.5 m, "
                "or 0 to keep the pixels' edges"
            )
        return cls(value, "m" if found["unit"] == "m" else "px")

    def pixels(self, pixel_m: float | None) -> float:
        """The same in pixels, which are so many metres wide; `DEFAULT_PX` for metres where that is not known."""
        if self.unit == "px":
            return self.value
        return DEFAULT_PX if pixel_m is None else self.value / pixel_m

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


DEFAULT = Tolerance()


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add `--tolerance`, and the two flags that earlier versions had in its place."""
    parser.add_argument(
        "--tolerance",
        default=str(DEFAULT),
        help="of simplification, in pixels or metres, such as '0.5 m'; 0 keeps the pixels' edges",
    )
    add_earlier_flags(parser)


def add_earlier_flags(parser: argparse.ArgumentParser) -> None:
    """Add the two flags that earlier versions had in the place of `--tolerance`, which must be there."""
    for unit in ("px", "m"):
        parser.add_argument(
            f"--tolerance-{unit}",
            dest="tolerance",
            type=f"{{}} {unit}".format,
            default=argparse.SUPPRESS,
            metavar="NUMBER",
            help=argparse.SUPPRESS,
        )
