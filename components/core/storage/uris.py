"""One URI form for every place: a local path, or `s3://bucket/key` (`minio://` is the same)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from components.core.errors import StorageError
from components.core.hashing import as_text, is_text

REMOTE_SCHEMES = ("s3", "minio")
ACCEPTED = "a local path, file:///path, s3://bucket/key or minio://bucket/key"

_OTHER_PLACES = re.compile(r"/+(\./+)*vsi|[A-Za-z][\w+.-]+:|\s*<", re.ASCII)
"""What begins a name that is not a file's to GDAL: its file systems (/vsicurl/…, /vsizip/…), a driver's prefix (VRT:,
GTIFF_DIR:, NETCDF:, …), and a document in the place of a name. It would read other files, or call any host."""


SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Uri:
    """A place in a store.

    Attributes:
        bucket: The bucket of an object store; empty for a local path.
        key: The key without a leading slash; for a local place, the path as it was given.
    """

    bucket: str
    key: str

    @property
    def is_remote(self) -> bool:
        """Whether the place is in an object store."""
        return bool(self.bucket)

    @property
    def path(self) -> Path:
        """The local path; only for a local place."""
        return Path(self.key)

    @property
    def folder_key(self) -> str:
        """The key that every object below this place begins with; empty for a whole bucket."""
        return f"{self.key.rstrip('/')}/" if self.key else ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}" if self.bucket else self.key


def parse_uri(uri: str | Path | Uri) -> Uri:
    """Read a URI.

    Args:
        uri: A local path (absolute or relative), `file:///path` (percent-encoded), `s3://bucket/key` or
            `minio://bucket/key` (the key is taken as it is, without decoding).

    Returns:
        The place; `str()` of it is the canonical form.

    Raises:
        StorageError: It is empty, has another scheme, no bucket, a host in a file URI, or "." or ".." in a key; or it
            means something else than a file to GDAL, which opens rasters.
    """
    if isinstance(uri, Uri):
        return uri
    text = str(uri)
    scheme, separator, rest = text.partition("://")
    if not separator:
        if not text:
            raise StorageError(f"'': a URI is empty; give {ACCEPTED}")
        return Uri("", _plain_path(text))
    if scheme == "file":
        return Uri("", _plain_path(_path_of_file_uri(text)))
    if _OTHER_PLACES.match(scheme):
        _plain_path(text)
    if scheme not in REMOTE_SCHEMES:
        raise StorageError(f"{text}: the scheme '{scheme}' is not known; give {ACCEPTED}")
    bucket, _, key = rest.partition("/")
    if not bucket:
        raise StorageError(f"{text}: the bucket is missing; write {scheme}://bucket/key")
    if {".", ".."} & set(key.split("/")):
        raise StorageError(f"{text}: '.' and '..' have no meaning in a key; write the key out")
    return Uri(bucket, key.lstrip("/"))


def _plain_path(path: str) -> str:
    """A local path, if it is nothing but that to whoever opens it."""
    if "\0" in path or _OTHER_PLACES.match(path):
        shown = path if len(path) <= SHOWN_CHARACTERS else f"{path[:SHOWN_CHARACTERS]}…"
        raise StorageError(
            f"{shown!r}: is not a path of a file but a name that leads elsewhere (GDAL's /vsi…/ places, DRIVER:… names "
            f"and inline documents are not opened); give {ACCEPTED}; the absolute path where a file is really called so"
        )
    return path


def _path_of_file_uri(text: str) -> str:
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise StorageError(f"{text}: a file URI names a path on this machine; write file:///path with three slashes")
    return unquote(parts.path)


def join_uri(base: str | Path, *parts: str) -> str:
    """Append relative parts to a URI.

    Args:
        base: Any URI.
        parts: Relative parts, each a name or several names with slashes between.

    Returns:
        The canonical URI of the place below `base`.

    Raises:
        StorageError: A part is absolute or climbs with "..", which would leave `base`.
    """
    place = parse_uri(base)
    for part in parts:
        if part.startswith("/") or ".." in part.split("/"):
            raise StorageError(f"{part}: a part joined to {place} must stay below it; use a relative path without '..'")
    if not place.is_remote:
        return str(Path(place.key, *parts))
    names = [name for part in (place.key, *parts) for name in part.split("/") if name not in ("", ".")]
    return str(Uri(place.bucket, "/".join(names)))


def absolute_uri(uri: str | Path) -> str:
    """The canonical URI of a folder, without a slash at its end, whichever directory this process works in.

    Raises:
        StorageError: As `parse_uri`, or its name is not valid UTF-8, so that it could not be written down.
    """
    place = parse_uri(uri)
    if not is_text(str(place)):
        raise StorageError(
            f"{as_text(str(place))}: its name is not valid UTF-8; rename the folder, or use another place"
        )
    return (str(place) if place.is_remote else str(place.path.absolute())).rstrip("/") or "/"


def is_remote(uri: str | Path) -> bool:
    """Whether the URI points into an object store."""
    return parse_uri(uri).is_remote


def name_of(uri: str | Path) -> str:
    """The last part of the URI, such as "austin7.tif"; empty for a whole bucket."""
    return PurePosixPath(parse_uri(uri).key).name


def stem_of(uri: str | Path) -> str:
    """The name without its last suffix, such as "austin7"."""
    return PurePosixPath(name_of(uri)).stem


def suffix_of(uri: str | Path) -> str:
    """The last suffix of the name with its dot and its case, such as ".tif"; empty where there is none."""
    return PurePosixPath(name_of(uri)).suffix


def parent_of(uri: str | Path) -> str:
    """The canonical URI one level up.

    Raises:
        StorageError: The URI is a whole bucket, which has nothing above it.
    """
    place = parse_uri(uri)
    if not place.is_remote:
        return str(place.path.parent)
    if not place.key:
        raise StorageError(f"{place}: a bucket has no parent; give a key below it")
    return str(Uri(place.bucket, place.key.rstrip("/").rpartition("/")[0]))
