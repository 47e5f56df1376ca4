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


MOST_BANDS = 32
"""Of a network's input."""

_NAME = re.compile(r"[\w-]+( [\w-]+)*")

_SYNONYMS = {
    "nir": ("nearinfrared", "infrared", "nearir"),
    "height": ("elevation", "ndsm", "dsm", "heightaboveground"),
}
"""What a band of a name may also be called in a raster."""


def is_rgb(names: Sequence[str]) -> bool:
    """Whether bands are red, green and blue, and no further ones."""
    return tuple(names) == COLOURS


def why_no_bands(names: Sequence[str]) -> str:
    """What is wrong with names of the bands that a network sees; empty where nothing is."""
    if tuple(names[:3]) != COLOURS:
        return (
            f"{list(names)} do not begin with red, green and blue; name these first, and further ones after them, and "
            "tell the import, with bands, which bands of the images they are"
        )
    if len(names) > MOST_BANDS:
        return f"{len(names)} names are more than {MOST_BANDS}; name fewer"
    plain = [_plain(name) for name in names]
    for place, name in enumerate(names):
        if not _NAME.fullmatch(name):
            return f"{name!r} is no name; use letters, digits, _ and -, such as 'nir'"
        if plain[place] in plain[:place]:
            return f"{name!r} is named twice; name each band once"
    return ""


def further_bands(dataset: rasterio.DatasetReader, uri: str, names: Sequence[str], alpha: int) -> tuple[int, ...]:
    """Find the bands behind red, green and blue in a raster whose first three these are.

    Where the raster names bands behind the third, its names decide; else they follow in order.

    Args:
        dataset: The open raster.
        uri: Its name, for messages.
        names: Of all bands that are read, red, green and blue first.
        alpha: Number of the band that says which pixels hold data; 0 where there is none.

    Returns:
        Numbers from 1, one for each name after the third.

    Raises:
        DataError: If it has too few bands, none of a name, or one of them is its alpha band.
    """
    asked, values = names[len(COLOURS) :], dataset.count - bool(alpha)
    if not asked:
        return ()
    kept = ",".join(map(str, range(1, len(names) + 1)))
    advice = f"import images that have them, with their numbers as bands, such as {kept}"
    if values < len(names):
        raise DataError(
            f"{uri}: has {values} band{'s' if values > 1 else ''}{' beside alpha' if alpha else ''}, and the network "
            f"sees {len(names)}: {', '.join(names)}; {advice}"
        )
    said = {number: name for number, name in enumerate(dataset.descriptions, 1) if name and number > len(COLOURS)}
    if not said:
        places = tuple(range(len(COLOURS) + 1, len(names) + 1))
        if alpha in places:
            raise DataError(f"{uri}: band {alpha} says which pixels hold data, and is not {names[alpha - 1]}; {advice}")
        return places
    found = []
    for name in asked:
        wanted = {_plain(name), *_SYNONYMS.get(_plain(name), ())}
        numbers = [number for number, text in said.items() if _plain(text) in wanted and number != alpha]
        if not numbers:
            called = ", ".join(f"{number} {text!r}" for number, text in said.items())
            raise DataError(f"{uri}: none of its further bands is called {name!r}: they are {called}; {advice}")
        found.append(numbers[0])
    return tuple(found)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def bands_of_text(text: str) -> tuple[int, ...]:
    """Read the parameter.

    Args:
        text: Numbers from 1 of the bands that are red, green and blue, such as "3,2,1", and of further ones that are
            kept behind them; one number for grey; empty to go by what each image says.

    Returns:
        The numbers; none for empty text.

    Raises:
        ConfigError: If it is something else.
    """
    if not text.strip():
        return ()
    numbers = tuple(int(part) for part in text.split(",") if re.fullmatch(r"\s*[1-9]\d{0,4}\s*", part))
    is_some = len(numbers) == 1 or len(COLOURS) <= len(numbers) <= MOST_BANDS
    if not is_some or len(numbers) != text.count(",") + 1:
        raise ConfigError(
            f"bands: {text!r} cannot be parsed; give the numbers of the red, the green and the blue band, such as "
            "3,2,1, and of further ones behind them, or one number for grey; leave it empty to go by what the images "
            "say"
        )
    return numbers


@dataclass(frozen=True, slots=True)
class ColourBands:
    """The bands that are read.

    Attributes:
        indexes: Numbers from 1, of red, green and blue, and of further ones that are kept; or of grey.
        count: How many bands there are.
        reason: Why these: one of `BY_HAND`, `BY_NAME`, `BY_TAG`, `BY_PLACE`.
    """

    indexes: tuple[int, ...]
    count: int
    reason: str

    @property
    def is_plain(self) -> bool:
        """Whether reading a raster as it is gives these: its first three or more, or its first where it has fewer."""
        if self.count < len(COLOURS):
            return self.indexes == (1,)
        return len(self.indexes) >= len(COLOURS) and self.indexes == tuple(range(1, len(self.indexes) + 1))

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
        colours, further = self.indexes[: len(COLOURS)], self.indexes[len(COLOURS) :]
        kept = f", with {', '.join(map(str, further))} behind them" if further else ""
        return f"red, green and blue are bands {', '.join(map(str, colours))} of {self.count}{kept}, {self.reason}"


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
