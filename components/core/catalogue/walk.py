"""The items of a catalogue, found by following its links; documents that are known are not asked for again."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from components.core import storage
from components.core.catalogue.documents import Document, StacItem, names_catalogue, parse_document
from components.core.catalogue.places import KnownPlaces, Links
from components.core.errors import DataError
from components.core.parquet_notes import notes_bytes, read_notes
from components.core.skip_budget import Skipped
from components.core.storage import StoredObject

THREADS = 16

MOST_BYTES = 1 << 28
"""Of a document, which is held in memory as a whole."""

Known = Mapping[str, tuple[str, Document]]
"""Documents by URI, with the version that they were read in."""

_SCHEMA = pa.schema([(name, pa.string()) for name in ("uri", "version", "content")])


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An item, and the document that holds it."""

    document: str
    item: StacItem


class Catalogue:
    """A static catalogue.

    Attributes:
        uri: Of its first document.
        places: What is known of what lies where.
        links: Resolves links, once the first document is read.
        read: Documents that were read or known, for whoever keeps them.
    """

    def __init__(self, uri: str, known: Known | None = None) -> None:
        """Begin with nothing read.

        Args:
            uri: An Item, ItemCollection, Catalog or Collection, as `storage.absolute_uri` gives it.
            known: Documents that need not be asked for as long as their version is the same.
        """
        self.uri = uri
        self.places = KnownPlaces()
        self.links = Links(uri)
        self.read: dict[str, tuple[str, Document]] = {}
        self._known = known or {}

    @property
    def fetched(self) -> int:
        """How many of the documents in `read` had to be asked for."""
        return sum(not self._is_known(uri, version) for uri, (version, _) in self.read.items())

    def _is_known(self, uri: str, version: str) -> bool:
        return uri in self._known and self._known[uri][0] == version

    def first(self) -> Document:
        """The document that it begins with.

        Raises:
            DataError: If there is none, or it is no STAC document.
            StorageError: If it cannot be read.
        """
        stored = storage.stat(self.uri)
        if stored is None:
            raise DataError(f"{self.uri}: there is no such document; check the path or URI")
        document = self._document(stored)
        self.links = Links(self.uri, document.own_href)
        return document

    def items(self) -> Iterator[FoundItem | Skipped]:
        """All items, level by level in the order of the links.

        An item's document that is missing or broken is skipped; where one that leads to more is, all of the catalogue
        is in doubt.

        Raises:
            DataError: If a catalogue is missing or broken, or links lead in a circle.
            StorageError: If a document cannot be read.
        """
        first = self.first()
        if first.links:
            self.places.list_below(storage.parent_of(self.uri), names_catalogue)
        level = [(self.uri, first)]
        above: dict[str, str] = {self.uri: ""}
        while level:
            yield from (FoundItem(uri, item) for uri, document in level for item in document.items())
            level = yield from self._next(level, above)

    def _next(
        self, level: list[tuple[str, Document]], above: dict[str, str]
    ) -> Generator[Skipped, None, list[tuple[str, Document]]]:
        """Read what the documents of a level link to; gives the next level."""
        wanted: list[tuple[str, str, StoredObject]] = []
        for uri, document in level:
            for relation, href in document.links:
                try:
                    place = self.links.resolve(href, uri)
                    stored = self._stored(place, uri, above)
                except DataError as error:
                    if relation != "item":
                        raise
                    yield Skipped(href, str(error))
                    continue
                if stored is not None:
                    above[stored.uri] = uri
                    wanted.append((relation, stored.uri, stored))
        following: list[tuple[str, Document]] = []
        with ThreadPoolExecutor(THREADS, "catalogue") as pool:
            for (relation, place, _), result in zip(wanted, pool.map(self._read, wanted), strict=True):
                if isinstance(result, Document):
                    following.append((place, result))
                elif relation != "item":
                    raise result
                else:
                    yield Skipped(storage.name_of(place), str(result))
        return following

    def _stored(self, place: str, document: str, above: Mapping[str, str]) -> StoredObject | None:
        """What lies at a link; None where it was found before, by another way.

        Raises:
            DataError: If there is nothing, or it is a document above.
        """
        stored = self.places.stat(place)
        if stored is None:
            raise DataError(f"{document}: links to {place}, and there is no such document; mend the catalogue")
        if stored.uri not in above:
            return stored
        over = document
        while over:
            if over == stored.uri:
                raise DataError(f"{document}: links back to {stored.uri}, which leads to it; remove one of the links")
            over = above[over]
        return None

    def _read(self, wanted: tuple[str, str, StoredObject]) -> Document | DataError:
        try:
            return self._document(wanted[2])
        except DataError as error:
            return error

    def _document(self, stored: StoredObject) -> Document:
        version = f"{stored.etag}-{stored.size_bytes}"
        if self._is_known(stored.uri, version):
            document = self._known[stored.uri][1]
        else:
            if stored.size_bytes > MOST_BYTES:
                raise DataError(f"{stored.uri}: has {stored.size_bytes} bytes, more than {MOST_BYTES}; split it")
            document = parse_document(storage.read_bytes(stored.uri), stored.uri)
        self.read[stored.uri] = (version, document)
        return document


def known_bytes(known: Known) -> bytes:
    """Documents as a file, to be kept."""
    rows = [
        {"uri": uri, "version": version, "content": json.dumps(document.content, ensure_ascii=False)}
        for uri, (version, document) in sorted(known.items())
    ]
    return notes_bytes(rows, _SCHEMA)


def read_known(place: str) -> dict[str, tuple[str, Document]]:
    """Documents that were kept; none where the file is missing or broken, as they can be asked for again.

    Raises:
        StorageError: If it cannot be read.
    """
    notes = read_notes(place)
    try:
        return {row["uri"]: (row["version"], Document(json.loads(row["content"]))) for row in notes.rows}
    except (ValueError, KeyError, TypeError):
        return {}
