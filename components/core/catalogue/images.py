"""The image of an item: one of its assets, or several as its bands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from components.core.catalogue.documents import Asset, StacItem
from components.core.catalogue.walk import Catalogue, FoundItem
from components.core.errors import DataError
from components.core.hashing import is_text
from components.core.listing import first_names
from components.core.skip_budget import Skipped
from components.core.storage import StoredObject

OPTION = "assets"
"""What names assets, for messages."""


@dataclass(frozen=True, slots=True)
class CatalogueImage:
    """The image of an item.

    Attributes:
        id: Of the item.
        image: The raster; of several, that of the first band.
        captured: Time of the item in ISO 8601; empty where it has none.
        grid: What the item says of the raster's grid.
        bands: The rasters of several assets, a band each, in order; none where one raster has all.
    """

    id: str
    image: StoredObject
    captured: str = ""
    grid: tuple[tuple[str, Any], ...] = ()
    bands: tuple[StoredObject, ...] = ()


def images_of(catalogue: Catalogue, assets: Sequence[str]) -> Iterator[CatalogueImage | Skipped]:
    """The images of a catalogue's items, by their ids.

    Args:
        catalogue: It.
        assets: Names or roles; several for one band each.

    Yields:
        Each image, or why an item has none, sorted by id.

    Raises:
        DataError: If the catalogue cannot be used.
        StorageError: If it cannot be read.
    """
    found: list[FoundItem] = []
    for entry in catalogue.items():
        if isinstance(entry, Skipped):
            yield entry
        else:
            found.append(entry)
    found.sort(key=lambda entry: (entry.item.id, entry.document))
    before: FoundItem | None = None
    for entry in found:
        identifier = entry.item.id
        if before is not None and before.item.id == identifier:
            reason = f"{entry.document}: its id {identifier!r} is also that of {before.document}; ids name images"
            yield Skipped(f"{identifier} in {entry.document}", f"{reason}: give each item its own")
            continue
        before = entry
        try:
            yield _image_of(catalogue, entry, assets)
        except DataError as error:
            yield Skipped(identifier, str(error))


def _image_of(catalogue: Catalogue, entry: FoundItem, assets: Sequence[str]) -> CatalogueImage:
    item, document = entry.item, entry.document
    if "/" in item.id or item.id.startswith(".") or not is_text(item.id):
        raise DataError(f"{document}: the id {item.id!r} cannot name an image; use letters, digits, '_', '-' and '.'")
    if not assets and item.via:
        return CatalogueImage(item.id, _at(catalogue, document, (item.via[0],)), item.captured)
    chosen = chosen_assets(item, assets, document)
    stored = tuple(_at(catalogue, document, asset.hrefs) for asset in chosen)
    bands = stored if len(stored) > 1 else ()
    return CatalogueImage(item.id, stored[0], item.captured, chosen[0].grid, bands)


def chosen_assets(item: StacItem, names: Sequence[str], document: str) -> list[Asset]:
    """The assets of an item that are its image.

    Args:
        item: The item.
        names: Names or roles; several for one band each, which may be called by a band's name or common name, too.
            None for its one raster, or the one of them that has the role "data".
        document: Where the item stands, for messages.

    Raises:
        DataError: If none or several match.
    """
    there = [asset for asset in item.assets if asset.is_imagery]
    listed = ", ".join(repr(asset.key) for asset in item.assets) or "none"
    if not names:
        data = [asset for asset in there if "data" in asset.roles]
        found = data if len(data) == 1 else there
        if len(found) == 1:
            return found
        if not found:
            raise DataError(f"{document}: item {item.id!r} has no raster asset (TIFF, PNG or JPEG) that is imagery")
        raise DataError(
            f"{document}: item {item.id!r} has {len(found)} raster assets ({listed}); name one, or one for each band, "
            f"with {OPTION} (--asset)"
        )
    chosen = [_named(item, name, len(names) > 1, document, listed) for name in names]
    if len({asset.key for asset in chosen}) < len(chosen):
        raise DataError(
            f"{document}: item {item.id!r}: {first_names(list(names))} are not assets of their own but bands of one; "
            f"name that asset once with {OPTION} (--asset), and its bands with bands"
        )
    return chosen


def _named(item: StacItem, name: str, is_band: bool, document: str, listed: str) -> Asset:
    ways = [
        [asset for asset in item.assets if asset.key == name],
        [asset for asset in item.assets if is_band and any(name in band for band in asset.bands)],
        [asset for asset in item.assets if name in asset.roles],
    ]
    found = next((way for way in ways if way), [])
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(f"{document}: item {item.id!r} has no raster asset {name!r}; its raster assets are {listed}")
    several = ", ".join(repr(asset.key) for asset in found)
    raise DataError(
        f"{document}: item {item.id!r}: {name!r} means {len(found)} assets ({several}); name one by its key"
    )


def _at(catalogue: Catalogue, document: str, hrefs: Sequence[str]) -> StoredObject:
    """What lies at the first of some links that can be followed."""
    failed: DataError | None = None
    for href in hrefs:
        try:
            place = catalogue.links.resolve(href, document)
            stored = catalogue.places.stat(place)
        except DataError as error:
            failed = failed or error
            continue
        if stored is not None:
            return stored
        failed = failed or DataError(f"{document}: links to {place}, and there is no such file; mend the catalogue")
    assert failed is not None  # an asset has a link
    raise failed
