"""Static STAC catalogues, written by pystac."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac

from components.core import storage

BOX = [14.9, 47.8, 15.0, 47.9]


def item(
    identifier: str,
    assets: Mapping[str, Any],
    *,
    when: datetime | None = datetime(2026, 11, 22, 10, tzinfo=UTC),
    **fields: Any,
) -> pystac.Item:
    """An item whose assets are hrefs, or dictionaries of STAC's fields."""
    west, south, east, north = BOX
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    made = pystac.Item(
        id=identifier,
        geometry={"type": "Polygon", "coordinates": [ring]},
        bbox=fields.pop("bbox", BOX),
        datetime=when,
        properties=fields,
    )
    for key, asset in assets.items():
        made.add_asset(key, pystac.Asset.from_dict({"href": asset} if isinstance(asset, str) else dict(asset)))
    return made


def as_json(made: pystac.Item, **changes: Any) -> dict[str, Any]:
    return {**made.to_dict(include_self_link=False, transform_hrefs=False), "links": [], **changes}


def put(place: str, document: Any) -> str:
    """Write a document."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    storage.write_bytes(place, content)
    return place


def put_catalogue(root: str, *items: dict[str, Any], links: tuple[dict[str, str], ...] = (), **changes: Any) -> str:
    """A catalogue with items below it, linked by relative links; gives its place."""
    own = [{"rel": "item", "href": f"./items/{entry['id']}.json"} for entry in items]
    for entry in items:
        put(storage.join_uri(root, "items", f"{entry['id']}.json"), entry)
    document = {"type": "Catalog", "stac_version": "1.1.0", "id": "c", "description": "c", "links": [*own, *links]}
    return put(storage.join_uri(root, "catalog.json"), {**document, **changes})


def touch(place: str, content: bytes = b"raster") -> str:
    storage.write_bytes(place, content)
    return place


def local(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
