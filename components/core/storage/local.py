"""Local paths as a store."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from components.core.errors import StorageError
from components.core.storage.atomic import atomic_write, local_errors
from components.core.storage.objects import StoredObject, folder
from components.core.storage.traffic import Traffic, counters
from components.core.storage.uris import parse_uri
from components.core.storage.workspaces import is_partial


class LocalStore:
    """The local file system; behaves as object storage does.

    A listing holds the names of one folder at a time, and never shows a file that is still being written.
    """

    def list(self, prefix_uri: str, recursive: bool = True) -> Iterator[StoredObject]:
        """See Store.list."""
        root = _path(prefix_uri)
        with local_errors("list", root):
            if root.is_dir():
                yield from _walk(root, recursive)

    def stat(self, uri: str) -> StoredObject | None:
        """See Store.stat; a folder is not an object."""
        path = _path(uri)
        with local_errors("read", path):
            return _stat(path)

    def get(self, uri: str, local_path: Path) -> None:
        """See Store.get."""
        _copy(_path(uri), Path(local_path), durable=False)

    def put(self, local_path: Path, uri: str) -> None:
        """See Store.put."""
        _copy(Path(local_path), _path(uri), durable=True)

    def read_bytes(self, uri: str) -> bytes:
        """See Store.read_bytes."""
        path = _path(uri)
        with local_errors("read", path):
            data = path.read_bytes()
        counters.add(Traffic(local_read_bytes=len(data)))
        return data

    def read_range(self, uri: str, offset: int, length: int) -> bytes:
        """See Store.read_range."""
        path = _path(uri)
        with local_errors("read", path), path.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        counters.add(Traffic(local_read_bytes=len(data)))
        return data

    def write_bytes(self, uri: str, data: bytes) -> None:
        """See Store.write_bytes."""
        path = _path(uri)
        with atomic_write(path) as partial, local_errors("write", path):
            partial.write_bytes(data)
        counters.add(Traffic(local_written_bytes=len(data)))

    def replace_bytes(self, uri: str, data: bytes, seen: bytes | None) -> bool:
        """See Store.replace_bytes; the folder is locked meanwhile, as far as its file system has locks."""
        path = _path(uri)
        with local_errors("write", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(path.parent):
                if (self.read_bytes(uri) if path.exists() else None) != seen:
                    return False
                self.write_bytes(uri, data)
        return True

    def delete(self, uri: str) -> None:
        """See Store.delete."""
        path = _path(uri)
        with local_errors("delete", path):
            path.unlink(missing_ok=True)


def _path(uri: str) -> Path:
    place = parse_uri(uri)
    if place.is_remote:
        raise StorageError(f"{place}: the local store reads local paths only; use store_for(uri)")
    return place.path


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _stat(path: Path) -> StoredObject | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise
    if not S_ISREG(status.st_mode):
        return None
    return StoredObject(
        uri=str(path),
        size_bytes=status.st_size,
        etag=f"{status.st_mtime_ns:x}-{status.st_size:x}",
        modified=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _walk(directory: Path, recursive: bool, above: frozenset[_Folder] = frozenset()) -> Iterator[StoredObject]:
    # A folder takes part in the order with the slash that its keys have: "a.tif" comes before "a/b.tif".
    above |= {_folder(directory)}
    with os.scandir(directory) as entries:
        names = sorted(entry.name + "/" * _is_folder(entry) for entry in entries if not is_partial(entry.name))
    for name in names:
        path = directory / name
        if not name.endswith("/"):
            stored = _stat(path)
            if stored is not None:
                yield stored
        elif not recursive:
            yield folder(str(path))
        elif _folder(path) not in above:
            yield from _walk(path, recursive, above)


_Folder = tuple[int, int]
"""A folder by whatever path it was reached: its file system, and its number there."""


def _folder(path: Path) -> _Folder:
    status = path.stat()
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise


def broken_links(prefix_uri: str, recursive: bool = True) -> Iterator[str]:
    """Links below a folder that lead nowhere or back to a folder above them, which a listing leaves out.

    Args:
        prefix_uri: The folder; in object storage there are no links.
        recursive: Whether to look into folders below it, too.

    Raises:
        StorageError: If a folder cannot be listed.
    """
    place = parse_uri(prefix_uri)
    if not place.is_remote and place.path.is_dir():
        with local_errors("list", place.path):
            yield from _broken_below(place.path, recursive)


def _broken_below(directory: Path, recursive: bool, above: frozenset[_Folder] = frozenset()) -> Iterator[str]:
    above |= {_folder(directory)}
    with os.scandir(directory) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry)
        if entry.is_symlink() and not path.exists():
            yield entry.path
        elif recursive and _is_folder(entry):
            if _folder(path) in above:
                yield entry.path
            else:
                yield from _broken_below(path, recursive, above)


def _copy(source: Path, target: Path, durable: bool) -> None:
    with atomic_write(target, durable) as partial:
        with local_errors("read", source):
            reader = source.open("rb")
        with reader, local_errors("write", target), partial.open("wb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            size = writer.tell()
    counters.add(Traffic(local_read_bytes=size, local_written_bytes=size))
