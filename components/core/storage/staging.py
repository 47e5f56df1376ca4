"""Results that are made in a local file and published when whole, wherever they belong."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.core.storage.aside import local_errors, written_aside
from components.core.storage.dispatch import put_file
from components.core.storage.traffic import Traffic, counters
from components.core.storage.uris import name_of, parse_uri


def publish_file(local_tmp: Path, uri: str | Path) -> None:
    """Move a finished local file to its place, where it appears whole or not at all.

    Args:
        local_tmp: The file; it is gone afterwards.
        uri: Where it belongs.

    Raises:
        StorageError: The place cannot be written; `local_tmp` is still there.
    """
    source, place = Path(local_tmp), parse_uri(uri)
    if not place.is_remote:
        with local_errors("write", place.key):
            place.path.parent.mkdir(parents=True, exist_ok=True)
            if _renamed(source, place.path):
                return
    put_file(source, str(place))
    source.unlink()


def _renamed(source: Path, target: Path) -> bool:
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


@contextmanager
def staged_file(uri: str | Path) -> Iterator[Path]:
    """Give a local path to write to; what is there when the block ends well becomes `uri`.

    Args:
        uri: Where the result belongs.

    Returns:
        A local path with the suffix of `uri`; beside it for a local place, in the temporary folder otherwise.

    Raises:
        StorageError: The place cannot be written, or the block wrote nothing.
    """
    place = parse_uri(uri)
    if not place.is_remote:
        with written_aside(place.path) as partial:
            yield partial
        counters.add(Traffic(local_written_bytes=place.path.stat().st_size))
        return
    with tempfile.TemporaryDirectory(prefix="staged-") as folder:
        local = Path(folder) / name_of(place.key)
        yield local
        put_file(local, str(place))
