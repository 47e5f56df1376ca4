"""What was read last, as far as memory is given for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class RecentlyRead(Generic[T]):
    """Reads by name, and keeps what was used last.

    Attributes:
        read: Gives what a name stands for.
        size: Of what was read, in any unit.
        most: So much is kept, in that unit, beside what was used last.
    """

    read: Callable[[str], T]
    size: Callable[[T], int]
    most: int
    _kept: OrderedDict[str, T] = field(default_factory=OrderedDict)

    def __call__(self, name: str) -> T:
        """What a name stands for."""
        if name not in self._kept:
            self._kept[name] = self.read(name)
            while len(self._kept) > 1 and sum(map(self.size, self._kept.values())) > self.most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return self._kept[name]
