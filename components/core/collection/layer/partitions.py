"""The files of the layer: one GeoParquet a scene."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.core import storage
from components.core.collection.layer.candidates import COLUMNS, Alive
from components.core.collection.layer.dropped import DIGEST_CHARACTERS
from components.core.collection.layer.duplicates import Shown
from components.core.collection.layer.index import Partition
from components.core.collection.layer.joins import Joins, SceneHalves
from components.core.collection.layer.scenes import LayerScene
from components.core.collection.layer.tables import (
    FOOTPRINTS_FILE,
    Kept,
    partition_bytes,
    read_footprints,
    read_kept,
    read_scene,
)
from components.core.collection.ledger import Collection
from components.core.footprints.geography import WGS84
from components.core.footprints.records import OUTLINE
from components.core.footprints.tile_joins import CutFootprints
from components.core.hashing import digest

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


class LostPartitionError(Exception):
    """A partition is not what `layer.json` says of it.

    Attributes:
        scene: Whose it is.
    """

    def __init__(self, scene: str, reason: str) -> None:
        super().__init__(f"{scene}: {reason}")
        self.scene = scene


def read_alive(collection: Collection, scene: LayerScene, part: Partition | None, since: float) -> Alive:
    """The footprints of a scene that were not dropped before a moment.

    Where none was dropped after it either, the scene has no part of a joined building, and others say nothing of its
    footprints, they are those that the partition has, and no more is read, unless the scene's file is of an earlier
    release and in another order.

    Args:
        collection: Where it is.
        scene: The scene.
        part: What `layer.json` says of it; None where nothing is decided yet.
        since: The moment, in seconds since 1970.

    Raises:
        LostPartitionError: If the partition is not what `layer.json` says.
        DataError: If the scene's footprints are broken.
        StorageError: If a file cannot be read.
    """
    if part is None:
        return Alive.whole(read_footprints(footprints_uri(collection, scene), COLUMNS))
    kept = _read_kept(collection, part, COLUMNS)
    dropped = kept.dropped
    gone = dropped.before(since)
    is_as_made = not part.joins and not part.sightings and not part.withheld and kept.in_scene_order
    if is_as_made and len(gone) == len(dropped.rows):
        return Alive(_others(gone, kept.rows.num_rows + len(gone)), kept.rows, dropped)
    table = read_footprints(footprints_uri(collection, scene), COLUMNS)
    alive = _others(gone, table.num_rows)
    return Alive(alive, table.take(pa.array(alive)), dropped, kept.sightings)


def _read_kept(collection: Collection, part: Partition, columns: Sequence[str]) -> Kept:
    place = collection.partition(part.scene)
    if not storage.exists(place):
        raise LostPartitionError(part.scene, "is gone")
    try:
        kept = read_kept(place, columns)
    except (pa.ArrowException, ValueError) as error:
        raise LostPartitionError(part.scene, str(error)) from error
    if (kept.rows.num_rows, *digests_of(Shown(kept.dropped, kept.sightings, kept.withheld))) != (
        part.footprints,
        part.dropped,
        part.sightings,
        part.withheld_rows,
    ):
        raise LostPartitionError(part.scene, "its footprints differ from those that layer.json lists")
    return kept


def read_decided(collection: Collection, part: Partition) -> Shown:
    """What is decided of a scene's footprints.

    Raises:
        LostPartitionError: If the partition is not what `layer.json` says.
        StorageError: If it cannot be read.
    """
    if not part.dropped and not part.sightings and not part.withheld:
        return Shown()
    kept = _read_kept(collection, part, ("id",))
    return Shown(kept.dropped, kept.sightings, kept.withheld)


def digests_of(decided: Shown) -> tuple[str, str, str]:
    """What `layer.json` says of what is decided: `dropped`, `sightings` and `withheld_rows`."""
    rows = json.dumps(decided.withheld)
    withheld = digest(rows)[:DIGEST_CHARACTERS] if decided.withheld else ""
    return decided.dropped.digest, decided.sightings.digest, withheld


def read_halves(collection: Collection, scene: LayerScene, decided: Shown) -> SceneHalves:
    """The footprints of a scene that its border cuts, fragments among them, without those that it leaves to others.

    Raises:
        ValueError: If it is not known where its pixels lie.
        DataError: If the scene's footprints are broken.
        StorageError: If they cannot be read.
    """
    if scene.grid is None:
        raise ValueError(f"{scene.mark.stem}: its marker does not say where its pixels lie")
    rows, _ = read_scene(footprints_uri(collection, scene))
    chosen = pc.is_valid(rows[OUTLINE]).to_numpy().astype(np.bool_)
    chosen[decided.dropped.rows] = False
    chosen[list(decided.withheld)] = False
    places = np.flatnonzero(chosen)
    halves = decided.sightings.told(rows.filter(pa.array(chosen)), places).combine_chunks()
    grid = scene.grid
    cut = CutFootprints(halves, grid.tile, grid.drawing, WGS84, grid.min_area_m2)
    return SceneHalves(places, cut, decided.sightings)


def _others(rows: np.ndarray, count: int) -> np.ndarray:
    """The places of a table of so many rows that are not among some."""
    chosen = np.ones(count, np.bool_)
    chosen[rows] = False
    return np.flatnonzero(chosen)


def write_partition(
    collection: Collection, scene: LayerScene, decided: Shown, joins: Joins, whole: pa.Table
) -> Partition:
    """Write the footprints of a scene but for those that others show.

    Args:
        collection: Where it is.
        scene: The scene.
        decided: What it leaves to others, and what these say of the rest.
        joins: What it has of buildings that several tiles show.
        whole: Those of these buildings that it shows.

    Returns:
        What `layer.json` says of it.
    """
    dropped, sightings, withheld = decided
    rows = read_footprints(footprints_uri(collection, scene))
    kept = np.ones(rows.num_rows, np.bool_)
    kept[dropped.rows] = False
    kept[list(withheld)] = False
    kept[[place for place in joins.away if place < len(kept)]] = False
    rows = sightings.told(rows.filter(pa.array(kept)), np.flatnonzero(kept))
    content = partition_bytes(rows, whole, dropped, sightings, withheld)
    storage.write_bytes(collection.partition(scene.mark.scene), content)
    rows = pa.concat_tables([rows, whole])
    dropped_digest, sightings_digest, withheld_digest = digests_of(decided)
    area_m2 = math.fsum(rows["area_m2"].drop_null().to_pylist())
    return Partition(
        scene=scene.mark.scene,
        mark=scene.mark.stem,
        duplicates=len(dropped.rows),
        dropped=dropped_digest,
        last_dropped=dropped.last,
        footprints=rows.num_rows,
        area_m2=round(area_m2, 3),
        joined=len(joins.shown),
        joins=joins.digest,
        bounds=scene.bounds,
        captured=scene.captured,
        grid=scene.grid,
        sightings=sightings_digest,
        withheld=len(withheld),
        withheld_rows=withheld_digest,
    )
