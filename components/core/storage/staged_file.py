"""Results that are made in a local file and published when whole, wherever they belong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from components.core.storage.atomic import atomic_write, local_errors, scratch_folder, verify_written
from components.core.storage.dispatch import put_file, read_range
from components.core.storage.objects import StoredObject
from components.core.storage.tiff import check_tiff
from components.core.storage.traffic import Traffic, counters
from components.core.storage.uris import name_of, parse_uri

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 16
"""So much of a file is asked for at once where little of it is wanted."""


@contextmanager
def staged_file(uri: str | Path) -> Iterator[Path]:
    """Give a local path to write to; what is there when the block ends well becomes `uri`.

    It is seen to be whole (`components.core.storage.integrity`) and on the disk before it gets its name or is uploaded.

    Args:
        uri: Where the result belongs.

    Returns:
        A local path with the name of `uri`; beside it for a local place, in the temporary folder otherwise.

    Raises:
        StorageError: The place cannot be written, or what the block wrote is not whole.
    """
    place = parse_uri(uri)
    if not place.is_remote:
        with atomic_write(place.path) as partial:
            with local_errors("write", place.path):
                yield partial
            verify_written(partial, place.path)
        counters.add(Traffic(local_written_bytes=place.path.stat().st_size))
        return
    with scratch_folder("staged") as folder:
        local = folder / name_of(place.key)
        with local_errors("write", str(place), folder):
            yield local
        verify_written(local, str(place))
        put_file(local, str(place))


def is_whole_tiff(found: StoredObject) -> bool:
    """Whether a TIFF that another run left holds all of its tiles; reads its directories alone.

    Raises:
        StorageError: The place cannot be read.
    """

    @lru_cache(maxsize=8)
    def chunk(number: int) -> bytes:
        return read_range(found.uri, number * CHUNK_BYTES, CHUNK_BYTES)

    def read(offset: int, size: int) -> bytes:
        first, last = offset // CHUNK_BYTES, (offset + size - 1) // CHUNK_BYTES
        data = b"".join(map(chunk, range(first, last + 1)))
        return data[offset - first * CHUNK_BYTES :][:size]

    try:
        check_tiff(read, found.size_bytes)
    except ValueError as error:
        log.warning("%s: is incomplete (%s); rebuilding it", found.uri, error)
        return False
    return True
