"""Names of what comes out: stable, telling, unique in their dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from components.core.dtl.action import Element
from components.core.project import Item

SLOTS = 1 << 12
MOST_FILLED = 0.5


class Names:
    """Gives every element its final name: source name, what was done to it, and a number where that repeats."""

    def __init__(self) -> None:
        self._taken = Taken()

    def final(self, element: Element) -> Item:
        """The element's item, named."""
        return replace(element.item, name=self._named(element.item.dataset, element.source.name + element.trail))

    def final_names(self, datasets: Sequence[str], wanted: Sequence[str]) -> list[str]:
        """The names of many elements in turn, by the dataset and the name that each is to have."""
        if self._taken.add_all(np.fromiter(map(_key, datasets, wanted), np.uint64, len(wanted))):
            return list(wanted)
        return list(map(self._named, datasets, wanted))

    def _named(self, dataset: str, wanted: str) -> str:
        name, number = wanted, 1
        while not self._taken.add(_key(dataset, name)):
            number += 1
            name = f"{wanted}_{number}"
        return name


def _key(dataset: str, name: str) -> int:
    """Of a name in a dataset, above 0."""
    return int.from_bytes(blake2b(f"{dataset}/{name}".encode(), digest_size=8).digest(), "big") or 1


class Taken:
    """A set of keys from 1 to 2⁶⁴ - 1, in a table of eight bytes a slot: of millions of names nothing else is held.

    Two names that by an unlikely chance have one key only make one of them get a number.
    """

    def __init__(self) -> None:
        self._slots = np.zeros(SLOTS, np.uint64)
        self._count = 0

    def add(self, key: int) -> bool:
        """Add a key; False where it was there."""
        self._make_room(1)
        last = len(self._slots) - 1
        place = key & last
        while (found := int(self._slots[place])) and found != key:
            place = (place + 1) & last
        if found:
            return False
        self._slots[place] = key
        self._count += 1
        return True

    def add_all(self, keys: npt.NDArray[np.uint64]) -> bool:
        """Add keys; False, and none is added, where one was there or comes twice."""
        self._make_room(len(keys))
        ordered = np.sort(keys)
        if (ordered[1:] == ordered[:-1]).any() or self._holds_any(keys):
            return False
        self._put(keys)
        self._count += len(keys)
        return True

    def _make_room(self, more: int) -> None:
        while self._count + more > MOST_FILLED * len(self._slots):
            old = self._slots
            self._slots = np.zeros(2 * len(old), np.uint64)
            for start in range(0, len(old), SLOTS):  # part by part: nothing else is to be as long as the table
                part = old[start : start + SLOTS]
                self._put(part[part > 0])

    def _places(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Where each key's slot is, or a later one where that is another's."""
        return (keys & np.uint64(len(self._slots) - 1)).astype(np.int64)

    def _holds_any(self, keys: npt.NDArray[np.uint64]) -> bool:
        places = self._places(keys)
        while len(keys):
            found = self._slots[places]
            if (found == keys).any():
                return True
            others = found > 0
            keys, places = keys[others], (places[others] + 1) & (len(self._slots) - 1)
        return False

    def _put(self, keys: npt.NDArray[np.uint64]) -> None:
        """Put different keys that are not there each into the next free slot."""
        places = self._places(keys)
        while len(keys):
            free = self._slots[places] == 0
            self._slots[places[free]] = keys[free]  # of several that want a slot one gets it
            others = self._slots[places] != keys
            keys, places = keys[others], (places[others] + 1) & (len(self._slots) - 1)
