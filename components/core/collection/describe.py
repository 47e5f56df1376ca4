"""What a collection says of itself in STAC: the model that detected it, and all its scenes together."""

from __future__ import annotations

import os
from functools import reduce
from importlib.metadata import PackageNotFoundError, version
from operator import or_
from pathlib import Path

from components.core import storage
from components.core.collection.layer.index import CollectionLayer, mark_of
from components.core.collection.ledger import Collection
from components.core.collection.plan import Plan
from components.core.collection.stac import (
    COLLECTION_FILE,
    PREDECESSOR,
    SUCCESSOR,
    Extent,
    MaskClass,
    Period,
    classes_of_model,
    collection_json,
    document_bytes,
    linked,
    model_item,
    model_place,
)
from components.core.collection.stac.parts import DIGEST_CHARACTERS
from components.core.errors import ConfigError, DataError
from components.core.json_text import parse_json
from components.core.models import local_model, network_digest

PACKAGE = "footprints-pipeline"
VERSION_VARIABLE = "FOOTPRINTS_VERSION"
MODEL_FOLDER = "model"


def software() -> dict[str, str]:
    """What detects, and in which version: as installed, or as the image says."""
    try:
        return {PACKAGE: version(PACKAGE)}
    except PackageNotFoundError:
        return {PACKAGE: os.environ.get(VERSION_VARIABLE, "unknown")}


def describe_model(collection: Collection, plan: Plan, folder: Path) -> None:
    """Put the item of the plan's model into the collection, unless it is there.

    Args:
        collection: It.
        plan: Names the model, and where it lies for good.
        folder: The model itself, on local disk.

    Raises:
        DataError: If the model cannot be read.
        StorageError: If its item cannot be written.
    """
    place = collection.place(model_place(plan.model))
    if not storage.exists(place):
        storage.write_bytes(place, document_bytes(model_item(folder, plan.model_uri, plan.model)))


def described_classes(collection: Collection, plan: Plan) -> tuple[MaskClass, ...]:
    """What the values of the masks of the plan's model mean, as the model's item says.

    Raises:
        DataError: If the item is none.
        StorageError: If it cannot be read, or is not there.
    """
    place = collection.place(model_place(plan.model))
    try:
        return classes_of_model(parse_json(storage.read_bytes(place)))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _no_item(place, error) from error


def fetch_and_describe_model(collection: Collection, plan: Plan) -> None:
    """Put the item of the plan's model into the collection as `describe_model` does, from the place of the model.

    It is fetched where that is to be done alone: shards that detected something with it have done so.

    Raises:
        ConfigError: If the model is not the plan's any more.
        DataError: If the model cannot be read.
        StorageError: If it cannot be fetched, or its item cannot be written.
    """
    if not storage.exists(collection.place(model_place(plan.model))):
        runtime = plan.settings.runtime
        with local_model(plan.model_uri, runtime) as folder:
            check_unchanged(plan, network_digest(folder, runtime))
            describe_model(collection, plan, folder)


def link_models(collection: Collection, plan: Plan) -> None:
    """Link the item of the plan's model and that of its predecessor, where a pointer named the model.

    The predecessor is the last model that the pointer named before and that the collection knows: a collection need
    not have been brought up to date with each of them.

    Raises:
        DataError: If an item is none.
        StorageError: If one cannot be read or written.
    """
    known = (digest for digest in plan.predecessors if storage.exists(collection.place(model_place(digest))))
    before = next(known, None)
    if before is not None:
        _link(collection.place(model_place(plan.model)), PREDECESSOR, before)
        _link(collection.place(model_place(before)), SUCCESSOR, plan.model)


def _link(place: str, relation: str, digest: str) -> None:
    content = storage.read_bytes(place)
    try:
        new = document_bytes(linked(parse_json(content), relation, digest))
    except (ValueError, KeyError, TypeError) as error:
        raise _no_item(place, error) from error
    if new != content:
        storage.write_bytes(place, new)


def _no_item(place: str, error: Exception) -> DataError:
    return DataError(f"{place}: is not the STAC item of a model ({error!r}); delete it and run again, which writes it")


def check_unchanged(plan: Plan, found: str) -> None:
    """See that a model is the one that a run was planned with.

    Args:
        plan: Of the run.
        found: Digest of what the runtime reads of it.

    Raises:
        ConfigError: If it is another.
    """
    if found != plan.runs:
        raise ConfigError(
            f"model_uri: {plan.model_uri} holds the model {found[:DIGEST_CHARACTERS]}, and this run was planned with "
            f"{plan.runs[:DIGEST_CHARACTERS]}, which was there then; nothing is published. Run again, and give each "
            "model a folder of its own"
        )


def describe_collection(collection: Collection, layer: CollectionLayer, classes: tuple[MaskClass, ...]) -> None:
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
