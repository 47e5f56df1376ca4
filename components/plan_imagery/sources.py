"""The images below a prefix."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.core import storage
from components.core.catalogue.documents import check_assets, names_catalogue
from components.core.catalogue.images import images_of
from components.core.catalogue.walk import Catalogue, known_bytes, read_known
from components.core.collection.identity import scene_id, version_of
from components.core.errors import ConfigError
from components.core.hashing import as_text, is_text
from components.core.imagery.files import NOT_TEXT, RASTER_SUFFIXES, IgnoredFiles, IgnoredReason, is_raster
from components.core.imagery.sidecars import side_digests, with_side_files
from components.core.skip_budget import Skipped
from components.core.storage import StoredObject
from components.core.storage.local import broken_links

log = logging.getLogger(__name__)

CATALOGUE_NOTES = ("planning", "catalogue.parquet")
"""Where documents of a catalogue are kept in a collection; they can be deleted, and are read again."""


@dataclass(frozen=True, slots=True)
class SourceImage:
    """An image in a listing.

    Attributes:
        id: Of the scene.
        key: Relative to the imagery's prefix.
        uri: Of the image.
        etag: Of the image.
        size_bytes: Of the image.
        version: Of its content.
        sides: Files beside it that belong to it.
        area: What of it lies in the area of interest, as `components.core.vectors.area.AreaOnScene` has it; empty for
            all of it.
        captured: When it was, as a catalogue says; empty where none does.
        grid: What a catalogue says of its grid.
        bands: Rasters that are its bands, one each, where a catalogue names several; their first is the image.
    """

    id: str
    key: str
    uri: str
    etag: str
    size_bytes: int
    version: str
    sides: tuple[StoredObject, ...] = ()
    area: bytes = b""
    captured: str = ""
    grid: tuple[tuple[str, Any], ...] = ()
    bands: tuple[StoredObject, ...] = ()


def find_images(
    images_uri: str, output_uri: str, assets: Sequence[str] = (), notes: str = ""
) -> Iterator[SourceImage | Skipped]:
    """Stream all images below a prefix, in the order of their keys, or of a STAC catalogue by its items' ids.

    Names that begin with a dot, and all below them, are ignored; so are the collection's own outputs. What else is
    no image is said in the log, once, when the listing ends.

    Args:
        images_uri: The prefix, or the catalogue's first document, as `storage.absolute_uri` gives it.
        output_uri: Of the collection, in the same form; empty where it is not known.
        assets: Which assets of items are images; see `components.core.catalogue.images.images_of`.
        notes: Where a catalogue's documents are kept, so that they are not asked for again; empty for nowhere.

    Yields:
        Each image, or why nothing can be named after it.

    Raises:
        ConfigError: If the two are one place.
        DataError: If the catalogue cannot be used.
        StorageError: If the listing fails.
    """
    check_assets(images_uri, assets)
    if names_catalogue(images_uri):
        yield from _of_catalogue(images_uri, assets, notes)
        return
    own = _own_prefix(images_uri, output_uri) if output_uri else ""
    start = len(images_uri.rstrip("/")) + 1
    others = IgnoredFiles()
    for stored in with_side_files(_noted(storage.list_objects(images_uri), start, own, others)):
        key = stored.uri[start:]
        if _is_own(key, own):
            continue
        if not is_text(stored.uri):
            yield Skipped(as_text(key), f"{as_text(stored.uri)}: {NOT_TEXT}")
            continue
        version = version_of(stored.etag, stored.size_bytes, side_digests(stored))
        yield SourceImage(scene_id(key), key, stored.uri, stored.etag, stored.size_bytes, version, stored.sides)
    for link in broken_links(images_uri):
        if not _is_own(link[start:], own):
            others.add(link[start:], IgnoredReason.LINK)
    others.log(images_uri)


def _of_catalogue(uri: str, assets: Sequence[str], notes: str) -> Iterator[SourceImage | Skipped]:
    known = read_known(notes) if notes else {}
    catalogue = Catalogue(uri, known)
    for entry in images_of(catalogue, assets):
        if isinstance(entry, Skipped):
            yield entry
            continue
        image = entry.image
        further = [part for band in entry.bands[1:] for part in (band.uri, band.etag, str(band.size_bytes))]
        version = version_of(image.etag, image.size_bytes, further)
        yield SourceImage(
            scene_id(entry.id),
            entry.id,
            image.uri,
            image.etag,
            image.size_bytes,
            version,
            captured=entry.captured,
            grid=entry.grid,
            bands=entry.bands,
        )
    log.info("%s: %d documents, %d of them read anew", uri, len(catalogue.read), catalogue.fetched)
    if notes and (catalogue.fetched or catalogue.read.keys() != known.keys()):
        storage.write_bytes(notes, known_bytes(catalogue.read))


def _noted(listing: Iterator[StoredObject], start: int, own: str, others: IgnoredFiles) -> Iterator[StoredObject]:
    """A listing on its way; what is not an image in it is noted."""
    for stored in listing:
        key = stored.uri[start:]
        if not stored.is_folder and not is_raster(key) and not _is_own(key, own):
            others.add_file(key)
        yield stored


def _is_own(key: str, own: str) -> bool:
    """Whether a key is hidden, or an output of the collection."""
    return bool(own and key.startswith(own)) or any(part[:1] == "." for part in key.split("/"))


def no_images(images_uri: str) -> ConfigError:
    """What is wrong where there is none.

    Args:
        images_uri: The prefix, or the catalogue.
    """
    if names_catalogue(images_uri):
        return ConfigError(
            f"images_uri: no item in {images_uri} or in what its links lead to; check the URI. A run never empties a "
            "collection: delete it by hand if you mean to"
        )
    return ConfigError(
        f"images_uri: no image ({', '.join(sorted(RASTER_SUFFIXES))}) below {images_uri}; check the URI. "
        "A run never empties a collection: delete it by hand if you mean to"
    )


def _own_prefix(images_uri: str, output_uri: str) -> str:
    """What keys of the collection's outputs begin with; empty where they lie elsewhere."""
    images, output = (_real(uri).rstrip("/") + "/" for uri in (images_uri, output_uri))
    if images == output:
        raise ConfigError(f"output_uri: {output_uri} is images_uri, too; give a place of its own")
    return output.removeprefix(images) if output.startswith(images) else ""


def _real(uri: str) -> str:
    return uri if storage.is_remote(uri) else os.path.realpath(storage.parse_uri(uri).path)
