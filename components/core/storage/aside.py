"""Local files that are written aside and moved into place when whole."""

from __future__ import annotations

import errno
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.core.errors import StorageError

_PARTIAL = re.compile(r"\..*\.[0-9a-f]{32}\.part(\.[^./]*)?")

_FIXES = {
    errno.ENOENT: "check the path",
    errno.EACCES: "give this user the right to it, or use another place",
    errno.EPERM: "give this user the right to it, or use another place",
    errno.EROFS: "use a place that can be written",
    errno.EISDIR: "name a file in it",
    errno.ENOTDIR: "a part of the path is a file; use another place",
    errno.EEXIST: "a part of the path is a file; use another place",
    errno.ENOSPC: "free some space, or use another place",
    errno.EDQUOT: "free some space, or use another place",
}


def is_partial(name: str) -> bool:
    """Whether a file name belongs to something that is still being written."""
    return _PARTIAL.fullmatch(name) is not None


def partial_path(path: Path) -> Path:
    """A free path in the same folder, with the same suffix (GDAL chooses formats by it)."""
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex}.part{path.suffix}")


@contextmanager
def local_errors(action: str, place: str | Path) -> Iterator[None]:
    """Turn an OSError inside the block into a StorageError.

    Args:
        action: What was tried, such as "read".
        place: Where.
    """
    try:
        yield
    except OSError as error:
        rule = error.strerror or str(error)
        fix = _FIXES.get(error.errno or 0, "check the disk it lies on")
        raise StorageError(f"{place}: cannot {action} it: {rule}; {fix}") from error


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path to write to; it becomes `path` when the block ends well, and is removed otherwise.

    Raises:
        StorageError: The folder cannot be made, or the file cannot be moved into place.
    """
    with local_errors("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        yield partial
        with local_errors("write", path):
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
