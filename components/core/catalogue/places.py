"""Where links of a catalogue lead, and what is known of what lies there without asking for each by itself."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote

from components.core import storage
from components.core.errors import DataError, StorageError
from components.core.imagery.files import is_raster
from components.core.storage import StoredObject

WEB = ("http://", "https://")

_MIRROR = "copy the catalogue and its files to disk or S3, with relative links, and give that"


class Links:
    """Resolves links.

    A catalogue that names itself by an address of the web, and is read elsewhere, was copied as it is: its links to
    its own address lead to the copy.
    """

    def __init__(self, root: str, own_href: str = "") -> None:
        """Know where a catalogue lies.

        Args:
            root: URI of its first document.
            own_href: Where that says that it lies.
        """
        self._folder = storage.parent_of(root)
        self._address = own_href.rpartition("/")[0] + "/" if own_href.startswith(WEB) else ""

    def resolve(self, href: str, document: str) -> str:
        """The URI of what a document links to.

        Args:
            href: The link, relative or absolute.
            document: URI of the document.

        Raises:
            DataError: If it leads to the web, from object storage to a local path, or to no place.
        """
        if self._address and href.startswith(self._address):
            return _joined(self._folder, href[len(self._address) :], document)
        if href.startswith(WEB):
            raise DataError(f"{document}: links to {href}, and http(s) is not followed; {_MIRROR}")
        if "://" in href or PurePosixPath(href).is_absolute():
            try:
                place = storage.absolute_uri(href)
            except StorageError as error:
                raise DataError(f"{document}: a link leads nowhere: {error}") from error
            if storage.is_remote(document) and not storage.is_remote(place):
                raise DataError(f"{document}: links to the local path {place} from object storage; {_MIRROR}")
            return place
        return _joined(storage.parent_of(document), href, document)


def _joined(folder: str, href: str, document: str) -> str:
    place = storage.parse_uri(folder)
    if not place.is_remote:
        return storage.absolute_uri(os.path.normpath(place.path / href))
    key = posixpath.normpath(posixpath.join("/", place.key, href)).lstrip("/")
    climbs = posixpath.normpath(posixpath.join(place.key or ".", href)).startswith("..")
    if climbs or not key:
        raise DataError(f"{document}: the link {href} leads out of the bucket {place.bucket}; correct it")
    return f"s3://{place.bucket}/{key}"


class KnownPlaces:
    """What listings say of documents and images, so that thousands take a few requests."""

    def __init__(self) -> None:
        self._below: dict[str, tuple[Callable[[str], bool], dict[str, StoredObject]]] = {}
        self._beside: dict[str, dict[str, StoredObject]] = {}
        self._asked: set[str] = set()

    def list_below(self, folder: str, is_wanted: Callable[[str], bool]) -> None:
        """List what lies below a folder at once: rasters, and what is wanted, both by their names.

        What has another name, which a link may lead to all the same, is asked for when it is.
        """

        def is_kept(uri: str) -> bool:
            return is_wanted(uri) or is_raster(uri)

        listed = storage.list_objects(folder)
        found = {entry.uri: entry for entry in listed if is_kept(entry.uri)}
        self._below[folder.rstrip("/") + "/"] = is_kept, found

    def stat(self, uri: str) -> StoredObject | None:
        """What is known of an object; None where there is none. A name in URL's code may stand for the plain one."""
        found = self._stat(uri)
        return self._stat(unquote(uri)) if found is None and "%" in uri else found

    def _stat(self, uri: str) -> StoredObject | None:
        for prefix, (is_kept, found) in self._below.items():
            if uri.startswith(prefix) and is_kept(uri):
                return found.get(uri)
        folder = storage.parent_of(uri)
        if not storage.is_remote(uri) or (folder not in self._asked and folder not in self._beside):
            self._asked.add(folder)
            return storage.stat(uri)
        if folder not in self._beside:
            listed = storage.list_objects(folder, recursive=False)
            self._beside[folder] = {entry.uri: entry for entry in listed if not entry.is_folder}
        return self._beside[folder].get(uri)
