"""Faults collected, so that all of them are reported at once."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from components.core.errors import ConfigError, FootprintsError


class Caught:
    """Passes on the faults of an error in a block, and lets the code after the block run."""

    def __init__(self, note: Callable[[str], None]) -> None:
        """Begin.

        Args:
            note: Takes each fault.
        """
        self._note = note

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, FootprintsError):
            return False
        for fault in error.faults:
            self._note(fault)
        return True


class Faults:
    """What was found wrong so far.

    Attributes:
        found: Each fault with its place, without repeats, in the order in which they were found.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, fault: str) -> None:
        """Note a fault."""
        if fault not in self.found:
            self.found.append(fault)

    def caught(self, place: str = "") -> Caught:
        """Note the faults of an error in the block, and go on after it.

        Args:
            place: Goes before each fault, where the error lacks it.
        """
        return Caught(lambda fault: self.add(f"{place}{fault}"))

    def raise_any(self) -> None:
        """End where something was found wrong.

        Raises:
            ConfigError: With all faults.
        """
        if self.found:
            raise ConfigError(*self.found)
