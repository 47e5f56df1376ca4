"""Atomic writes of local files: written under another name, verified, and moved into place when the disk holds them."""

from __future__ import annotations

import errno
import math
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from components.core.errors import StorageError
from components.core.storage.integrity import check_integrity
from components.core.storage.workspaces import SCRATCH, is_scratch, visible, workspace

FULL = (errno.ENOSPC, errno.EDQUOT)

FULL_TEXTS = (*map(os.strerror, FULL), "disk is full")
"""What libraries say where they give no number; the last is SQLite's."""

NO_ROOM_BYTES = 64 << 10
"""A disk with less left is full: file systems round up, and what failed may have been given back."""

_FIXES = {
    errno.ENOENT: "check the path",
    errno.EACCES: "grant this user access, or use another place",
    errno.EPERM: "grant this user access, or use another place",
    errno.EROFS: "use a place that can be written",
    errno.EISDIR: "name a file in it",
    errno.ENOTDIR: "a part of the path is a file; use another place",
    errno.EEXIST: "a part of the path is a file; use another place",
    errno.ENAMETOOLONG: "use a shorter name",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), or use a file system with a higher one",
}


@contextmanager
def local_errors(action: str, place: str | Path, made_in: Path | None = None) -> Iterator[None]:
    """Turn an OSError inside the block into a StorageError.

    Args:
        action: What was tried, such as "read".
        place: Where.
        made_in: Folder on whose disk the block writes; None for that of `place`.
    """
    try:
        yield
    except OSError as error:
        place = visible(place) if isinstance(place, Path) else place
        if error.errno in FULL:
            raise StorageError(f"{place}: cannot {action} it: {_full(made_in or Path(place), error.errno)}") from error
        rule = error.strerror or str(error)
        fix = _FIXES.get(error.errno or 0, "check the disk it lies on")
        raise StorageError(f"{place}: cannot {action} it: {rule}; {fix}") from error


def not_written(place: str | Path, made_in: Path, reason: object, needs_bytes: int = 0) -> StorageError:
    """Why a result could not be made, told by whoever gets no error number from what writes it.

    Args:
        place: Where the result belongs.
        made_in: The folder in which it was made.
        reason: What the library said.
        needs_bytes: About what the disk must have room for, where the library removes what it began.
    """
    place = visible(place) if isinstance(place, Path) else place
    text = " ".join(str(reason).split()) or type(reason).__name__
    most_bytes, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if any(said in text for said in FULL_TEXTS) or _free_bytes(made_in) < max(needs_bytes, NO_ROOM_BYTES):
        why = _full(made_in, errno.ENOSPC)
    elif most_bytes != resource.RLIM_INFINITY:
        why = f"it may be larger than the {most_bytes} bytes that a file may have here; {_FIXES[errno.EFBIG]}"
    else:
        why = f"check the disk of {_shown(made_in)}, on which {_free_bytes(made_in) / 1e6:,.0f} MB are free"
    return StorageError(f"{place}: cannot write it ({text}): {why}")


def _free_bytes(folder: Path) -> float:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return math.inf


def _shown(path: Path) -> Path:
    """The folder that the user knows of."""
    folder = visible(path)
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _full(path: Path, number: int | None) -> str:
    """Which disk is full, and what to do about it."""
    rule = os.strerror(number or errno.ENOSPC)
    if is_scratch(path):
        temporary = tempfile.gettempdir()
        return f"{rule} in the folder for temporary files {temporary}; free some there, or set TMPDIR to a larger disk"
    return f"{rule} on the disk of {_shown(path)}; free some space, or use another place"


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """Give an empty folder among the temporary files (TMPDIR) that is gone when the block ends.

    Args:
        purpose: A word for its name.

    Raises:
        StorageError: It cannot be made.
    """
    place = Path(tempfile.gettempdir())
    with ExitStack() as stack:
        with local_errors("write", place):
            folder = stack.enter_context(workspace(place, f"{SCRATCH}{purpose}"))
        yield folder


@contextmanager
def atomic_write(path: Path, durable: bool = True) -> Iterator[Path]:
    """Give a path to write to; it becomes `path` when the block ends well, and is removed otherwise.

    Args:
        path: The file; its name is that of the path too, since libraries choose formats by it.
        durable: Whether it must outlive a loss of power; not so for copies that can be fetched again.

    Raises:
        StorageError: The folder cannot be made, the disk does not take the file, or it cannot be moved into place.
    """
    with ExitStack() as stack:
        with local_errors("write", path):
            check_replaceable(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = stack.enter_context(workspace(path.parent, path.name)) / path.name
        yield partial
        with local_errors("write", path):
            if durable:
                sync(partial)
            partial.replace(path)
            if durable:
                sync(path.parent)


def check_replaceable(path: Path) -> None:
    """See that what a path leads to, if anything, is a file that another one may take the place of.

    Raises:
        StorageError: If it is a device, a pipe or a socket, such as /dev/null.
        OSError: If it is a folder, or cannot be asked.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if path.exists() and not path.is_file():
        raise StorageError(f"{path}: cannot write it: is a device, a pipe or a socket; name a file")


def verify_written(made: Path, place: str | Path) -> None:
    """See that a file that a library made and closed is whole.

    Args:
        made: The file, whose suffix says of which format it is.
        place: Where it belongs, for messages.

    Raises:
        StorageError: If it is not.
    """
    with local_errors("write", place, made.parent):
        try:
            check_integrity(made)
        except ValueError as error:
            raise not_written(place, made.parent, f"the written file is incomplete: {error}") from error


def sync(path: Path) -> None:
    """Have the disk hold what a file or folder holds.

    Raises:
        OSError: If it does not, which may be known no sooner.
    """
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # folders of some network file systems
            raise
    finally:
        os.close(opened)
