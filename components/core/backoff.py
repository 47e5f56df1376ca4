"""Waiting for a server that is restarting: exponential backoff with jitter, within a bounded time."""

from __future__ import annotations

import logging
import random
import time

log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 10.0


class Backoff:
    """Waits that double, each shortened by up to a half at random, until their time is up."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.reset()

    def reset(self) -> None:
        """Start over, because something succeeded in between."""
        self._failures = 0
        self._first_failure_s = 0.0

    def wait(self, place: str, failure: object) -> bool:
        """Sleep before the next try.

        Args:
            place: What is being waited for, for the log.
            failure: What went wrong.

        Returns:
            False, at once, when the time is up.
        """
        now = time.monotonic()
        if not self._failures:
            self._first_failure_s = now
        left_s = self._first_failure_s + self._limit_s - now
        if left_s <= 0:
            return False
        # Jitter keeps many pods from coming back in step; it changes no result.
        delay_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0**self._failures) * random.uniform(0.5, 1.0)  # noqa: S311
        self._failures += 1
        log.warning("%s: %s; retrying for up to %.0f s", place, failure, left_s)
        time.sleep(min(delay_s, left_s))
        return True
