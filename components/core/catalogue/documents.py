"""One STAC document, reduced to what finding images takes.

Source: STAC 1.1.0, and its extensions eo, projection and alternate-assets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.core.errors import ConfigError, DataError
from components.core.imagery.files import RASTER_SUFFIXES
from components.core.json_text import parse_json

SUFFIXES = (".json", ".geojson")
"""Of the names of documents, in small letters."""

FOLLOWED = ("child", "item", "items")
"""Relations of links that lead to more of a catalogue."""

_VERSION = re.compile(r"(\d+)\.(\d+)(\.\d+.*)?")

_GRID = ("proj:code", "proj:epsg", "proj:shape", "proj:transform")

NO_ROLES = frozenset({"thumbnail", "overview", "metadata"})
"""Of assets that are not imagery, though they may be rasters."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A raster of an item.

    Attributes:
        key: Its name in the item.
        hrefs: Where it lies, as links: what the item says first, and alternates.
        roles: Of it.
        bands: Names of its bands in order, each with its common name; none where the item does not say.
        grid: What the item says of its grid, by the names of the projection extension.
    """

    key: str
    hrefs: tuple[str, ...]
    roles: tuple[str, ...] = ()
    bands: tuple[tuple[str, ...], ...] = ()
    grid: tuple[tuple[str, Any], ...] = ()

    @property
    def is_imagery(self) -> bool:
        """Whether its roles do not speak against it."""
        return not NO_ROLES & set(self.roles)


@dataclass(frozen=True, slots=True)
class StacItem:
    """An item.

    Attributes:
        id: Of it.
        captured: Its time in ISO 8601, the start of an interval; empty where it has none.
        assets: Its rasters.
        via: Links to images that it was made of.
    """

    id: str
    captured: str
    assets: tuple[Asset, ...]
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document.

    Attributes:
        content: The reduced form, of plain values: `items`, `links` (relation and href) and `self`.
    """

    content: Mapping[str, Any]

    @property
    def links(self) -> list[tuple[str, str]]:
        """Relation and href of the links to follow."""
        return [(rel, href) for rel, href in self.content["links"]]

    @property
    def own_href(self) -> str:
        """Where it says that it lies; empty where it does not."""
        return str(self.content["self"])

    def items(self) -> Iterator[StacItem]:
        """The items in it."""
        for entry in self.content["items"]:
            yield StacItem(
                entry["id"],
                entry["captured"],
                tuple(
                    Asset(
                        asset["key"],
                        tuple(asset["hrefs"]),
                        tuple(asset["roles"]),
                        tuple(map(tuple, asset["bands"])),
                        tuple(sorted(asset["grid"].items())),
                    )
                    for asset in entry["assets"]
                ),
                tuple(entry["via"]),
            )


def names_catalogue(uri: str) -> bool:
    """Whether a place is a STAC document by its name, and not a folder of images."""
    return uri.lower().endswith(SUFFIXES)


def check_assets(uri: str, assets: Sequence[str]) -> None:
    """See that assets are chosen of a catalogue alone.

    Raises:
        ConfigError: If they are not.
    """
    if assets and not names_catalogue(uri):
        raise ConfigError(
            f"assets: {', '.join(assets)}: are of items of a STAC catalogue, and {uri} is a folder of images by its "
            "name; give the catalogue's document, or no asset"
        )


def parse_document(data: bytes, uri: str) -> Document:
    """Read a document.

    Args:
        data: Its content.
        uri: Where it lies, for messages.

    Raises:
        DataError: If it is no STAC document of version 1.0 or later.
    """
    try:
        whole = parse_json(data)
    except ValueError as error:
        raise DataError(f"{uri}: is not JSON ({error}); give a STAC document, or the folder of the images") from error
    kind = whole.get("type") if isinstance(whole, dict) else None
    if kind not in ("Feature", "FeatureCollection", "Catalog", "Collection"):
        old = isinstance(whole, dict) and "stac_version" in whole
        _check_version(whole.get("stac_version") if old else None, uri)
        raise _no_stac(uri, f"its type is {kind!r}")
    try:
        features = whole["features"] if kind == "FeatureCollection" else [whole] if kind == "Feature" else []
        versions = [entry.get("stac_version") for entry in (features if kind == "FeatureCollection" else [whole])]
        for version in versions:
            _check_version(version, uri)
        content = {
            "items": [_reduced(entry) for entry in features],
            "links": [] if kind == "Feature" else _links(whole, FOLLOWED),
            "self": next((href for _, href in _links(whole, ("self",))), ""),
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _no_stac(uri, f"{type(error).__name__}: {error}") from error
    return Document(content)


def _no_stac(uri: str, what: str) -> DataError:
    return DataError(
        f"{uri}: is JSON, but no STAC document ({what}); give an Item, ItemCollection, Catalog or Collection, or the "
        "folder of the images"
    )


def _check_version(version: object, uri: str) -> None:
    found = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if found is None:
        raise _no_stac(uri, f"its stac_version is {version!r}")
    if int(found[1]) < 1:
        raise DataError(f"{uri}: its stac_version {version} is older than 1.0; migrate it, as pystac's migrate does")


def _links(document: Mapping[str, Any], relations: Sequence[str]) -> list[tuple[str, str]]:
    found = document.get("links") or []
    return [(str(link["rel"]), str(link["href"])) for link in found if link.get("rel") in relations]


def _reduced(item: Mapping[str, Any]) -> dict[str, Any]:
    properties = item.get("properties") or {}
    assets = item.get("assets") or {}
    via = [
        str(link["href"])
        for link in item.get("links") or []
        if link.get("rel") == "via" and _is_raster(str(link["href"]), link.get("type"))
    ]
    if not isinstance(item["id"], str) or not item["id"]:
        raise ValueError(f"the id {item['id']!r} is no text")
    return {
        "id": item["id"],
        "captured": _captured(properties),
        "assets": [
            _reduced_asset(str(key), asset, properties)
            for key, asset in assets.items()
            if _is_raster(str(asset["href"]), asset.get("type"))
        ],
        "via": via,
    }


def _captured(properties: Mapping[str, Any]) -> str:
    """An item's time; of an interval its start, or the day that it is."""
    if properties.get("footprints:datetime_of") == "detection":
        return ""  # this project's own item of an image that says no time
    start, end = str(properties.get("start_datetime") or ""), str(properties.get("end_datetime") or "")
    if properties.get("datetime"):
        return str(properties["datetime"])
    is_day = start[:10] == end[:10] and start[10:] == "T00:00:00Z" and end[10:] == "T23:59:59Z"
    return start[:10] if is_day else start


def _is_raster(href: str, media_type: object) -> bool:
    """Whether it is a TIFF, PNG or JPEG by its name, or where that does not say by its type."""
    name = href.partition("?")[0].rpartition("/")[2].lower()
    if "." in name:
        return name.endswith(RASTER_SUFFIXES)
    return isinstance(media_type, str) and media_type.startswith(("image/tiff", "image/png", "image/jpeg"))


def _reduced_asset(key: str, asset: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    alternates = (asset.get("alternate") or {}).values()
    bands = asset.get("bands") or asset.get("eo:bands") or []
    return {
        "key": key,
        "hrefs": [str(asset["href"]), *(str(other["href"]) for other in alternates if other.get("href"))],
        "roles": [str(role) for role in asset.get("roles") or []],
        "bands": [_names_of_band(band) for band in bands],
        "grid": {name: value for name in _GRID if (value := asset.get(name, properties.get(name))) is not None},
    }


def _names_of_band(band: Mapping[str, Any]) -> list[str]:
    names = (band.get("eo:common_name"), band.get("common_name"), band.get("name"))
    return [str(name) for name in dict.fromkeys(names) if name]
