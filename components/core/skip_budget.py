"""What a run skips, each by name and reason, and how much of it a run may skip.

Every stage counts here. Where the work is done in worker processes these return a `Skipped` in the place of a result,
and the stage adds it to its `SkipBudget`; where it is done in the stage's own loop, the loop does it inside
`SkipBudget.tolerated`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.listing import first_names
from components.core.scene_errors import scene_errors

SHOWN = 10
"""How many an error names, where the log has named all."""

SHOWN_AT_START = 100
"""How many an error names that were found before anything was done."""

log = logging.getLogger(__name__)


class Skipped(NamedTuple):
    """An image or item that a run could not use; a tuple, which loaders of batches pass on as it is.

    Attributes:
        name: What it is known by.
        reason: Why.
        stage: Which stage skipped it; empty where the place where this stands says so.
    """

    name: str
    reason: str
    stage: str = ""

    def __str__(self) -> str:
        """As the log and errors name it; a name that the reason begins with is not said twice."""
        named = self.reason if self.reason.startswith(f"{self.name}: ") and not self.stage else None
        return named or ": ".join(part for part in (self.name, self.stage, self.reason) if part)

    def as_json(self) -> dict[str, str]:
        """An entry of a JSON file; without the stage where there is none."""
        stage = {"stage": self.stage} if self.stage else {}
        return {"name": self.name, **stage, "reason": self.reason}


def log_skipped(skipped: Sequence[Skipped], at_most: int | None = None, more: str = "") -> None:
    """Name in the log what is skipped.

    Args:
        skipped: It.
        at_most: How many are named; None for all.
        more: What names the others.
    """
    for entry in skipped[:at_most]:
        log.warning("skipped: %s", entry)
    if at_most is not None and len(skipped) > at_most:
        log.warning("skipped: %d more, which %s", len(skipped) - at_most, more)


def check_max_bad(max_bad: int) -> None:
    """Check the number of items that may be skipped.

    Raises:
        ConfigError: If the number is negative.
    """
    if max_bad < 0:
        raise ConfigError(f"max_bad: {max_bad} is negative; use 0 to skip none")


class SkipBudget:
    """Counts what a run skips, and ends the run where that is more than it may be.

    Attributes:
        allowed: How many may be skipped; None for any number.
        total: How many there are; None where that is not known.
        noun: What one of them is called.
        allow_empty: Whether all of them may be skipped.
        skipped: Those that are, in order.
    """

    def __init__(
        self, allowed: int | None, total: int | None = None, noun: str = "image", *, allow_empty: bool = False
    ) -> None:
        """Begin with none; see the attributes.

        Raises:
            ConfigError: If `allowed` is negative.
        """
        if allowed is not None:
            check_max_bad(allowed)
        self.allowed = allowed
        self.total = total
        self.noun = noun
        self.allow_empty = allow_empty
        self.skipped: list[Skipped] = []

    def add(self, *skipped: Skipped) -> None:
        """Count what is skipped, and name it in the log."""
        log_skipped(skipped)
        self.count(*skipped)

    def count(self, *skipped: Skipped) -> None:
        """Count what the log has named already."""
        self.skipped += skipped

    def check(self, note: str = "") -> None:
        """See that not more is skipped than may be.

        Args:
            note: What the error says at its end.

        Raises:
            TooManySkippedError: If it is, or if nothing is left.
        """
        if self._are_too_many(len(self.skipped)):
            raise self._error(self.skipped, SHOWN, ", which the log lists", note)

    def check_expected(self, expected: Sequence[Skipped]) -> None:
        """Refuse, before anything is done, what is known to be too much; it is not counted yet.

        Args:
            expected: What will be skipped.

        Raises:
            TooManySkippedError: If it is too much.
        """
        if self._are_too_many(len(expected)):
            raise self._error(expected, SHOWN_AT_START)

    @contextmanager
    def tolerated(self, name: str) -> Iterator[None]:
        """Skip what is done in the block where that fails; a store that is away or a full disk is no fault of its own.

        Args:
            name: What is done.

        Raises:
            TooManySkippedError: If that is one too many, or nothing is left.
        """
        try:
            with scene_errors(name):
                yield
        except DataError as error:
            self.add(Skipped(name, str(error)))
            try:
                self.check()
            except TooManySkippedError as too_many:
                raise too_many from error

    def _are_too_many(self, count: int) -> bool:
        return (self.allowed is not None and count > self.allowed) or self._are_all(count)

    def _are_all(self, count: int) -> bool:
        return 0 < count == self.total and not self.allow_empty

    def _error(self, skipped: Sequence[Skipped], shown: int, named: str = "", note: str = "") -> TooManySkippedError:
        count = len(skipped)
        nouns = self.noun if (count if self.total is None else self.total) == 1 else f"{self.noun}s"
        of = "" if self.total is None else f" of {self.total}"
        never = "" if self.allow_empty or self.total is None else ", but never all"
        rule = f"max_bad allows {self.allowed}{never}" if self.allowed is not None else f"one {self.noun} must be left"
        reasons = first_names(skipped, shown, between="; ", before_more="; and ")
        rest = named if count > shown else ""
        otherwise = "" if self._are_all(count) else f", or set max_bad to at least {count} to go on without them"
        return TooManySkippedError(
            f"{count}{of} {nouns} skipped, and {rule}: {reasons}{rest}; fix or replace them{otherwise}"
            f"{note and '; '}{note}"
        )
