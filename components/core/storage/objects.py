"""What a store is: the protocol that local paths and object storage share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class StoredObject:
    """One object of a store, or one folder of a listing that does not descend.

    Attributes:
        uri: The canonical URI; ends with "/" for a folder.
        size_bytes: The size; 0 for a folder.
        etag: Changes whenever the content is rewritten; empty for a folder.
        modified: When it was written (UTC); None for a folder.
        sides: Of a raster, the files beside it that belong to it, where somebody looked for them.
    """

    uri: str
    size_bytes: int
    etag: str
    modified: datetime | None
    sides: tuple[StoredObject, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether this stands for everything below it."""
        return self.uri.endswith("/")


def folder(uri: str) -> StoredObject:
    """The entry of a folder in a listing that does not descend."""
    return StoredObject(uri=uri.rstrip("/") + "/", size_bytes=0, etag="", modified=None)


class Store(Protocol):
    """Lists, reads and writes whole objects; every error is a StorageError that says what to do."""

    def list(self, prefix_uri: str, recursive: bool = True) -> Iterator[StoredObject]:
        """Stream what lies below a folder, in the order of the keys' UTF-8 bytes.

        Args:
            prefix_uri: The folder; "s3://bucket/img" does not reach "s3://bucket/img2/a.tif".
            recursive: Descend; otherwise one level, with folders as entries of their own.

        Returns:
            The objects one by one; none where the folder does not exist.
        """
        ...

    def stat(self, uri: str) -> StoredObject | None:
        """What is known of one object; None where there is none."""
        ...

    def get(self, uri: str, local_path: Path) -> None:
        """Copy an object to a local file, which appears only when whole."""
        ...

    def put(self, local_path: Path, uri: str) -> None:
        """Copy a local file to an object, which appears only when whole."""
        ...

    def read_bytes(self, uri: str) -> bytes:
        """The content of an object that fits in memory."""
        ...

    def read_range(self, uri: str, offset: int, length: int) -> bytes:
        """Some bytes of an object from an offset on; fewer, or none, where it ends before."""
        ...

    def write_bytes(self, uri: str, data: bytes) -> None:
        """Write an object, which appears only when whole."""
        ...

    def replace_bytes(self, uri: str, data: bytes, seen: bytes | None) -> bool:
        """Write an object if nobody else has written it meanwhile.

        Args:
            uri: The object.
            data: Its new content.
            seen: The content that the new one follows from; None where there was no object.

        Returns:
            Whether it was written: not so where the object holds anything else than `seen` by now.
        """
        ...

    def delete(self, uri: str) -> None:
        """Remove an object; nothing happens where there is none."""
        ...
