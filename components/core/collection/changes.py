"""What a run changed, written down: `changes/TIME.parquet`, and a GeoPackage on request.

It is made of the layer's journal when the layer is up to date, and the journal is deleted then. A run that is killed
before that leaves the journal, and the next one writes down what both changed. The journal names the file, so that one
that is killed between the two makes it again.
"""

from __future__ import annotations

import json
from collections.abc import Collection as Sized
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.core import storage
from components.core.collection.coverage import CoveredGround
from components.core.collection.formats import LayerFormat
from components.core.collection.layer.changes import (
    CHANGE_SCHEMA,
    SHOWN_COLUMNS,
    ChangeKind,
    LayerComparison,
    SceneChanges,
)
from components.core.collection.layer.ids import Change, WrittenChanges
from components.core.collection.layer.journal import FormerPartition, LayerJournal
from components.core.collection.layer.tables import CRS84, read_columns
from components.core.collection.ledger import Collection
from components.core.errors import DataError
from components.core.footprints.gdal_files import VectorLayer, write_geopackage
from components.core.footprints.geography import WGS84
from components.core.footprints.geoparquet import SortedGeoParquet, geo_metadata
from components.core.footprints.vector_files import geometries_of
from components.core.progress import progress

FOLDER = "changes"
ABOUT = {
    "coordinates": "map coordinates in WGS 84, longitude and latitude",
    "kind": "new, gone, uncovered, changed or moved",
    "overlap": "how much the outlines now and before share, 0 to 1",
}
COVERED = 0.5
"""The least share of a building's ground that has to be looked at for it to be gone."""


def write_changes(collection: Collection, coverage: str, formats: Sized[str] = ()) -> WrittenChanges:
    """Write down what changed since that was done the last time.

    Args:
        collection: Its layer and its coverage are up to date.
        coverage: URI of the collection's coverage.
        formats: Further formats; of these "gpkg" is one for changes.

    Returns:
        What was written.

    Raises:
        DataError: If a note of the journal, a partition or the coverage is broken.
        StorageError: If a place cannot be read or written.
    """
    journal = LayerJournal(collection)
    touched = journal.touched()
    if not touched:
        return WrittenChanges()
    change, files, ground = Change(), [], CoveredGround(coverage)
    with storage.scratch_folder("changes") as folder:
        table, package = folder / f"{journal.name}.parquet", folder / f"{journal.name}.gpkg"
        out = SortedGeoParquet(table, CHANGE_SCHEMA, CRS84)
        for found in _compared(collection, touched):
            rows = _with_uncovered(found.rows, ground)
            out.add(rows)
            change += _counted(rows, found.kept)
        out.close({"geo": _geo_metadata(out.bounds)})
        if out.count:
            files.append(table)
            if LayerFormat.GPKG in formats:
                _write_geopackage(package, table)
                files.append(package)
        places = tuple(collection.place(FOLDER, file.name) for file in files)
        for file, place in zip(files, places, strict=True):
            storage.put_file(file, place)
    journal.forget(former.scene for former in touched)
    return WrittenChanges(change, places)


def _compared(collection: Collection, touched: Sequence[FormerPartition]) -> Iterator[SceneChanges]:
    comparison, columns = LayerComparison(), list(SHOWN_COLUMNS)
    for former in progress(touched, len(touched), "partitions compared"):
        place = collection.partition(former.scene)
        try:
            now = read_columns(place, columns) if storage.exists(place) else None
        except (pa.ArrowException, ValueError) as error:
            raise DataError(
                f"{place}: is not a partition of the layer ({error}); delete layer.json, and the layer is rebuilt"
            ) from error
        yield from comparison.add(former.scene, former.bounds, former.rows(columns), now)
    yield from comparison.end()


def _with_uncovered(rows: pa.Table, ground: CoveredGround) -> pa.Table:
    """Tell what is gone from what nobody looked at."""
    gone = np.flatnonzero(pc.equal(rows["kind"], ChangeKind.GONE.value).to_numpy())
    if not len(gone):
        return rows
    shares = ground.shares(geometries_of(rows)[gone])
    kinds = rows["kind"].to_pylist()
    for place in gone[shares < COVERED].tolist():
        kinds[place] = ChangeKind.UNCOVERED.value
    return rows.set_column(0, CHANGE_SCHEMA.field("kind"), pa.array(kinds, pa.string()))


def _counted(rows: pa.Table, kept: int) -> Change:
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(rows["kind"]).to_pylist()}
    moved = counts.get(ChangeKind.MOVED, 0)
    return Change(
        new=counts.get(ChangeKind.NEW, 0),
        gone=counts.get(ChangeKind.GONE, 0),
        kept=kept + moved,
        changed=counts.get(ChangeKind.CHANGED, 0),
        uncovered=counts.get(ChangeKind.UNCOVERED, 0),
    )


def _geo_metadata(bounds: Sequence[float] | None) -> str:
    """Of a file with two outlines a row."""
    geo = geo_metadata(CRS84, bounds)
    (column,) = geo["columns"].values()
    geo["columns"]["geometry_before"] = {key: column[key] for key in column if key not in ("bbox", "covering")}
    return json.dumps(geo)


def _write_geopackage(package: Path, changes: Path) -> None:
    """All but the outlines before, as a layer of a GeoPackage has one geometry."""
    schema = CHANGE_SCHEMA.remove(CHANGE_SCHEMA.get_field_index("geometry_before"))
    with pq.ParquetFile(changes) as file:
        layer = VectorLayer(FOLDER, schema, WGS84, ABOUT)
        write_geopackage(package, layer, file.iter_batches(columns=schema.names))
