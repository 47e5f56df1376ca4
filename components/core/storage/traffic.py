"""How many bytes this process read and wrote, from local disk and from object storage."""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Traffic:
    """Bytes moved through this package; for object storage, the payload of every request, retries included."""

    local_read_bytes: int = 0
    local_written_bytes: int = 0
    remote_read_bytes: int = 0
    remote_written_bytes: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(self)))


class Counters:
    """The running totals of one process; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traffic = Traffic()

    def add(self, traffic: Traffic) -> None:
        """Count bytes that were moved; also for readers that bypass the stores, such as GDAL."""
        with self._lock:
            self._traffic += traffic

    def snapshot(self) -> Traffic:
        """The totals up to now; subtract two of them to get what a stage moved."""
        with self._lock:
            return self._traffic


counters = Counters()
