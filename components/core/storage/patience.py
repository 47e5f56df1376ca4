"""Waiting for a store that is restarting: exponential backoff with jitter, within a bounded time."""

from __future__ import annotations

import logging
import random
import time
from typing import Any

import urllib3
from urllib3.exceptions import (
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as HttpTimeoutError

from components.core.storage.settings import S3Settings
from components.core.storage.traffic import Traffic, counters

log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 10.0
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
CONNECTIONS = 16

TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
TRANSIENT_ERRORS = (ProtocolError, HttpTimeoutError, NewConnectionError, SSLError)

# A wrong name or certificate looks like this from the start; later it is the store going away.
SETUP_ERRORS = (NameResolutionError, SSLError)


class Backoff:
    """Waits that double, each shortened by up to a half at random, until their time is up."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.reset()

    def reset(self) -> None:
        """Start anew, because something succeeded in between."""
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
        log.warning("%s: %s; trying again, for %.0f s more", place, failure, left_s)
        time.sleep(min(delay_s, left_s))
        return True


class PatientPool(urllib3.PoolManager):
    """Connections to one store, whose requests wait for it while it is away and count their payload."""

    def __init__(self, settings: S3Settings) -> None:
        super().__init__(
            maxsize=CONNECTIONS,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
            cert_reqs="CERT_REQUIRED",
            ca_certs=settings.ca_bundle,
        )
        self._settings = settings
        self._answered = False

    def urlopen(self, method: str, url: str, redirect: bool = True, **request: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]
        """Send a request until it is answered by more than a passing error.

        Raises:
            urllib3.exceptions.HTTPError: The store did not answer in time.
        """
        settings = self._settings
        backoff = Backoff(settings.wait_s if self._answered else settings.connect_wait_s)
        while True:
            try:
                response = super().urlopen(method, url, redirect, **request, retries=False)
            except TRANSIENT_ERRORS as error:
                lost = isinstance(error, SETUP_ERRORS) and not self._answered
                if lost or not backoff.wait(settings.endpoint_url, type(error).__name__):
                    self._answered = False
                    raise
                continue
            preloaded = len(response.data) if request.get("preload_content", True) else 0
            counters.add(Traffic(remote_read_bytes=preloaded, remote_written_bytes=len(request.get("body") or b"")))
            if response.status not in TRANSIENT_STATUSES:
                self._answered = True
                return response
            if not backoff.wait(settings.endpoint_url, f"HTTP status {response.status}"):
                self._answered = False
                return response
            response.drain_conn()
