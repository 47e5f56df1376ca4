"""Connections that wait for a store that is restarting."""

from __future__ import annotations

from typing import Any

import urllib3
from urllib3.exceptions import (
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as HttpTimeoutError

from components.core.backoff import Backoff
from components.core.storage.settings import S3Settings
from components.core.storage.traffic import Traffic, counters

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
CONNECTIONS = 16

TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
TRANSIENT_ERRORS = (ProtocolError, HttpTimeoutError, NewConnectionError, SSLError)

# A wrong name or certificate looks like this from the start; later it is the store going away.
SETUP_ERRORS = (NameResolutionError, SSLError)


class RetryingPool(urllib3.PoolManager):
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
