"""How many scenes a run may leave out, each named with its reason."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from components.core.errors import ConfigError, DataError, TooManyBadItemsError
from components.core.project.history import LeftOut
from components.core.scene_errors import scene_errors

SHOWN = 5
SHOWN_AT_START = 100

log = logging.getLogger(__name__)


class SkipBudget:
    """Scenes that were left out, and how many may be."""

    def __init__(self, allowed: int, total: int, allow_empty: bool = False) -> None:
        """Begin without any.

        Args:
            allowed: How many there may be.
            total: How many scenes there are.
            allow_empty: Whether all of them may be bad.

        Raises:
            ConfigError: If `allowed` is negative.
        """
        if allowed < 0:
            raise ConfigError(f"max_bad: {allowed} is negative; use 0 to allow no bad scene")
        self.allowed = allowed
        self.total = total
        self.allow_empty = allow_empty
        self.skipped: list[LeftOut] = []

    def check(self, expected: Sequence[LeftOut]) -> None:
        """Refuse, before any scene is done, what is known to be too much.

        Args:
            expected: Scenes that will be left out.

        Raises:
            TooManyBadItemsError: If these are too many.
        """
        if self._are_too_many(len(expected)):
            raise self._error(expected, SHOWN_AT_START)

    def _are_too_many(self, count: int) -> bool:
        return count > self.allowed or (0 < count == self.total and not self.allow_empty)

    def _error(self, scenes: Sequence[LeftOut], shown: int) -> TooManyBadItemsError:
        reasons = "; ".join(f"{scene.name}: {scene.reason}" for scene in scenes[-shown:])
        more = f" … and {len(scenes) - shown} more" if len(scenes) > shown else ""
        never = "" if self.allow_empty else " (but never all)"
        return TooManyBadItemsError(
            f"{len(scenes)} of {self.total} scenes cannot be used, and max_bad allows {self.allowed}{never}: "
            f"{reasons}{more}"
        )

    @contextmanager
    def tolerated(self, name: str) -> Iterator[None]:
        """Leave the scene out where the block fails; a store that is away or a full disk is no fault of the scene's.

        Raises:
            TooManyBadItemsError: If that is one too many, or no scene remains.
        """
        try:
            with scene_errors(name):
                yield
        except DataError as error:
            log.warning("left out: %s: %s", name, error)
            self.skipped.append(LeftOut(name, str(error)))
            if self._are_too_many(len(self.skipped)):
                raise self._error(self.skipped, SHOWN) from error
