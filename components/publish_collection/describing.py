"""What a collection says of itself in STAC: the model that detected it, and all its scenes together."""

from __future__ import annotations

import json
import os
from functools import reduce
from importlib.metadata import PackageNotFoundError, version
from operator import or_

from components.core import storage
from components.core.collection.ledger import Collection
from components.core.collection.plan import Plan
from components.core.errors import DataError
from components.core.models import CONFIG_FILE, local_model
from components.publish_collection.layer.index import Layer, mark_of
from components.publish_collection.stac import (
    COLLECTION_FILE,
    Extent,
    MaskClass,
    Period,
    collection_json,
    document_bytes,
    model_item,
    model_place,
)

PACKAGE = "footprints-pipeline"
VERSION_VARIABLE = "FOOTPRINTS_VERSION"
MODEL_FOLDER = "model"


def software() -> dict[str, str]:
    """What detects, and in which version: as installed, or as the image says."""
    try:
        return {PACKAGE: version(PACKAGE)}
    except PackageNotFoundError:
        return {PACKAGE: os.environ.get(VERSION_VARIABLE, "unknown")}


def describe_model(collection: Collection, plan: Plan) -> tuple[MaskClass, ...]:
    """Put the item of the plan's model into the collection, unless it is there.

    Returns:
        What the values of its masks mean.

    Raises:
        DataError: If the model cannot be read.
        StorageError: If it cannot be fetched, or its item cannot be written.
    """
    place = collection.place(model_place(plan.model))
    if not storage.exists(place):
        with local_model(plan.model_uri) as folder:
            storage.write_bytes(place, document_bytes(model_item(folder, plan.model_uri, plan.model)))
    config = storage.join_uri(plan.model_uri, CONFIG_FILE)
    try:
        entries = json.loads(storage.read_bytes(config))["classes"]
        return tuple(MaskClass(value, entry["title"], entry["color"]) for value, entry in enumerate(entries))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{config}: is no config of a model ({error}); give what train_unet wrote") from error


def describe_collection(collection: Collection, layer: Layer, classes: tuple[MaskClass, ...]) -> None:
    """Write `collection.json`: what scenes there are, where and, where all of them say so, when.

    Raises:
        StorageError: If it cannot be written.
    """
    models = [storage.stem_of(found.uri) for found in storage.list_objects(collection.place(MODEL_FOLDER))]
    periods = [Period.of_captured(part.captured) for part in layer.parts]
    known = [period for period in periods if period is not None]
    extent = Extent(
        reduce(or_, (Extent(part.bounds) for part in layer.parts), Extent()).bounds,
        reduce(or_, known) if known and len(known) == len(periods) else None,
    )
    document = collection_json(
        [mark_of(part.mark) for part in layer.parts],
        extent,
        classes=classes,
        models=models,
    )
    storage.write_bytes(collection.place(COLLECTION_FILE), document_bytes(document))
