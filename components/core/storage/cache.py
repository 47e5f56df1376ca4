"""Whole objects kept on local disk, for whoever reads them many times: one bounded folder that processes share.

An entry is a file whose name holds a digest of store, URI, ETag and size, so that an object that was replaced is
another entry. It appears by being renamed when it is whole. Whoever fetches one holds a lock on a reservation beside
it, which the system takes back when the process ends; everything that adds up or removes entries happens under the
folder's own lock. An entry that was asked for within `IN_USE_S` is never removed: where it leaves no room for another
one, that one is not cached. So nobody fetches in turn what cannot fit together.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from components.core.errors import StorageError
from components.core.hashing import digest
from components.core.storage.atomic import local_errors
from components.core.storage.dispatch import get_file, stat
from components.core.storage.objects import StoredObject
from components.core.storage.settings import (
    CACHE_FOLDER_VARIABLE,
    CACHE_SIZE_VARIABLE,
    CacheSettings,
    S3Settings,
)
from components.core.storage.uris import parse_uri, stem_of, suffix_of
from components.core.storage.workspaces import clear_dead, is_partial

log = logging.getLogger(__name__)

KEPT_FREE_BYTES = 1 << 30
"""The cache leaves this much of its disk to others."""

IN_USE_S = 900.0
TOUCH_S = 60.0
"""How old a sign of use may get before it is renewed; small against `IN_USE_S`."""

RESERVED = ".reserved"
FOLDER_LOCK = ".lock"


def cached_file(uri: str | Path) -> Path | None:
    """A copy of an object on local disk; fetched once, whichever process of this machine asks first.

    `CacheSettings` says where copies are kept and how much. A process asks the store once whether an object has been
    replaced.

    Args:
        uri: The object.

    Returns:
        The copy, which stays for `IN_USE_S` at least; None where it does not fit beside what is in use.

    Raises:
        StorageError: There is no such object, it cannot be fetched, or the folder cannot be used.
    """
    key = (str(uri), *(os.environ.get(name) for name in _DECISIVE))
    known = _known.get(key)
    now = time.monotonic()
    if known is not None and now - known.touched_s < TOUCH_S and (known.path is None or known.path.exists()):
        return known.path
    settings = CacheSettings.from_environment()
    cache = FileCache(settings.folder, settings.most_bytes, S3Settings.from_environment().endpoint_url)
    path = cache.file(str(parse_uri(uri)), None if known is None else known.path)
    if path is None and known is None:
        log.info("%s: does not fit into the cache %s beside what is in use; it is read in place", uri, cache.folder)
    _known[key] = _Known(path, now)
    return path


@dataclass(frozen=True, slots=True)
class _Known:
    """What an object's question was answered with last; no path where it was refused."""

    path: Path | None
    touched_s: float


_known: dict[tuple[str | None, ...], _Known] = {}
_DECISIVE = (CACHE_FOLDER_VARIABLE, CACHE_SIZE_VARIABLE, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


@dataclass(frozen=True, slots=True)
class FileCache:
    """One folder of copies.

    Attributes:
        folder: On a local disk; made where it is missing.
        most_bytes: Of all copies together.
        endpoint_url: The store, which is part of the entries' names.
    """

    folder: Path
    most_bytes: int
    endpoint_url: str

    def file(self, uri: str, entry: Path | None = None) -> Path | None:
        """The copy of an object, fetched where it is missing.

        Args:
            uri: The object.
            entry: Its copy as this method gave it before, so that the store need not be asked; it may be gone.

        Returns:
            The copy; None where there is no room for it.
        """
        if self.most_bytes == 0:
            return None
        with local_errors("use", self.folder):
            _make_private(self.folder)
            path = entry if entry is not None and entry.exists() else self._path_of(uri)
            return path if self._have(uri, path) else None

    def _path_of(self, uri: str) -> Path:
        stored = stat(uri)
        if stored is None:
            raise StorageError(
                f"{uri} at {self.endpoint_url}: cannot read it: there is no such object; check the key; if it was "
                "there before, it has been deleted since"
            )
        return self.folder / _entry_name(self.endpoint_url, stored)

    def _have(self, uri: str, path: Path) -> bool:
        """Have the entry; False where there is no room."""
        while True:
            with self._locked():
                if _touched(path):
                    return True
                reservation = _reserve(path)
                if reservation is not None:
                    there = _touched(path)  # somebody may just have finished it
                    if there or not self._make_room(path):
                        _give_up(reservation, path)
                        return there
            if reservation is None:
                _wait_for(path)
                continue
            try:
                get_file(uri, path)
            finally:
                _give_up(reservation, path)

    def _make_room(self, path: Path) -> bool:
        """Remove entries, least recently used first, until another one fits; none where it cannot."""
        needed = _size_of(path.name)
        entries, reserved_bytes = self._survey(path)
        used_bytes = reserved_bytes + sum(entry.st_size for _, entry in entries)
        free_bytes = shutil.disk_usage(self.folder).free - reserved_bytes
        excess = max(used_bytes + needed - self.most_bytes, needed + KEPT_FREE_BYTES - free_bytes)
        oldest = time.time() - IN_USE_S
        leaving: list[Path] = []
        for entry, status in sorted(entries, key=lambda pair: pair[1].st_mtime_ns):
            if excess <= 0 or status.st_mtime > oldest:
                break
            leaving.append(entry)
            excess -= status.st_size
        if excess > 0:
            return False
        for entry in leaving:
            entry.unlink()
        return True

    def _survey(self, own: Path) -> tuple[list[tuple[Path, os.stat_result]], int]:
        """The entries, and the bytes that other fetches under way have reserved; clears up after dead ones."""
        clear_dead(self.folder)
        reserved_bytes = 0
        for reservation in self.folder.glob(f"*{RESERVED}"):
            entry = reservation.with_suffix("")
            if entry == own:
                continue
            if _is_held(reservation):
                reserved_bytes += _size_of(entry.name)
            else:
                reservation.unlink(missing_ok=True)
        entries = []
        for path in self.folder.iterdir():  # after the reservations: what ends in between counts twice, not never
            if path.suffix != RESERVED and path.name != FOLDER_LOCK and not is_partial(path.name):
                with suppress(FileNotFoundError):
                    entries.append((path, path.stat()))
        return entries, reserved_bytes

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = _open_lock(self.folder / FOLDER_LOCK)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            _release(lock)


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise StorageError(
            f"{folder}: belongs to another user; name a folder of this user's in {CACHE_FOLDER_VARIABLE}"
        )


def _entry_name(endpoint_url: str, stored: StoredObject) -> str:
    key = digest(endpoint_url, stored.uri, stored.etag, str(stored.size_bytes))[:24]
    return f"{stem_of(stored.uri)[:80]}-{key}-{stored.size_bytes}{suffix_of(stored.uri)}"


def _size_of(entry_name: str) -> int:
    return int(Path(entry_name).stem.rpartition("-")[2])


def _touched(path: Path) -> bool:
    """Mark an entry as used now; False where there is none."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _release(lock: int) -> None:
    fcntl.flock(lock, fcntl.LOCK_UN)  # also for processes that were forked meanwhile and hold it open
    os.close(lock)


def _reservation_of(path: Path) -> Path:
    return path.with_name(path.name + RESERVED)


def _reserve(path: Path) -> int | None:
    """The lock of an entry to be fetched; None where somebody else fetches it."""
    lock = _open_lock(_reservation_of(path))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if not os.fstat(lock).st_nlink:  # removed by its owner after it was opened here
        _release(lock)
        return None
    return lock


def _give_up(lock: int, path: Path) -> None:
    _reservation_of(path).unlink(missing_ok=True)
    _release(lock)


def _is_held(reservation: Path) -> bool:
    try:
        lock = os.open(reservation, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _wait_for(path: Path) -> None:
    """Wait until whoever fetches an entry has ended."""
    with suppress(FileNotFoundError):
        lock = os.open(_reservation_of(path), os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
        finally:
            _release(lock)
