"""Lengths in a query: whole pixels or a percentage, as text."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_LENGTH = re.compile(r"([0-9]{1,7})px|([0-9]{1,7}(?:\.[0-9]{1,9})?)%")


def _checked(text: str) -> str:
    if _LENGTH.fullmatch(text) is None:
        raise ValueError(f'{text!r} is not a length; write whole pixels such as "20px", or a share such as "10%"')
    return text


Length = Annotated[
    str, AfterValidator(_checked), WithJsonSchema({"type": "string", "pattern": f"^({_LENGTH.pattern})$"})
]
"""Such as "20px" or "10%"."""


def pixels_of(length: Length, side: float) -> int:
    """A length in pixels; a percentage of `side` is rounded down."""
    found = _LENGTH.fullmatch(length)
    if found is None:
        raise ValueError(f"{length!r} is not a length")
    return int(found[1]) if found[1] else int(side * float(found[2]) / 100)
