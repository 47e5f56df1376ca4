"""The STAC item of a scene: where and when it is, what was found in it, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from affine import Affine
from pystac import Asset, Item, Link, MediaType
from pystac.utils import datetime_to_str

from components.core import storage
from components.core.collection.ledger import Mark, SceneRecord
from components.core.collection.stac.parts import (
    CLASSIFICATION,
    COLLECTION_ID,
    DIGEST_CHARACTERS,
    PROCESSING,
    PROJECTION,
    RASTER,
    ROLES,
    VERSION,
    MaskClass,
    asset_fields,
    links_to_collection,
    model_place,
)
from components.core.collection.stac.periods import Period
from components.core.footprints.geography import WGS84, PixelGrid, crs_of, reprojected
from components.core.geometry import Size

UP = "../../../"
"""From the item's folder to the collection's."""

DECIMALS = 8
"""Of degrees: about a millimetre."""

_IMAGE_TYPES = {
    ".tif": MediaType.GEOTIFF,
    ".tiff": MediaType.GEOTIFF,
    ".png": MediaType.PNG,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".jp2": MediaType.JPEG2000,
}


def scene_item(
    mark: Mark,
    record: SceneRecord,
    *,
    transform: Affine,
    classes: Sequence[MaskClass],
    detected: datetime,
    software: Mapping[str, str] | None = None,
    collection: str = COLLECTION_ID,
) -> dict[str, Any]:
    """Describe a scene that is done.

    The item is named by the scene, so that a scene that is detected again is the same item in another version.

    STAC wants a time of every item. Where the image does not say when it was captured, it is the time of detection:
    the only one that is known of the outputs. `footprints:datetime_of` says which it is.

    Args:
        mark: Of the scene.
        record: What is known of it; of its files, those of `ROLES` become assets.
        transform: From (column, row) of the image to its map coordinates.
        classes: What the mask's values mean.
        detected: When, with its time zone; the start of the run does.
        software: Versions of what detected it, by name.
        collection: Id of the collection.

    Returns:
        The item as JSON, to be written to `item_place(mark)`.

    Raises:
        DataError: If the image's corners have no place on Earth.
    """
    period = Period.of_captured(record.captured)
    item = Item(
        id=mark.scene,
        geometry=_footprint(record, transform),
        bbox=[round(side, DECIMALS) for side in record.bounds],
        **(period or Period.instant(detected)).as_arguments(),
        properties=_properties(mark, record, transform, detected, "detection" if period is None else "capture"),
        stac_extensions=[CLASSIFICATION, PROCESSING, PROJECTION, RASTER, VERSION],
        collection=collection,
        assets=_assets(record, transform, classes),
    )
    if software:
        item.properties["processing:software"] = dict(software)
    image_type = _IMAGE_TYPES.get(storage.suffix_of(record.uri).lower())
    item.add_links(links_to_collection(UP))
    item.add_link(Link("via", storage.absolute_uri(record.uri), image_type, "The image"))
    item.add_link(Link("derived_from", UP + model_place(record.model), MediaType.GEOJSON, "The model"))
    return item.to_dict(include_self_link=False, transform_hrefs=False)


def _properties(mark: Mark, record: SceneRecord, transform: Affine, detected: datetime, known: str) -> dict[str, Any]:
    return {
        "title": record.key,
        "version": f"{mark.version}.{mark.detector}",
        "gsd": round(PixelGrid(record.crs, transform).pixel_m(Size(record.height, record.width)), 4),
        "processing:lineage": f"Detected in {record.key} with the model {record.model}.",
        "processing:datetime": datetime_to_str(detected.astimezone(UTC)),
        "footprints:datetime_of": known,
        "footprints:model": record.model[:DIGEST_CHARACTERS],
        "footprints:detector": mark.detector,
        "footprints:count": record.footprints,
        "footprints:area_m2": record.area_m2,
    }


def _assets(record: SceneRecord, transform: Affine, classes: Sequence[MaskClass]) -> dict[str, Asset]:
    on_grid = _projection(record, transform)
    assets = {}
    for role in ROLES:
        if role in record.files:
            fields = asset_fields(role, classes) | (on_grid if "proj:code" not in asset_fields(role, classes) else {})
            assets[role] = Asset.from_dict(fields | {"href": f"./{record.files[role]}"})
    return assets


def _projection(record: SceneRecord, transform: Affine) -> dict[str, Any]:
    """The grid of the image, which its rasters share."""
    code = record.crs if record.crs.startswith("EPSG:") else None
    wkt = {} if code else {"proj:wkt2": crs_of(record.crs).to_wkt()}
    return wkt | {
        "proj:code": code,
        "proj:shape": [record.height, record.width],
        "proj:transform": [float(value) for value in tuple(transform)[:6]],
    }


def _footprint(record: SceneRecord, transform: Affine) -> dict[str, Any]:
    """GeoJSON of the image's corners."""
    corners = np.array([shapely.box(0, 0, record.width, record.height)], dtype=object)
    placed = reprojected(PixelGrid(record.crs, transform).to_map(corners), record.crs, WGS84)
    rounded = shapely.transform(placed, lambda points: np.round(points, DECIMALS))
    result: dict[str, Any] = shapely.geometry.mapping(rounded[0])
    return result
