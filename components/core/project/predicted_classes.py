"""Which class of the network an item's objects are: what ties them to the rasters that lie beside the item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.core.errors import DataError
from components.core.project.item import Item

PREDICTED = "predicted"
"""Key of an annotated item's `extra`: by title, which of the network's classes its objects were made of."""

HALF = 0.5
TWO = 2


@dataclass(frozen=True, slots=True)
class PredictedClass:
    """A class of the network.

    Attributes:
        index: Its index, which is its value in the mask; 0 is the background.
        threshold: Probability above which a pixel may have it; None where no one number decides, as the most probable
            of several classes counts.
    """

    index: int
    threshold: float | None = None

    def as_extra(self) -> dict[str, Any]:
        """The form of an item's `extra`."""
        return {"index": self.index, "threshold": self.threshold}


def predicted_classes(
    titles: Mapping[int, str], classes: int, thresholds: Sequence[float] = ()
) -> dict[str, PredictedClass]:
    """The classes that inference gives objects of.

    Args:
        titles: Of the objects, by index of the network's class.
        classes: How many the network knows, the background included.
        thresholds: For each class but the background; none where the most probable class counts.
    """
    known: list[float | None] = [None, *(thresholds or (None,) * (classes - 1))]
    if classes == TWO:
        threshold = thresholds[0] if thresholds else HALF
        known = [1 - threshold, threshold]
    return {title: PredictedClass(index, known[index]) for index, title in titles.items()}


def with_predicted(item: Item, classes: Mapping[str, PredictedClass]) -> Item:
    """The same item, which knows of these classes and of no others; as it is where it knows none and there is none."""
    if not classes and PREDICTED not in item.extra:
        return item
    return replace(item, extra={**item.extra, PREDICTED: {title: of.as_extra() for title, of in classes.items()}})


def predicted_class(item: Item, title: str) -> PredictedClass | None:
    """Which class of the network the objects of a title are; None where the item does not say.

    Raises:
        DataError: If what it says is no class.
    """
    given = _known(item).get(title)
    match given:
        case None:
            return None
        case {"index": int() as index, "threshold": threshold} if index >= 0 and _is_threshold(threshold):
            return PredictedClass(index, threshold)
    raise DataError(f"{item.key}: {PREDICTED}: {given!r} is no class of a network; infer the image again")


def with_renamed_predicted(item: Item, titles: Mapping[str, str | None]) -> Item:
    """The same item, whose classes of the network go with their titles.

    Args:
        item: Of any kind; one that knows of none stays as it is.
        titles: New title by old one, None for a class that goes; others stay. Where several classes become one, no
            class of the network is what it then holds, and it is forgotten.
    """
    known = _known(item)
    if not known:
        return item
    sources: dict[str, set[str]] = {}
    for old in {*known, *titles}:
        new = titles.get(old, old)
        if new is not None:
            sources.setdefault(new, set()).add(old)
    renamed = {new: known[old] for new, (old, *others) in sources.items() if not others and old in known}
    return replace(item, extra={**item.extra, PREDICTED: {new: renamed[new] for new in sorted(renamed)}})


def _is_threshold(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1)


def _known(item: Item) -> dict[str, Any]:
    given = item.extra.get(PREDICTED, {})
    if not isinstance(given, dict):
        raise DataError(f"{item.key}: {PREDICTED}: {given!r} names no classes; infer the image again")
    return given
