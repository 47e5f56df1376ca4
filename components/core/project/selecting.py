"""Choosing items of a project by tag, and dealing them to shards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from components.core.errors import ConfigError, DataError
from components.core.project.project import Project

_SHARD = re.compile(r"([0-9]+)/([0-9]+)")


def choose_items(project: Project, image_tags: Sequence[str]) -> list[int]:
    """Indices of the items that carry one of some tags; all where no tag is given.

    Raises:
        DataError: If there are none; the message lists the tags that there are.
    """
    wanted = set(image_tags)
    rows = [row for row, tags in enumerate(project.item_tags()) if not wanted or not wanted.isdisjoint(tags)]
    if rows:
        return rows
    if not len(project):
        raise DataError(f"project {project.meta.name!r} ({project.place}): holds no item; give one that does")
    counts = Counter(tag for tags in project.item_tags() for tag in set(tags))
    present = ", ".join(f"{tag!r} ({count})" for tag, count in sorted(counts.items())) or "none"
    raise DataError(
        f"image_tags: none of the {len(project)} items of project {project.meta.name!r} ({project.place}) carries "
        f"{' or '.join(map(repr, image_tags))}; tags there: {present}; name one of them, or no tag for all items"
    )


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of a project's items.

    Attributes:
        number: Which part, from 1.
        count: Of how many.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From "number/count", such as "2/5".

        Raises:
            ConfigError: If it is not of that form, or the number is not among 1 to count.
        """
        found = _SHARD.fullmatch(text)
        shard = cls(int(found[1]), int(found[2])) if found else None
        if shard is None or not 1 <= shard.number <= shard.count:
            raise ConfigError(f"shard: {text!r} is not of the form number/count, such as 2/5; 1/1 is everything")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def rows(self, project: Project, rows: Sequence[int]) -> list[int]:
        """This shard's rows, in order.

        The largest items are assigned first, each to the shard with the fewest pixels so far, so that every step
        of a run finds the same shards, balanced by pixels.

        Args:
            project: The project.
            rows: The chosen items' indices.
        """
        if self.count == 1:
            return list(rows)
        pixels = [size.area for size in project.item_sizes()]
        loads = [0] * self.count
        mine = []
        for row in sorted(rows, key=lambda row: (-pixels[row], row)):
            lightest = loads.index(min(loads))
            loads[lightest] += pixels[row]
            if lightest == self.number - 1:
                mine.append(row)
        return sorted(mine)
