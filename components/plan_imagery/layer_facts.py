"""What a collection's layer of footprints says of itself, as far as planning asks."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from components.core import storage
from components.core.catalogue.documents import names_catalogue
from components.core.collection.ledger import Collection
from components.core.errors import ConfigError
from components.core.json_text import parse_json


@dataclass(frozen=True, slots=True)
class Shown:
    """The layer as it is; nothing where there is none, or its description is broken, which publishing fixes.

    Attributes:
        images_uri: Prefix of the imagery that it was made from; empty where it is not known.
        stems: Of the marks whose footprints it shows.
    """

    images_uri: str = ""
    stems: Container[str] = frozenset()


def read_shown(collection: Collection) -> Shown:
    """Read `layer.json`.

    Raises:
        StorageError: If it cannot be read.
    """
    place = collection.place("layer.json")
    if not storage.exists(place):
        return Shown()
    try:
        content = parse_json(storage.read_bytes(place), object_hook=_mark_alone)
        return Shown(str(content["images_uri"]), frozenset(content.get("partitions", ())))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Shown()


def _mark_alone(entry: dict[str, Any]) -> Any:
    """Of a partition's entry its mark, so that no more of many partitions is held in memory."""
    return entry.get("mark", entry)


def check_same_imagery(collection: Collection, shown: Shown, images_uri: str) -> None:
    """See that a collection was made from these images and no others, whose scenes would all be retired.

    The layer says it; where a first run was killed before there was one, any marker does.

    Args:
        collection: It.
        shown: What its layer says.
        images_uri: Prefix of the images, as `storage.absolute_uri` gives it.

    Raises:
        ConfigError: If it was made from others.
        DataError: If a marker that should say it is broken.
        StorageError: If it cannot be read.
    """
    made_from = shown.images_uri or _imagery_of_markers(collection, images_uri)
    if made_from and storage.absolute_uri(made_from) != images_uri:
        raise ConfigError(
            f"images_uri: {images_uri} is not {storage.absolute_uri(made_from)}, from which the collection at "
            f"{collection.output_uri} was made; give that one, or another output_uri"
        )


def _imagery_of_markers(collection: Collection, images_uri: str) -> str:
    mark = next(collection.marks(), None)
    if mark is None:
        return ""
    record = collection.read(mark)
    if names_catalogue(images_uri):
        return ""  # an image's key is its item's id, and no part of where it lies
    return record.uri.removesuffix(record.key) if record.uri.endswith(record.key) else ""
