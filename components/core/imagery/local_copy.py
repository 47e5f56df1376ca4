"""Rasters whose windows are read over and over: copied whole to local disk, once."""

from __future__ import annotations


def local_copy(uri: str) -> str:
    """Where to read a raster from of which most windows will be read, some of them often, as in a training.

    A raster in object storage is fetched whole into this machine's cache (`cached_file`), by whichever process asks
    first, and is not read from the store again. Whoever reads each window once, or few windows, reads from the URI
    itself: that moves no more than those windows. Ask again before each window: the answer is quick, and keeps the
    copy from being removed.

    Args:
        uri: The raster.

    Returns:
        The copy's path; `uri` itself where it is local already, or has no room in the cache.

    Raises:
        StorageError: If there is no such object or it cannot be fetched.
    """
    from components.core.imagery.opening import local_path  # GDAL, for those who read pixels
    from components.core.storage.cache import cached_file

    if local_path(uri) is not None:
        return uri
    copy = cached_file(uri)
    return uri if copy is None else str(copy)
