"""Which bands of a raster become red, green and blue: by what a user says, by their names, else by their places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    import rasterio

COLOURS = ("red", "green", "blue")

OTHER_WORDS = frozenset({"coastal", "edge", "infrared", "near", "pan", "swir", "yellow"})
"""Beside a colour in a band's name they mean another band: red edge, coastal blue."""

GREY, IN_COLOUR = "grey", "red, green and blue"

BY_HAND, BY_NAME, BY_TAG, BY_PLACE = "as bands says", "by their names", "by their tags", "by their places"


def bands_of_text(text: str) -> tuple[int, ...]:
    """Read the parameter.

    Args:
        text: Numbers from 1 of the bands that are red, green and blue, such as "3,2,1"; one number for grey; empty to
            go by what each image says.

    Returns:
        The numbers; none for empty text.

    Raises:
        ConfigError: If it is something else.
    """
    if not text.strip():
        return ()
    numbers = tuple(int(part) for part in text.split(",") if re.fullmatch(r"\s*[1-9]\d{0,4}\s*", part))
    if len(numbers) not in (1, 3) or len(numbers) != text.count(",") + 1:
        raise ConfigError(
            f"bands: {text!r} cannot be parsed; give the numbers of the red, the green and the blue band, such as "
            "3,2,1, or one number for grey; leave it empty to go by what the images say"
        )
    return numbers


@dataclass(frozen=True, slots=True)
class ColourBands:
    """The bands that are read.

    Attributes:
        indexes: Numbers from 1, of red, green and blue or of grey.
        count: How many bands there are.
        reason: Why these: one of `BY_HAND`, `BY_NAME`, `BY_TAG`, `BY_PLACE`.
    """

    indexes: tuple[int, ...]
    count: int
    reason: str

    @property
    def is_plain(self) -> bool:
        """Whether reading a raster as it is gives these: its first three, or its first where it has fewer."""
        return self.indexes == ((1, 2, 3) if self.count >= len(COLOURS) else (1,))

    @property
    def shown(self) -> str:
        """What is seen of an image: "grey", "red, green and blue", or bands by hand, such as "bands 4, 1, 2"."""
        if len(self.indexes) == 1:
            return GREY
        return f"bands {', '.join(map(str, self.indexes))}" if self.reason == BY_HAND else IN_COLOUR

    def __str__(self) -> str:
        """Such as "red, green and blue are bands 3, 2, 1 of 4, by their names"."""
        if len(self.indexes) == 1:
            return f"grey is band {self.indexes[0]} of {self.count}, {self.reason}"
        return f"red, green and blue are bands {', '.join(map(str, self.indexes))} of {self.count}, {self.reason}"


def colour_bands(dataset: rasterio.DatasetReader, uri: str, asked: Sequence[int] = ()) -> ColourBands:
    """Choose the bands of a raster.

    Names come before tags, as GDAL tags any three bands of 8 bits red, green and blue.

    Args:
        dataset: The open raster.
        uri: Its name, for messages.
        asked: What a user says; none to go by what the raster says.

    Raises:
        DataError: If it lacks a band that the run names.
    """
    count = dataset.count
    if asked:
        if max(asked) > count:
            raise DataError(
                f"{uri}: has {count} bands, and bands asks for {','.join(map(str, asked))}; give numbers up to {count}"
            )
        return ColourBands(tuple(asked), count, BY_HAND)
    named = _named(dataset.descriptions)
    if named:
        return ColourBands(named, count, BY_NAME)
    tagged = [interpretation.name for interpretation in dataset.colorinterp]
    if all(colour in tagged for colour in COLOURS):
        return ColourBands(tuple(tagged.index(colour) + 1 for colour in COLOURS), count, BY_TAG)
    return ColourBands((1, 2, 3) if count >= len(COLOURS) else (1,), count, BY_PLACE)


def _named(names: Sequence[str | None]) -> tuple[int, ...]:
    """The bands whose names are or hold red, green and blue; none where one of them is missing."""
    words = [frozenset(re.findall(r"[a-z]+", (name or "").lower())) for name in names]
    found = []
    for colour in COLOURS:
        exact = [number for number, said in enumerate(words, 1) if said == {colour}]
        others = [number for number, said in enumerate(words, 1) if colour in said and not said & OTHER_WORDS]
        if not (exact or others):
            return ()
        found.append((exact or others)[0])
    return tuple(found) if len(set(found)) == len(found) else ()
