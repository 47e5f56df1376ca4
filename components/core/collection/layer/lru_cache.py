"""What was read last, as far as memory is given for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class RecentlyRead(Generic[T]):
    """Reads by name, and keeps what was used last."""

    def __init__(self, read: Callable[[str], T], size: Callable[[T], int], most: int) -> None:
        """Begin without any.

        Args:
            read: Gives what a name stands for.
            size: Of what was read, in any unit.
            most: So much is kept in that unit, and what was used last even if it alone is more.
        """
        self._read = read
        self._size = size
        self._most = most
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._total = 0

    def __call__(self, name: str) -> T:
        """What a name stands for."""
        if name not in self._kept:
            self._kept[name] = self._read(name)
            self._total += self._size(self._kept[name])
            while len(self._kept) > 1 and self._total > self._most:
                _, oldest = self._kept.popitem(last=False)
                self._total -= self._size(oldest)
        self._kept.move_to_end(name)
        return self._kept[name]
