"""Names of what comes out: stable, telling, unique in their dataset."""

from __future__ import annotations

from dataclasses import replace

from components.core.dtl.action import Element
from components.core.project import Item


class Names:
    """Gives every element its final name: source name, what was done to it, and a number where that repeats."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def final(self, element: Element) -> Item:
        """The element's item, named."""
        wanted = element.source.name + element.trail
        dataset = element.item.dataset
        name, number = wanted, 1
        while (dataset, name) in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add((dataset, name))
        return replace(element.item, name=name)
