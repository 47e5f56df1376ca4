"""What imagery is like, as far as it decides on what a network sees: kept with a model, compared with new imagery.

A network that learnt from pixels of 0.3 m finds little where they are 1 m wide, and one that learnt from photographs
little in stretched 16 bits: nothing fails then, and the result is wrong.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from components.core.geometry import Size
from components.core.imagery.bands import IN_COLOUR
from components.core.models import DATA_FILE
from components.core.project import ImageRef, Item

log = logging.getLogger(__name__)

IMAGERY = "imagery"
"""Key of the facts in a model's `data.json`."""

EIGHT_BITS = "uint8"

UNLIKE = "Unlike the training imagery"
UNLIKE_LEAD = "The run continues; its results may be worse than on imagery like the training imagery."
"""A section of reports, and what it begins with."""

FACTOR = 1.5
"""A ground resolution so many times below or above all that a model learnt from is another one."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """One image.

    Attributes:
        gsd_m: Side of a pixel on the ground; None where that is not known.
        dtype: Of its pixels before they became 8 bits.
        scaling: How they did: "percentile", "full" or "values"; empty for 8 bits.
        colours: What the network sees, as `ColourBands.shown` says it.
    """

    gsd_m: float | None
    dtype: str
    scaling: str
    colours: str

    @property
    def values(self) -> str:
        """Kind of pixels, such as "uint16 scaled by percentile"."""
        return f"{self.dtype} scaled by {self.scaling}" if self.scaling else self.dtype


def facts_of_items(items: Iterable[Item]) -> list[ImageFacts]:
    """The facts of the images that items show, each image once; items without pixels are ignored."""
    found: dict[str, ImageFacts] = {}
    for item in items:
        if item.image is not None and item.image.uri not in found:
            found[item.image.uri] = _facts_of_item(item, item.image)
    return list(found.values())


def _facts_of_item(item: Item, image: ImageRef) -> ImageFacts:
    from components.core.footprints.geography import PixelGrid  # PROJ, for those who look at images

    grid = PixelGrid.of_item(item)
    whole = None if grid is None or image.transform is None else PixelGrid(grid.crs, image.transform)
    scaling, colours = item.extra.get("scaling", {}), item.extra.get("colours", IN_COLOUR)
    return ImageFacts(
        gsd_m=None if whole is None else whole.pixel_m(image.size),
        dtype=scaling.get("dtype", EIGHT_BITS),
        scaling=scaling.get("mode", ""),
        colours=colours,
    )


def seen_gsd_m(items: Iterable[Item], size: Size, *, pads: bool) -> float | None:
    """Side of a pixel of a network's input on the ground, in metres, when items are brought to its size.

    Args:
        items: What goes in; one of each image counts.
        size: Of the input.
        pads: Whether smaller items keep their scale.

    Returns:
        The median; None where it is of no image known.
    """
    from components.core.footprints.geography import PixelGrid  # PROJ, for those who look at images

    sides: dict[str, float | None] = {}
    for item in items:
        if item.image is not None and item.image.uri not in sides:
            grid = PixelGrid.of_item(item)
            sides[item.image.uri] = (
                None if grid is None else grid.pixel_m(item.size) * _shrinkage(item.size, size, pads)
            )
    known = [side for side in sides.values() if side is not None]
    return median(known) if known else None


def _shrinkage(source: Size, size: Size, pads: bool) -> float:
    """How many times wider pixels become, in the mean of both sides."""
    if pads:
        source = Size(max(source.height, size.height), max(source.width, size.width))
    return math.sqrt(source.area / size.area)


@dataclass(frozen=True, slots=True)
class ImageryFacts:
    """What a model learnt from.

    Attributes:
        gsd_m: Least, median and greatest side of a pixel on the ground; None where it is of no image known.
        values: Kinds of pixels, as `ImageFacts.values` has them, the most frequent first.
        colours: What was seen of them.
    """

    gsd_m: tuple[float, float, float] | None
    values: tuple[str, ...]
    colours: tuple[str, ...]

    @classmethod
    def of(cls, images: Iterable[ImageFacts]) -> ImageryFacts:
        """Of one image at least."""
        known = list(images)
        sides = [image.gsd_m for image in known if image.gsd_m is not None]
        return cls(
            gsd_m=(min(sides), median(sides), max(sides)) if sides else None,
            values=_by_frequency(image.values for image in known),
            colours=_by_frequency(image.colours for image in known),
        )

    def as_json(self) -> dict[str, Any]:
        """The model folder's form."""
        names = ("least", "median", "greatest")
        sides = None if self.gsd_m is None else dict(zip(names, (round(side, 6) for side in self.gsd_m), strict=True))
        return {"gsd_m": sides, "values": list(self.values), "colours": list(self.colours)}

    @classmethod
    def of_json(cls, entry: dict[str, Any]) -> ImageryFacts:
        """From the model folder's form."""
        sides = entry["gsd_m"]
        return cls(
            gsd_m=None if sides is None else (sides["least"], sides["median"], sides["greatest"]),
            values=tuple(entry["values"]),
            colours=tuple(entry["colours"]),
        )

    @classmethod
    def of_model(cls, folder: Path) -> ImageryFacts | None:
        """What a model folder says; None where it is older than these facts, or says it in no form that is known."""
        try:
            return cls.of_json(json.loads((folder / DATA_FILE).read_text(encoding="utf-8"))[IMAGERY])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def differences(self, images: Iterable[ImageFacts]) -> tuple[str, ...]:
        """What is unlike it in other imagery, in sentences for whoever chose the two."""
        known = list(images)
        return tuple(self._differences(known))

    def _differences(self, images: list[ImageFacts]) -> Iterator[str]:
        total = len(images)
        if self.gsd_m is not None:
            least, middle, greatest = self.gsd_m
            sides = [image.gsd_m for image in images if image.gsd_m is not None]
            odd = [side for side in sides if not least / FACTOR <= side <= greatest * FACTOR]
            if odd:
                yield (
                    f"{_share(len(odd), total)} pixels of {_range(min(odd), max(odd))} m on the ground, and the model "
                    f"learnt from {_range(least, greatest)} m: resample the images to about {middle:.2g} m, or train "
                    "with such imagery"
                )
        for value, count in Counter(image.values for image in images).items():
            if value not in self.values:
                yield (
                    f"{_share(count, total)} {value} pixels, and the model learnt from {', '.join(self.values)}: "
                    "check the results, and train with such imagery where they are poor"
                )
        for colours, count in Counter(image.colours for image in images).items():
            if colours not in self.colours:
                yield (
                    f"{_share(count, total)} {colours} for colours, and the model learnt from "
                    f"{'; '.join(self.colours)}: give the same channels with bands, or train with such imagery"
                )


def warn_of_differences(folder: Path, items: Iterable[Item]) -> None:
    """Say in the log what is unlike the imagery that a model learnt from.

    Args:
        folder: Of the model.
        items: Images that it is applied to.
    """
    learnt = ImageryFacts.of_model(folder)
    for difference in () if learnt is None else learnt.differences(facts_of_items(items)):
        log.warning("%s", difference)


def _by_frequency(words: Iterable[str]) -> tuple[str, ...]:
    counts = Counter(words)
    return tuple(sorted(counts, key=lambda word: (-counts[word], word)))


def _share(count: int, total: int) -> str:
    return f"{count} of {total} images {'has' if count == 1 else 'have'}"


def _range(low: float, high: float) -> str:
    first, last = f"{low:.2g}", f"{high:.2g}"
    return first if first == last else f"{first} to {last}"
