"""What items and collections have in common: places, classes, assets and links."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pystac import Link, MediaType

from components.core.collection.ledger import Mark

COLLECTION_ID = "building-footprints"

COLLECTION_FILE = "collection.json"

DIGEST_CHARACTERS = 12
"""How much of a model's digest names it; as in the layer's column `model`."""

_EXTENSIONS = "https://stac-extensions.github.io"
CLASSIFICATION = f"{_EXTENSIONS}/classification/v2.0.0/schema.json"
FILE = f"{_EXTENSIONS}/file/v2.1.0/schema.json"
MLM = f"{_EXTENSIONS}/mlm/v1.5.1/schema.json"
PROCESSING = f"{_EXTENSIONS}/processing/v1.2.0/schema.json"
PROJECTION = f"{_EXTENSIONS}/projection/v2.0.0/schema.json"
RASTER = f"{_EXTENSIONS}/raster/v2.0.0/schema.json"
VERSION = f"{_EXTENSIONS}/version/v1.2.0/schema.json"

_NOT_OF_A_NAME = re.compile(r"[^0-9A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class MaskClass:
    """What a value of the mask means.

    Attributes:
        value: Of the mask's pixels.
        title: Of the class.
        color: "#rrggbb".
    """

    value: int
    title: str
    color: str

    def as_json(self) -> dict[str, Any]:
        """An entry of `classification:classes`; its name may hold few characters, its description all."""
        return {
            "value": self.value,
            "name": _NOT_OF_A_NAME.sub("_", self.title) or "_",
            "description": self.title,
            "color_hint": self.color.removeprefix("#").upper(),
        }

    @classmethod
    def of_json(cls, entry: Mapping[str, Any]) -> MaskClass:
        """What `as_json` gave.

        Raises:
            KeyError: If something is missing.
        """
        return cls(entry["value"], entry["description"], f"#{entry['color_hint'].lower()}")


def item_place(mark: Mark) -> str:
    """Where a scene's item lies in its collection."""
    return f"scenes/{mark.scene}/{mark.version}.{mark.detector}/item.json"


def model_place(digest: str) -> str:
    """Where the item of a model lies in a collection."""
    return f"model/{digest[:DIGEST_CHARACTERS]}.json"


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """A document as a file: the same document gives the same bytes."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def links_to_collection(up: str) -> list[Link]:
    """Links of an item that lies below its collection.

    Args:
        up: The way to the collection's folder, such as "../../../".
    """
    return [Link(rel, f"{up}{COLLECTION_FILE}", MediaType.JSON) for rel in ("root", "parent", "collection")]


def asset_fields(role: str, classes: Sequence[MaskClass]) -> dict[str, Any]:
    """Description of an output of any scene.

    Args:
        role: Of `ROLES`.
        classes: What the mask's values mean.
    """
    fields = dict(_FIELDS[role])
    if role == "mask":
        fields["classification:classes"] = [known.as_json() for known in classes]
    return fields


_FIELDS: dict[str, dict[str, Any]] = {
    "mask": {
        "title": "Mask",
        "description": "The class of each pixel of the image.",
        "type": MediaType.COG,
        "roles": ["data", "classification"],
        "data_type": "uint8",
        "raster:sampling": "area",
    },
    "confidence": {
        "title": "Confidence",
        "description": "The probability of each pixel's class in the mask, times 255.",
        "type": MediaType.COG,
        "roles": ["data", "confidence"],
        "data_type": "uint8",
        "raster:sampling": "area",
        "raster:scale": 1 / 255,
        "raster:offset": 0,
    },
    "probability": {
        "title": "Probability",
        "description": "What the model says of the second of two classes, or of each of more classes in a band of its "
        "own: above (value - 1) / 254 and at most value / 254.",
        "type": MediaType.COG,
        "roles": ["data", "probability"],
        "data_type": "uint8",
        "raster:sampling": "area",
        "raster:scale": 1 / 254,
        "raster:offset": -0.5 / 254,
    },
    "coverage": {
        "title": "Coverage",
        "description": "The ground that was looked at: the image less what holds no data or was not inferred.",
        "type": MediaType.VND_APACHE_PARQUET,
        "roles": ["metadata"],
        "proj:code": "OGC:CRS84",
    },
    "footprints": {
        "title": "Footprints",
        "description": "The scene's buildings as polygons, before those that other scenes show too are taken out.",
        "type": MediaType.VND_APACHE_PARQUET,
        "roles": ["data"],
        "proj:code": "OGC:CRS84",
    },
}

ROLES = tuple(_FIELDS)
"""The outputs of a scene that are assets of its item."""
