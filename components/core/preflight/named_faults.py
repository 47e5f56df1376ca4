"""Faults under the parameter names that a user knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from components.core.errors import InputsError
from components.core.faults import Caught, Faults

A = TypeVar("A")
T = TypeVar("T")

_PLACE_GOES_ON = r"[:.\[]"


class NamedFaults(Faults):
    """Faults of parameters, which a pipeline, a command line and a stage name differently."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """Begin without faults.

        Args:
            names: What the user calls each parameter, by its name here; all of them, also those that are called the
                same.
        """
        super().__init__()
        self._names = names
        others = [re.escape(key) for key, name in names.items() if name != key and "_" in key]
        self._others = re.compile(rf"(?<![\w/.-])({'|'.join(others)})(?![\w/-])") if others else None

    def name(self, *keys: str) -> str:
        """What the user calls some parameters."""
        return ", ".join(self._names[key] for key in keys)

    def say(self, keys: tuple[str, ...], text: str, head: str = "") -> None:
        """Note a fault.

        Args:
            keys: The parameters that have it.
            text: What is wrong; it may begin with the parameter, by its name here.
            head: Of a document's faults, what they begin with in place of the parameter's name, such as "query". A
                document's keys may be called as parameters are, and stay what they are.
        """
        named = re.match(rf"({re.escape(head)}|\w+)(?={_PLACE_GOES_ON})", text)
        name, rest = f"{self.name(*keys)}: ", text
        if head:
            if named and named[1] == head:
                name, rest = self.name(*keys), text[named.end() :]
        else:
            if named and named[1] in self._names:
                name, rest = self._names[named[1]], text[named.end() :]
            rest = self._in_the_users_names(rest)
        self.add(name + rest)

    def of(self, *keys: str, head: str = "") -> Caught:
        """Note an error of the block as a fault of some parameters, and go on after it; see `say`."""
        return Caught(lambda fault: self.say(keys, fault, head))

    def attempt(self, key: str, check: Callable[[A], T], argument: A, head: str = "") -> T | None:
        """What a check of a parameter gives; None where it finds something wrong, which is noted."""
        with self.of(key, head=head):
            return check(argument)
        return None

    def raise_any(self) -> None:
        """End where something was found wrong.

        Raises:
            InputsError: With all faults.
        """
        if self.found:
            raise InputsError(*self.found)

    def _in_the_users_names(self, text: str) -> str:
        """With the names of other parameters replaced by the user's, except in paths."""
        return text if self._others is None else self._others.sub(lambda found: self._names[found[1]], text)
