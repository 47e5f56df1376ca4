"""The files of the layer: one GeoParquet a scene."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from components.core import storage
from components.core.collection.ledger import Collection
from components.publish_collection.layer.changes import COMPARED_COLUMNS
from components.publish_collection.layer.duplicates import Dropped
from components.publish_collection.layer.index import Partition
from components.publish_collection.layer.scenes import LayerScene
from components.publish_collection.layer.tables import FOOTPRINTS_FILE, partition_bytes, read_columns, read_footprints

log = logging.getLogger(__name__)

LAYER_FOLDER = "layer"
SUFFIX = ".parquet"


def footprints_uri(collection: Collection, scene: LayerScene) -> str:
    """Where all footprints of a scene are."""
    return storage.join_uri(collection.scene_folder(scene.mark), FOOTPRINTS_FILE)


def scenes_with_partition(collection: Collection) -> Iterator[str]:
    """Every scene that has a file in the layer, by a listing."""
    for found in storage.list_objects(collection.place(LAYER_FOLDER), recursive=False):
        if storage.suffix_of(found.uri) == SUFFIX:
            yield storage.stem_of(found.uri)


def write_partition(collection: Collection, scene: LayerScene, dropped: Dropped) -> tuple[Partition, pa.Table]:
    """Write the footprints of a scene but for those that others show.

    Returns:
        What `layer.json` says of it, and its rows.
    """
    rows = read_footprints(footprints_uri(collection, scene))
    kept = np.ones(rows.num_rows, np.bool_)
    kept[dropped.rows] = False
    rows = rows.filter(pa.array(kept))
    storage.write_bytes(collection.partition(scene.mark.scene), partition_bytes(rows))
    area_m2 = math.fsum(rows["area_m2"].drop_null().to_pylist())
    return (
        Partition(
            scene=scene.mark.scene,
            mark=scene.mark.stem,
            duplicates=len(dropped.rows),
            dropped=dropped.ids,
            footprints=rows.num_rows,
            area_m2=round(area_m2, 3),
            bounds=scene.bounds,
            captured=scene.captured,
        ),
        rows,
    )


def read_partition(collection: Collection, scene: str) -> pa.Table | None:
    """Ids and outlines of a partition, for comparison; None where it cannot be read."""
    place = collection.partition(scene)
    if not storage.exists(place):
        return None
    try:
        return read_columns(place, COMPARED_COLUMNS)
    except (pa.ArrowException, ValueError) as error:
        log.warning("%s: is no partition (%s); it is made anew", place, error)
        return None
