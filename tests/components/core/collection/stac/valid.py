"""Checks that what is written is what STAC asks for; the schemas of STAC's core lie in pystac, without a network."""

from __future__ import annotations

import json
from typing import Any

import pystac
import stac_pydantic
from pystac.validation import JsonSchemaSTACValidator

from components.core.collection.stac import document_bytes


def check(document: dict[str, Any]) -> None:
    """Refuse what is not STAC 1.1."""
    written = json.loads(document_bytes(document))
    assert written == json.loads(json.dumps(document))
    kind = pystac.STACObjectType.ITEM if written["type"] == "Feature" else pystac.STACObjectType.COLLECTION
    JsonSchemaSTACValidator().validate_core(written, kind, "1.1.0")
    (stac_pydantic.Item if written["type"] == "Feature" else stac_pydantic.Collection).model_validate(written)


def links(document: dict[str, Any], rel: str) -> list[str]:
    """Where links of one kind lead."""
    return [link["href"] for link in document["links"] if link["rel"] == rel]
