"""The store of a URI, and its methods as functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components.core.storage.local import LocalStore
from components.core.storage.objects import Store, StoredObject
from components.core.storage.uris import parse_uri


def store_for(uri: str | Path) -> Store:
    """The store that a URI points into; object storage is set up from the environment.

    Raises:
        StorageError: The URI or the environment breaks a rule.
    """
    if not parse_uri(uri).is_remote:
        return LocalStore()
    from components.core.storage.s3 import S3Store  # whose client only those need who have object storage
    from components.core.storage.settings import S3Settings

    return S3Store(S3Settings.from_environment())


def list_objects(uri: str | Path, recursive: bool = True) -> Iterator[StoredObject]:
    """Stream what lies below a folder in key order; see Store.list."""
    return store_for(uri).list(str(uri), recursive)


def stat(uri: str | Path) -> StoredObject | None:
    """What is known of one object; None where there is none."""
    return store_for(uri).stat(str(uri))


def exists(uri: str | Path) -> bool:
    """Whether there is an object; a folder is none, see `is_folder`."""
    return stat(uri) is not None


def is_folder(uri: str | Path) -> bool:
    """Whether anything lies below the URI."""
    return next(list_objects(uri, recursive=False), None) is not None


def get_file(uri: str | Path, local_path: Path) -> None:
    """Copy an object to a local file, which appears only when whole."""
    store_for(uri).get(str(uri), local_path)


def put_file(local_path: Path, uri: str | Path) -> None:
    """Copy a local file to an object, which appears only when whole."""
    store_for(uri).put(local_path, str(uri))


def read_bytes(uri: str | Path) -> bytes:
    """The content of an object that fits in memory."""
    return store_for(uri).read_bytes(str(uri))


def read_range(uri: str | Path, offset: int, length: int) -> bytes:
    """Some bytes of an object from an offset on; fewer, or none, where it ends before."""
    return store_for(uri).read_range(str(uri), offset, length)


def write_bytes(uri: str | Path, data: bytes) -> None:
    """Write an object, which appears only when whole."""
    store_for(uri).write_bytes(str(uri), data)


def replace_bytes(uri: str | Path, data: bytes, seen: bytes | None) -> bool:
    """Write an object if it still holds what was seen in it; says whether. See Store.replace_bytes."""
    return store_for(uri).replace_bytes(str(uri), data, seen)


def delete(uri: str | Path) -> None:
    """Remove an object; nothing happens where there is none."""
    store_for(uri).delete(str(uri))
