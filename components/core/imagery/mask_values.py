"""Which values of a mask a run names as building, and which as unlabelled."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from components.core.errors import ConfigError

IGNORE = "ignore="

COLOUR = re.compile(r"#([0-9a-fA-F]{6})")

EXAMPLES = (
    "1 (that value is building), 2,3 (either is), 1,ignore=255 (255 is not labelled), or #FF0000 (that colour is)"
)


@dataclass(frozen=True, slots=True)
class PixelValues:
    """Some values of masks.

    Attributes:
        numbers: Of one band, or indices of a palette.
        colours: As 0xRRGGBB.
    """

    numbers: tuple[float, ...] = ()
    colours: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.numbers or self.colours)


@dataclass(frozen=True, slots=True)
class MaskValues:
    """What a run says of its masks' values.

    Attributes:
        building: What is building; none where all above 0, or all colours but black, are.
        ignored: What is neither building nor anything else: such pixels are ignored in training and evaluation.
    """

    building: PixelValues = PixelValues()
    ignored: PixelValues = PixelValues()

    @classmethod
    def parse(cls, text: str) -> MaskValues:
        """Read the parameter.

        Args:
            text: Values that are building, with commas between them: numbers, or colours such as "#FF0000"; each that
                begins with "ignore=" is not labelled instead. Empty for the rule of
                `components.import_images.mask_meaning`.

        Raises:
            ConfigError: If it is not of that form.
        """
        building: list[int | float] = []
        ignored: list[int | float] = []
        for term in text.split(",") if text.strip() else ():
            name = term.strip()
            (ignored if name.startswith(IGNORE) else building).append(_value(name.removeprefix(IGNORE), text))
        both = {value for value in building if value in ignored}
        if both:
            raise ConfigError(f"mask_value: {text!r} names a value both as building and as ignored; choose one")
        return cls(_values(building, text), _values(ignored, text))


class _Colour(int):
    """0xRRGGBB, which is another value than the number."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Colour) and int(self) == int(other)

    __hash__ = int.__hash__


def _value(term: str, text: str) -> int | float:
    colour = COLOUR.fullmatch(term)
    if colour:
        return _Colour(colour[1], 16)
    try:
        number = float(term)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"mask_value: {text!r} cannot be parsed; use {EXAMPLES}")
    return int(number) if number.is_integer() else number


def _values(found: list[int | float], text: str) -> PixelValues:
    if len(set(found)) < len(found):
        raise ConfigError(f"mask_value: {text!r} names a value twice; give it once")
    colours = tuple(int(value) for value in found if isinstance(value, _Colour))
    return PixelValues(tuple(value for value in found if not isinstance(value, _Colour)), colours)
