"""Whether a place takes what is written, found out before the work whose results belong there."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
from pathlib import Path

from components.core.storage.aside import local_errors
from components.core.storage.dispatch import delete, write_bytes
from components.core.storage.uris import Uri, join_uri, parent_of, parse_uri

PROBE = ".footprints-check-"
"""What the names of objects begin with that are written for a moment; the dot keeps them out of listings of images."""

PROBE_BYTES = 64 << 10
"""A full disk may still take a name, or a few bytes."""


def check_writable(uri: str | Path) -> None:
    """See that files can be written below a place, and removed.

    In object storage a small object is written and removed again. On disk an unnamed file is made in the folder, or, so
    that no folder is made by a check, in the nearest folder above that there is.

    Raises:
        StorageError: If they cannot.
    """
    place = parse_uri(uri)
    if not place.is_remote:
        _check_folder(place)
        return
    probe = join_uri(uri, f"{PROBE}{secrets.token_hex(8)}")
    write_bytes(probe, b"written and removed by a check\n")
    delete(probe)


def check_file_writable(uri: str | Path) -> None:
    """See that a file can be written at a place: that its folder takes files, and is not called like it.

    Raises:
        StorageError: If it cannot.
    """
    place = parse_uri(uri)
    if not place.is_remote and place.path.is_dir():
        with local_errors("write", place.path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    check_writable(parent_of(uri))


def _check_folder(place: Uri) -> None:
    folder = place.path.absolute()
    with local_errors("write", place.path):
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
