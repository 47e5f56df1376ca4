"""How many bytes this process and those that it started read and wrote, on local disk and in object storage."""

from __future__ import annotations

import io
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from components.core.storage.atomic import scratch_folder

FOLDER_VARIABLE = "STORAGE_TRAFFIC_FOLDER"
"""Where the processes of a stage keep their counts while `counted` runs; it sets this itself."""

MEGA = 1e6

_ROW = struct.Struct("<4q")


@dataclass(frozen=True)
class Traffic:
    """Bytes moved through this package and through rasters, manifests and outputs.

    Remote bytes are the payload of every request, retries included; of rasters that GDAL reads by window, local and
    remote alike, the pixels that came out, since GDAL does not tell what it read for them. Local bytes written are
    those of finished files; copies in temporary folders, on their way to or from a store, do not count.
    """

    local_read_bytes: int = 0
    local_written_bytes: int = 0
    remote_read_bytes: int = 0
    remote_written_bytes: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(*(getattr(self, field.name) - getattr(other, field.name) for field in fields(self)))

    def megabytes(self) -> dict[str, float]:
        """The four by flat names such as `local_read_mb`, in 10⁶ bytes to the nearest kilobyte, for metrics."""
        return {
            field.name.replace("_bytes", "_mb"): round(getattr(self, field.name) / MEGA, 3) for field in fields(self)
        }


class Counters:
    """The running totals of one process; safe to share between threads.

    A process that another one started, by whatever means, also keeps its totals in a small file where `counted` runs
    around both, so that they are known however it ends.
    """

    def __init__(self) -> None:
        self._start(Traffic())

    def _start(self, traffic: Traffic) -> None:
        self._lock = threading.Lock()
        self._traffic = traffic
        self._file: int | None = None
        self._folder = os.environ.get(FOLDER_VARIABLE)

    def after_fork(self) -> None:
        """Start over in a forked process: what its parent counted is its parent's."""
        self._start(Traffic())

    def add(self, traffic: Traffic) -> None:
        """Count bytes that were moved; also for readers that bypass the stores, such as GDAL."""
        with self._lock:
            self._traffic += traffic
            if self._folder is not None:
                self._keep(self._folder)

    def _keep(self, folder: str) -> None:
        with suppress(OSError):  # the block that wanted to know has ended
            if self._file is None:
                name = f"{os.getpid()}-{time.monotonic_ns()}"  # numbers of ended processes are used again
                self._file = os.open(Path(folder) / name, os.O_WRONLY | os.O_CREAT, 0o600)
            os.pwrite(self._file, _ROW.pack(*astuple(self._traffic)), 0)

    def snapshot(self) -> Traffic:
        """The totals of this process up to now; subtract two of them to get what was moved in between."""
        with self._lock:
            return self._traffic


counters = Counters()
os.register_at_fork(after_in_child=counters.after_fork)


class CountedFile(io.FileIO):
    """A local file opened for reading, whose bytes count as they are read; for libraries that take an open file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)

    def read(self, size: int | None = -1) -> bytes:
        """As any file."""
        data = super().read(-1 if size is None else size) or b""
        counters.add(Traffic(local_read_bytes=len(data)))
        return data


class Moved:
    """What a block moved; complete when it has ended."""

    def __init__(self) -> None:
        self.traffic = Traffic()

    def megabytes(self) -> dict[str, float]:
        """As `Traffic.megabytes`."""
        return self.traffic.megabytes()


@contextmanager
def counted() -> Iterator[Moved]:
    """Count the bytes that a block moves, in this process and in every process started inside the block.

    Workers, data loaders and the processes of a distributed training count, however they were started and ended. What
    they moved is added to this process's own totals.
    """
    moved = Moved()
    before = counters.snapshot()
    outer = os.environ.get(FOLDER_VARIABLE)
    with scratch_folder("traffic") as folder:
        os.environ[FOLDER_VARIABLE] = str(folder)
        try:
            yield moved
        finally:
            if outer is None:
                del os.environ[FOLDER_VARIABLE]
            else:
                os.environ[FOLDER_VARIABLE] = outer
            counters.add(_of_others(folder))
            moved.traffic = counters.snapshot() - before


def _of_others(folder: Path) -> Traffic:
    total = Traffic()
    for file in folder.iterdir():
        row = file.read_bytes()
        if len(row) == _ROW.size:
            total += Traffic(*_ROW.unpack(row))
    return total
