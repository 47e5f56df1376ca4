"""The STAC collection at the root: its extent, and links to what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pystac
from pystac import Asset, Collection, ItemAssetDefinition, Link, MediaType, SpatialExtent, Summaries, TemporalExtent

from components.core.collection.ledger import Mark
from components.core.collection.stac.parts import (
    CLASSIFICATION,
    COLLECTION_FILE,
    COLLECTION_ID,
    DIGEST_CHARACTERS,
    PROJECTION,
    RASTER,
    ROLES,
    MaskClass,
    asset_fields,
    item_place,
    model_place,
)
from components.core.collection.stac.periods import Period

MAX_ITEM_LINKS = 10_000
"""Of more items none is linked: readers would fetch a file of tens of megabytes to see one. They are found by name."""

EVERYWHERE = (-180.0, -90.0, 180.0, 90.0)

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Extent:
    """Where and when the scenes of a collection are.

    Attributes:
        bounds: West, south, east, north in WGS 84; None where there is no scene.
        period: Times of their items; None where there is no scene.
    """

    bounds: Bounds | None = None
    period: Period | None = None

    def __or__(self, other: Extent) -> Extent:
        return Extent(_union(self.bounds, other.bounds), _either(self.period, other.period))

    def as_stac(self) -> pystac.Extent:
        """STAC's form; the whole Earth at an unknown time where there is no scene, since it must say something."""
        times: list[datetime | None] = [self.period.start, self.period.end] if self.period else [None, None]
        return pystac.Extent(SpatialExtent([list(self.bounds or EVERYWHERE)]), TemporalExtent([times]))


def _either(first: Period | None, second: Period | None) -> Period | None:
    return first | second if first and second else first or second


def _union(first: Bounds | None, second: Bounds | None) -> Bounds | None:
    if first is None or second is None:
        return first or second
    if first[0] > first[2] or second[0] > second[2]:  # across the 180th meridian
        return (-180.0, min(first[1], second[1]), 180.0, max(first[3], second[3]))
    return (min(first[0], second[0]), min(first[1], second[1]), max(first[2], second[2]), max(first[3], second[3]))


def collection_json(
    marks: Iterable[Mark],
    extent: Extent,
    *,
    classes: Sequence[MaskClass],
    models: Iterable[str],
    title: str = "Building footprints",
    description: str = "Buildings detected in aerial imagery, as polygons and as masks.",
    license: str = "other",
    collection: str = COLLECTION_ID,
) -> dict[str, Any]:
    """Describe a collection.

    Args:
        marks: Of all its scenes, in any order.
        extent: Of all its scenes.
        classes: What the masks' values mean.
        models: Digests of the models that detected them; each has an item at `model_place`.
        title: For people.
        description: For people, in Markdown.
        license: SPDX identifier of the outputs' licence, or "other".
        collection: Id, as its items have it.

    Returns:
        The collection as JSON, to be written to `COLLECTION_FILE`.
    """
    ordered = sorted(marks)
    digests = sorted({model[:DIGEST_CHARACTERS] for model in models})
    linked = ordered if len(ordered) <= MAX_ITEM_LINKS else []
    if len(linked) < len(ordered):
        description += (
            f"\n\nIts {len(ordered)} items are not linked, since there are more than {MAX_ITEM_LINKS}: each lies at "
            "`scenes/<scene>/<version>.<detector>/item.json`, and `ledger/` has a file "
            "`<scene>.<version>.<detector>.json` for each."
        )
    result = Collection(
        id=collection,
        title=title,
        description=description,
        extent=extent.as_stac(),
        license=license,
        stac_extensions=[CLASSIFICATION, PROJECTION, RASTER],
        summaries=_summaries(ordered, digests),
        assets=_assets(),
    )
    result.item_assets = {role: ItemAssetDefinition(asset_fields(role, classes)) for role in ROLES}
    result.clear_links()
    result.add_link(Link("root", f"./{COLLECTION_FILE}", MediaType.JSON))
    result.add_links([Link("derived_from", f"./{model_place(model)}", MediaType.GEOJSON) for model in digests])
    result.add_links([Link("item", f"./{item_place(mark)}", MediaType.GEOJSON, mark.scene) for mark in linked])
    return result.to_dict(include_self_link=False, transform_hrefs=False)


def _summaries(marks: Sequence[Mark], models: Sequence[str]) -> Summaries:
    """What its items have in common; STAC allows no empty list."""
    found = {"footprints:model": list(models), "footprints:detector": sorted({mark.detector for mark in marks})}
    return Summaries({name: values for name, values in found.items() if values}, maxcount=MAX_ITEM_LINKS)


def _assets() -> dict[str, Asset]:
    return {
        "footprints": Asset(
            "./layer/",
            "Footprints of all scenes",
            "GeoParquet, one file per scene; buildings that several scenes show are there once.",
            MediaType.VND_APACHE_PARQUET,
            ["data"],
        ),
        "layer": Asset("./layer.json", "Which files the layer has", media_type=MediaType.JSON, roles=["metadata"]),
    }
