"""What inference lays beside an item: the names of its rasters, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from components.core.errors import DataError
from components.core.project.item import Item
from components.core.project.parts import PART

MASK_ROLE = "classes"
"""Key of an item's `rasters`: the index of each pixel's class, 8-bit."""

CONFIDENCE_ROLE = "confidence"
"""Key of an item's `rasters`: 8-bit confidence, 0 for none, 255 for certainty."""

CONFIDENCE_TAGS = {
    "QUANTITY": "mean probability of the class that the mask names",
    "SCALE": "probability = value / 255",
}
"""Tags of a confidence raster."""

LEAST_CONFIDENCE = "min_confidence"
"""Key of a row part's `extra`: by class, the least mean confidence of its objects, 0–1. Objects that meet a seam with
another part are there whatever theirs is, and are judged once they are whole."""


def with_least_confidence(item: Item, titles: Iterable[str], least: float) -> Item:
    """The same item, which remembers from which confidence on objects of some classes count, if it is a row part."""
    if PART not in item.extra:
        return item
    return replace(item, extra={**item.extra, LEAST_CONFIDENCE: {**_least(item), **dict.fromkeys(titles, least)}})


def least_confidence(item: Item, title: str) -> float:
    """From which mean confidence on whole objects of a class count; 0 for any.

    Raises:
        DataError: If what the item says is none.
    """
    least = _least(item).get(title, 0.0)
    if isinstance(least, bool) or not isinstance(least, int | float) or not 0 <= least <= 1:
        raise DataError(f"{item.key}: {LEAST_CONFIDENCE}: {least!r} is not from 0 to 1; split the masks again")
    return least


def _least(item: Item) -> dict[str, float]:
    given = item.extra.get(LEAST_CONFIDENCE, {})
    if not isinstance(given, dict):
        raise DataError(f"{item.key}: {LEAST_CONFIDENCE}: {given!r} names no classes; split the masks again")
    return given
