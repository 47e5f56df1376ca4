"""How GDAL reads a raster from the same place, with the same settings."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from components.core.errors import StorageError
from components.core.storage.settings import S3Settings
from components.core.storage.uris import parse_uri

T = TypeVar("T")

log = logging.getLogger(__name__)

TRIES = 4

_READING = {
    # Without these GDAL lists the whole folder for each file, and asks for side files that are not there.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_CONNECTTIMEOUT": "5",
    "GDAL_HTTP_TIMEOUT": "60",
    "GDAL_HTTP_MAX_RETRY": "5",
    "GDAL_HTTP_RETRY_DELAY": "0.25",
}

# GDAL's own name, and the one it has in rasterio's wheels.
_CA_BUNDLE_OPTIONS = ("CURL_CA_BUNDLE", "GDAL_CURL_CA_BUNDLE")


def gdal_path(uri: str | Path) -> str:
    """The name under which GDAL opens the raster: the absolute local path, or `/vsis3/bucket/key`.

    GDAL takes a relative path for a driver's prefix where it looks like one, and an absolute one never.

    Raises:
        StorageError: If it means something else than a file to GDAL.
    """
    place = parse_uri(uri)
    return f"/vsis3/{place.bucket}/{place.key}" if place.is_remote else parse_uri(place.path.absolute()).key


def gdal_environment(uri: str | Path | None = None) -> dict[str, str]:
    """GDAL's options for reading by window, for `rasterio.Env(**gdal_environment(uri))`.

    The credentials are not among them: GDAL takes them from the same environment variables.

    Args:
        uri: The raster to be read; None stands for one in object storage.

    Returns:
        The options of object storage; none for a local path, whose side files GDAL must see.
    """
    if uri is not None and not parse_uri(uri).is_remote:
        return {}
    settings = S3Settings.from_environment()
    options = {
        **_READING,
        "AWS_S3_ENDPOINT": settings.endpoint,
        "AWS_HTTPS": "YES" if settings.secure else "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE" if settings.path_style else "TRUE",
        "AWS_REGION": settings.region,
    }
    if settings.ca_bundle is not None:
        options.update(dict.fromkeys(_CA_BUNDLE_OPTIONS, settings.ca_bundle))
    if settings.access_key is None:
        options["AWS_NO_SIGN_REQUEST"] = "YES"
    return options


def gdal_with_retry(uri: str | Path, read: Callable[[], T]) -> T:
    """Read with GDAL, waiting for a store that is away, and say clearly what is wrong for good.

    Args:
        uri: The raster that `read` opens or reads.
        read: Reopens the raster, reads and returns; may be called several times.

    Returns:
        What `read` returns.

    Raises:
        StorageError: The store, the bucket or the object cannot be reached or is not there.
        RasterioIOError: The object is there, and GDAL cannot read it in several tries.
    """
    place = parse_uri(uri)
    if not place.is_remote:
        return read()
    from rasterio.errors import RasterioIOError  # whoever only moves objects needs no GDAL

    from components.core.storage.s3 import S3Store

    store = S3Store(S3Settings.from_environment())
    for _ in range(TRIES - 1):
        try:
            return read()
        except RasterioIOError as error:
            if store.stat(str(place)) is None:
                raise StorageError(
                    f"{place} at {store.settings.endpoint_url}: cannot read it: there is no such object; check the "
                    "key; if it was there before, it has been deleted since"
                ) from error
            log.warning("%s: GDAL cannot read it (%s); the store answers, retrying", place, error)
    return read()
