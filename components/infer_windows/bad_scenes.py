"""Scenes that a run leaves out, each with its reason, and how many there may be."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from components.core.errors import ConfigError, DataError, StorageError, TooManyBadItemsError

SHOWN = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BadScene:
    """A scene that was left out, and why."""

    name: str
    reason: str


class BadScenes:
    """Scenes that were left out, and how many may be."""

    def __init__(self, allowed: int, total: int) -> None:
        if allowed < 0:
            raise ConfigError(f"max_bad: {allowed} is negative; use 0 to allow no bad scene")
        self.allowed = allowed
        self.total = total
        self.scenes: list[BadScene] = []

    @contextmanager
    def tolerated(self, name: str) -> Iterator[None]:
        """Leave the scene out where the block fails on its data.

        Raises:
            TooManyBadItemsError: If that is one too many, or no scene remains.
        """
        try:
            yield
        except (DataError, StorageError) as error:
            log.warning("left out: %s: %s", name, error)
            self.scenes.append(BadScene(name, str(error)))
            if len(self.scenes) > self.allowed or len(self.scenes) == self.total:
                reasons = "; ".join(f"{scene.name}: {scene.reason}" for scene in self.scenes[-SHOWN:])
                raise TooManyBadItemsError(
                    f"{len(self.scenes)} of {self.total} scenes cannot be used, and max_bad allows {self.allowed} "
                    f"(but never all): {reasons}"
                ) from error
