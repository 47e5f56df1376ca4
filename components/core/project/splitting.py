"""Which pieces of a predicted mask are objects: one rule for whole scenes and for those that come in row parts.

A piece is a connected component, or where the rule names a seed's confidence, a part of one: the ground that is
flooded from a core of which the network is sure. Pieces of which it is less sure than the rule asks are none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from components.core.errors import DataError
from components.core.project.item import Item
from components.core.project.parts import PART
from components.core.project.predictions import FULL_CONFIDENCE

SPLIT_RULES = "split"
"""Key of a row part's `extra`: by class, the rule for objects that meet a seam with another part. They are there as
whole components, and are judged by the rule once all of them is known."""


@dataclass(frozen=True, slots=True)
class SplitRule:
    """What makes a piece of a mask an object.

    Attributes:
        min_confidence: Least mean confidence, 0–1.
        seed_confidence: Least confidence of the pixels from which a component is parted, above 0 and up to 1; None
            where components are not parted.
        min_seed_area: Least pixels of a seed.
    """

    min_confidence: float = 0.0
    seed_confidence: float | None = None
    min_seed_area: int = 1

    @property
    def needs_confidence(self) -> bool:
        """Whether the confidence raster is looked at."""
        return bool(self.min_confidence) or self.seed_confidence is not None

    @property
    def seed_height(self) -> int | None:
        """The seed's confidence as a raster has it, 0–255; None where components are not parted."""
        return None if self.seed_confidence is None else math.ceil(self.seed_confidence * FULL_CONFIDENCE)


def with_split_rule(item: Item, titles: Iterable[str], rule: SplitRule) -> Item:
    """The same item, which remembers the rule of some classes if it is a row part and the rule asks for confidence."""
    if PART not in item.extra or not rule.needs_confidence:
        return item
    return replace(item, extra={**item.extra, SPLIT_RULES: {**_rules(item), **dict.fromkeys(titles, asdict(rule))}})


def with_renamed_rules(item: Item, titles: Mapping[str, str | None]) -> Item:
    """The same item, whose rules go with their classes.

    Args:
        item: Of any kind; one that remembers no rule stays as it is.
        titles: New title by old one, None for a class that goes; others stay. Of classes that become one the rule of
            the greatest `min_confidence` stays.
    """
    if SPLIT_RULES not in item.extra:
        return item
    renamed: dict[str, Any] = {}
    for old in sorted(_rules(item), key=lambda title: split_rule(item, title).min_confidence):
        new = titles.get(old, old)
        if new is not None:
            renamed[new] = _rules(item)[old]
    return replace(item, extra={**item.extra, SPLIT_RULES: renamed})


def split_rule(item: Item, title: str) -> SplitRule:
    """By which rule whole objects of a class are judged; one that any fulfils where the item says nothing.

    Raises:
        DataError: If what the item says is no rule.
    """
    given = _rules(item).get(title, {})
    match given:
        case {"min_confidence": least, "seed_confidence": seed, "min_seed_area": int() as area} if (
            _is_share(least) and (seed is None or _is_share(seed)) and area > 0
        ):
            return SplitRule(least, seed, area)
        case {}:
            if not given:
                return SplitRule()
    raise DataError(f"{item.key}: {SPLIT_RULES}: {given!r} is no rule of a split; split the masks again")


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _rules(item: Item) -> dict[str, Any]:
    given = item.extra.get(SPLIT_RULES, {})
    if not isinstance(given, dict):
        raise DataError(f"{item.key}: {SPLIT_RULES}: {given!r} names no classes; split the masks again")
    return given
