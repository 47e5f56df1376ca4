"""Opening rasters on disk and in object storage, and reading what the store may keep away for a while.

Open rasters are kept, some a thread, since opening costs more than reading a window. GDAL's options for object
storage are set while a raster is opened; it keeps them, so that reading a window sets none.
"""

from __future__ import annotations

import math
import os
import resource
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

import rasterio
from rasterio.env import set_gdal_config
from rasterio.errors import NotGeoreferencedWarning

from components.core import storage
from components.core.errors import DataError
from components.core.imagery.drivers import GDAL_ERRORS, SIDE_RASTERS, open_file, open_plain, why_not

T = TypeVar("T")

OPEN_RASTERS = 512
"""How many rasters a thread keeps open: all of a training that goes through some hundred scenes in no order."""

OPEN_SHARE = 0.5
"""Of the files that the system lets this process open, the share that all threads' open rasters may take."""

CACHE_BYTES = 64 << 20
"""GDAL's block cache, one a process: enough for a row of tiles, small against a band."""

GDAL_SETTINGS: dict[str, int | str] = {
    "GDAL_CACHEMAX": CACHE_BYTES,  # a twentieth of the machine's memory otherwise
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO",  # it reads a truncated PNG without an error
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",
}
"""Set once for the process, since setting them for every window takes longer than reading it."""

for _name, _value in GDAL_SETTINGS.items():
    if _name not in os.environ:
        set_gdal_config(_name, _value)


class _OpenRasters(threading.local):
    """Open rasters of one thread of one process, least recently used closed first."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.datasets: OrderedDict[tuple[str, object], rasterio.DatasetReader] = OrderedDict()

    def get(self, uri: str) -> rasterio.DatasetReader:
        if self.process != os.getpid():  # a fork must not share file positions with its parent
            self.__init__()  # type: ignore[misc]
        key = (uri, version_of(uri))
        dataset = self.datasets.pop(key, None) or self._opened(uri)
        self.datasets[key] = dataset
        return dataset

    def _opened(self, uri: str) -> rasterio.DatasetReader:
        """Another raster, for which those used least recently make room."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = math.inf if files == resource.RLIM_INFINITY else OPEN_SHARE * files
        while self.datasets and (len(self.datasets) >= OPEN_RASTERS or len(_open_anywhere) >= most):
            self._close(self.datasets.popitem(last=False)[1])
        dataset = _open(uri)
        _open_anywhere.add(dataset)
        return dataset

    def _close(self, dataset: rasterio.DatasetReader) -> None:
        _open_anywhere.discard(dataset)
        dataset.close()

    def forget(self, uri: str) -> None:
        """Close a raster whose reading failed, so that another try reopens it."""
        dataset = self.datasets.pop((uri, version_of(uri)), None)
        if dataset is not None:
            self._close(dataset)


_open_anywhere: WeakSet[rasterio.DatasetReader] = WeakSet()
"""What all threads keep open; a thread that ends lets go of its own."""

_open_rasters = _OpenRasters()


def version_of(uri: str) -> object:
    """What changes when a local file is replaced; remote rasters are immutable once published."""
    path = local_path(uri)
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4096)
def local_path(uri: str) -> Path | None:
    """The file of a local raster; None for one in object storage."""
    return None if storage.is_remote(uri) else storage.parse_uri(uri).path


def _open(uri: str, beside: bool | None = None) -> rasterio.DatasetReader:
    """Open a raster.

    Args:
        uri: The raster.
        beside: Whether GDAL looks for files beside it; None where it does on disk and does not in object storage.
    """
    options = storage.gdal_environment(uri)
    if beside is not None:
        options["GDAL_DISABLE_READDIR_ON_OPEN"] = "TRUE" if beside else "EMPTY_DIR"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        path = local_path(uri)
        if path is not None and not options:
            return open_plain(path)
        with rasterio.Env(**options):
            if path is not None:
                return open_plain(path)
            if beside:
                _check_sides(uri)
            dataset = open_file(storage.gdal_path(uri))
            if beside:  # GDAL looks when it is asked, and has the settings of object storage only now
                _ = dataset.crs, dataset.transform, dataset.mask_flag_enums, dataset.nodatavals, dataset.tags()
            return dataset


def _check_sides(uri: str) -> None:
    """See that what GDAL opens along with a raster in object storage leads nowhere else; see `open_plain`."""
    for ending in SIDE_RASTERS:
        side = f"{uri}{ending}"
        if not storage.exists(side):
            continue
        try:
            open_file(storage.gdal_path(side)).close()
        except GDAL_ERRORS as error:
            raise DataError(
                f"{uri}: the object beside it, {storage.name_of(side)}, would be read along with it and is not a TIFF "
                f"({error}); remove it, or rebuild it"
            ) from error


def open_raster(uri: str, beside: bool | None = None) -> rasterio.DatasetReader:
    """Open a raster for reading; the caller closes it, and reads through `read_with_retry`.

    Args:
        uri: The raster.
        beside: Whether GDAL looks for files beside it, such as a world file or a mask; None for on disk alone.

    Raises:
        DataError: If there is no such file, it is not a TIFF, PNG or JPEG, or GDAL cannot read it.
        StorageError: If it is in object storage and cannot be reached there.
    """
    try:
        return read_with_retry(uri, lambda: _open(uri, beside))
    except GDAL_ERRORS as error:
        raise _unreadable(uri, error) from error


def use_raster(uri: str, work: Callable[[rasterio.DatasetReader], T], what: str) -> T:
    """Do something with a raster that stays open for the next use.

    Args:
        uri: The raster.
        work: What is done; where the store was away meanwhile, it is done again with the raster reopened.
        what: What is read, for messages.

    Raises:
        DataError: If GDAL cannot open or read it.
        StorageError: If it is in object storage and cannot be reached there.
    """
    is_open = False

    def attempt() -> T:
        nonlocal is_open
        is_open = False
        dataset = _open_rasters.get(uri)
        is_open = True
        try:
            return work(dataset)
        except GDAL_ERRORS:
            _open_rasters.forget(uri)
            raise

    try:
        return read_with_retry(uri, attempt)
    except GDAL_ERRORS as error:
        if not is_open:
            raise _unreadable(uri, error) from error
        raise DataError(f"{uri}: {what} cannot be read ({error}); the file is broken, replace it") from error


def _unreadable(uri: str, error: Exception) -> DataError:
    return DataError(
        f"{uri}: cannot be opened as a raster: {why_not(local_path(uri))}{error}; give a readable TIFF, PNG or JPEG, "
        "and side files that are whole"
    )


def read_with_retry(uri: str, read: Callable[[], T]) -> T:
    """Let GDAL open or read a raster, waiting for a store that is away.

    A process that was forked has its parent's connections in the thread that it goes on in. Reading over one mixes up
    the answers to parent and child, so such a thread leaves remote reading to another one.

    Args:
        uri: The raster.
        read: May be called several times.

    Raises:
        RasterioError: If GDAL cannot do it.
        StorageError: If the raster is in object storage and cannot be reached there.
    """
    if local_path(uri) is not None:
        return read()
    if threading.get_ident() != _fork.thread:
        return storage.gdal_with_retry(uri, read)
    return _fork.helper().submit(storage.gdal_with_retry, uri, read).result()


class _Fork:
    """The thread that came through a fork, and the one that reads for it."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self._helper: ThreadPoolExecutor | None = None

    def happened(self) -> None:
        self.thread, self._helper = threading.get_ident(), None

    def helper(self) -> ThreadPoolExecutor:
        if self._helper is None:
            self._helper = ThreadPoolExecutor(1, "remote-rasters")
        return self._helper


_fork = _Fork()
os.register_at_fork(after_in_child=_fork.happened)


def count_read(uri: str, size_bytes: int) -> None:
    """Count pixels that GDAL read, by their bytes in memory; how many were stored for them it does not tell."""
    kind = "remote_read_bytes" if local_path(uri) is None else "local_read_bytes"
    storage.counters.add(storage.Traffic(**{kind: size_bytes}))
