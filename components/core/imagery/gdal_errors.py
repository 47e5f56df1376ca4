"""What GDAL loses when it closes a raster: errors of its last blocks and of the directory."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning

from components.core import storage
from components.core.imagery.drivers import GDAL_ERRORS


@contextmanager
def written_by_gdal(place: Path | str, staged: Path, needs_bytes: int = 0) -> Iterator[None]:
    """Turn what GDAL raises inside the block into an error that says why, and leave nothing of it to be raised later.

    Args:
        place: Where the raster belongs.
        staged: The file that the block writes, closes and looks at.
        needs_bytes: About what its disk must have room for; tells a full disk where GDAL removes what it began.

    Raises:
        StorageError: If the file could not be written.
    """
    _forget_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            yield
    except GDAL_ERRORS as error:
        raise storage.not_written(place, staged.parent, innermost(error), needs_bytes) from error
    finally:
        _forget_error()


def innermost(error: BaseException) -> BaseException:
    """What GDAL itself said, which rasterio's own errors only pass on."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def raise_lost_error() -> None:
    """Raise the last error that GDAL met in this thread and that nobody has raised, such as one of closing a raster.

    Raises:
        CPLE_BaseError: The error.
    """
    _ = _probe().colorinterp


def _forget_error() -> None:
    """Without this the next thing that this thread does with any raster would raise it."""
    with suppress(*GDAL_ERRORS):
        raise_lost_error()


@lru_cache(maxsize=1)
def _probe() -> rasterio.io.DatasetWriter:
    """A raster in memory, of which rasterio tells the kind of its band only where GDAL has no error pending."""
    return rasterio.open("", "w+", driver="MEM", width=1, height=1, count=1, dtype="uint8", transform=_HERE)


_HERE = rasterio.Affine(2.0, 0.0, 0.0, 0.0, -2.0, 0.0)
"""Any that is not the identity, of which rasterio warns."""
