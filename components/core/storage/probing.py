"""Whether a place takes what is written, found out before the work whose results belong there."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from components.core.errors import StorageError
from components.core.storage.atomic import check_replaceable, local_errors
from components.core.storage.dispatch import delete, write_bytes
from components.core.storage.uris import Uri, join_uri, parent_of, parse_uri

PROBE = ".footprints-check"
"""What an object is called that is written for a moment; the dot keeps it out of listings of images. One name, so that
a store that lets nobody remove it holds one at most below each place."""

PROBE_BYTES = 64 << 10
"""A full disk may still take a name, or a few bytes."""

log = logging.getLogger(__name__)


def check_writable(uri: str | Path, removes: bool = False) -> None:
    """See that files can be written below a place.

    In object storage a small object is written and removed again. On disk an unnamed file is made in the folder, or, so
    that no folder is made by a check, in the nearest folder above that there is.

    Args:
        uri: The place.
        removes: Whether files must be removed there, too; else a store that refuses that keeps the small object.

    Raises:
        StorageError: If they cannot.
    """
    place = parse_uri(uri)
    if not place.is_remote:
        _check_folder(place)
        return
    probe = join_uri(uri, PROBE)
    write_bytes(probe, b"written and removed by a check\n")
    try:
        delete(probe)
    except StorageError as error:
        if removes:
            raise
        log.info("%s: could not delete this probe of the store: %s", probe, error)


def check_file_writable(uri: str | Path) -> None:
    """See that a file can be written at a place: that its folder takes files, and nothing but a file is called like it.

    Raises:
        StorageError: If it cannot.
    """
    place = parse_uri(uri)
    if not place.is_remote:
        with local_errors("write", place.path):
            check_replaceable(place.path)
    check_writable(parent_of(uri))


def _check_folder(place: Uri) -> None:
    folder = place.path.absolute()
    with local_errors("write", place.path):
        while not folder.exists() and folder != folder.parent:
            if folder.is_symlink():
                raise StorageError(
                    f"{place}: cannot write it: {folder} is a link that leads nowhere; make the folder that it leads "
                    "to, or use another place"
                )
            folder = folder.parent
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
