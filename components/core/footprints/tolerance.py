"""How far a simplified outline may lie from the pixels' edges."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import Any, Literal

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
                f"tolerance: {_shown(given)} is no distance from 0 up; give one in pixels or metres, such as 1 px or "
                "0.5 m, or 0 to keep the pixels' edges"
            )
        value = float(found["value"])
        if value > MOST:
            raise ConfigError(
                f"tolerance: {_shown(given)} exceeds {MOST:g}, with which no outline is left of any building; 1 px "
                "suits most imagery"
            )
        return cls(value, "m" if value and (found["unit"] or "").lower() == "m" else "px")

    def pixels(self, pixel_m: float | None) -> float:
        """The same in pixels, which are so many metres wide; `DEFAULT_PX` for metres where that is not known."""
        if self.unit == "px":
            return self.value
        return DEFAULT_PX if pixel_m is None else self.value / pixel_m

    def __str__(self) -> str:
        return f"{repr(self.value).removesuffix('.0')} {self.unit}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


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
            action=_EarlierFlag,
            default=argparse.SUPPRESS,
            metavar="NUMBER",
            help=argparse.SUPPRESS,
        )


class _EarlierFlag(argparse.Action):
    """Sets the tolerance, but for 0 metres, which stood for the tolerance in pixels."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        unit = self.option_strings[0].rpartition("-")[2]
        if unit == "px" or values.strip().strip("0.") != "":
            namespace.tolerance = f"{values} {unit}"
