"""Failures of the work on one scene, and which of them are that scene's own.

A file from the outside world can fail in ways that nobody foresaw, in GDAL, PROJ, NumPy or here. Whatever it is, it is
that scene's failure: the scene is skipped, named and counted, and the others are done. Not its own are the faults of
what all scenes share: the store, the disk and the memory of this machine, and a run's parameters.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from components.core.errors import DataError, FootprintsError, StorageError

log = logging.getLogger(__name__)

SHOWN_CHARACTERS = 500

_MACHINE = {
    errno.ENOSPC: "free some space, or use another place",
    errno.EDQUOT: "free some space, or use another place",
    errno.EROFS: "use a place that can be written",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files (ulimit -n)",
    errno.ENOMEM: "give the process more memory",
    errno.EPIPE: "check why the other end closed the connection",
    errno.ECONNRESET: "check why the other end closed the connection",
    errno.ECONNREFUSED: "check that the server is running",
    errno.ETIMEDOUT: "check that the server is running",
}
"""What no scene is to blame for, and what helps."""

_NAMES = (errno.ENAMETOOLONG, errno.EILSEQ, errno.ELOOP, errno.EINVAL)
"""What a file's own name or place is to blame for."""


@contextmanager
def scene_errors(scene: str) -> Iterator[None]:
    """Turn whatever goes wrong with one scene in the block into a DataError; what is no fault of the scene's goes on.

    Args:
        scene: What messages call it: its image, or its name.

    Raises:
        DataError: If it is the scene's fault, or nobody else's as far as can be known.
        StorageError: If the disk is full, or something else of this machine's gives out.
        FootprintsError: As it was raised.
    """
    try:
        yield
    except StorageError as error:
        if _errno(error.__cause__) in _NAMES:
            raise DataError(f"{error}; give the file a shorter or plainer name") from error
        raise
    except (FootprintsError, MemoryError):
        raise
    except Exception as error:
        number = _errno(error)
        if number in _MACHINE:
            raise StorageError(f"{scene}: {error}; {_MACHINE[number]}") from error
        raise DataError(f"{scene}: {_describe(error)}") from error


def stops_all(error: BaseException) -> bool:
    """Whether an error is of the machine that all scenes share, so that going on with the next one is of no use."""
    return isinstance(error, StorageError) and _errno(error.__cause__) in _MACHINE


def _errno(error: BaseException | None) -> int:
    return (error.errno or 0) if isinstance(error, OSError) else 0


def _describe(error: Exception) -> str:
    """What happened, why as far as can be known, and what to do."""
    package, detail = type(error).__module__.partition(".")[0], _shortened(str(error))
    if package == "rasterio":
        return f"cannot be used ({detail}); repair the file, or rewrite it with GDAL"
    if package in ("pyproj", "shapely"):
        return f"cannot be placed on the map ({detail}); check its CRS and its transform"
    if isinstance(error, UnicodeError):
        return f"its name or its metadata are not valid text ({detail}); rename the file, or rewrite it"
    if isinstance(error, OSError):
        return f"cannot be used ({error.strerror or detail}); check the file and its name"
    log.debug("%s", error, exc_info=error)
    return (
        f"unexpected {type(error).__name__}: {detail}; skipping it as if it were broken; please report this together "
        "with the image"
    )


def _shortened(text: str) -> str:
    """What a library says, which may repeat all that a file says of itself."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
