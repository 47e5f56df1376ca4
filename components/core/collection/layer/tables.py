"""Footprints of a scene as Arrow tables, and a partition of the layer as GeoParquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from components.core import storage
from components.core.collection.layer.dropped import NOTHING, Dropped
from components.core.collection.layer.sightings import FIRST_SEEN, LAST_SEEN, UNSEEN, Sightings
from components.core.errors import DataError
from components.core.footprints.geoparquet import bbox_field, geoparquet_bytes, in_hilbert_order
from components.core.footprints.hilbert import WORLD
from components.core.footprints.records import OUTLINE, TOUCHES_EDGE, scene_schema
from components.core.json_text import parse_json

FOOTPRINTS_FILE = "footprints.parquet"
"""Name of a scene's footprints, in the scene's folder."""

COVERAGE = "coverage"
COVERAGE_FILE = "coverage.parquet"
"""What of a scene was looked at, in its folder, and of all scenes, in the collection's."""

MODEL_CHARACTERS = 12
"""How much of a model's digest names it in a row."""

CRS84 = "OGC:CRS84"
"""WGS 84 with longitude first, which is what GeoParquet's coordinates are."""

_MADE = scene_schema(on_map=True)
_EDGE = _MADE.get_field_index(TOUCHES_EDGE)

CAPTURED = "captured"

SCENE_SCHEMA = reduce(
    lambda schema, name: schema.insert(_EDGE, pa.field(name, pa.string())),
    ("model", LAST_SEEN, FIRST_SEEN, CAPTURED),
    _MADE,
)
"""Columns of a scene's file; the geometry is WKB in WGS 84."""

STAND_INS = {FIRST_SEEN: CAPTURED, LAST_SEEN: CAPTURED, "status": None}
"""Which columns stand for those that files of earlier releases do not have; none for null."""

FOOTPRINT_SCHEMA = SCENE_SCHEMA.remove(SCENE_SCHEMA.get_field_index(OUTLINE))
"""Columns of a footprint: the same, without what only joining needs."""

LAYER_SCHEMA = FOOTPRINT_SCHEMA.append(bbox_field(pa.float32()))
"""Columns of the layer: the same, and each footprint's bounds, by which readers skip what they do not need."""

FRAGMENTS = "footprints:fragments"
"""Metadata of a scene's file: how many rows at its end are too small to be footprints, and cut by the scene's border;
with what the tile beyond shows of them they may be large enough."""

DROPPED = "footprints:dropped"
"""Metadata of a partition: what the scene leaves to others, as `Dropped.as_json` gives it."""

SIGHTINGS = "footprints:sightings"
"""Metadata of a partition: what other scenes say of the scene's footprints, as `Sightings.as_json` gives it."""

WITHHELD = "footprints:withheld"
"""Metadata of a partition: a list of the scene's rows that are not shown, as too few captures agree."""

OWN_ORDER = "footprints:own_order"
"""Metadata of a partition without joined buildings whose rows come in another order than in the scene's file, since an
earlier release wrote that, which did not put rows in Hilbert order."""


def read_footprints(uri: str, columns: Sequence[str] = FOOTPRINT_SCHEMA.names) -> pa.Table:
    """Some columns of a scene's footprints, without the fragments.

    Raises:
        DataError: If the file is not what a finished scene has.
        StorageError: If it cannot be read.
    """
    rows, fragments = read_scene(uri, columns)
    return rows.slice(0, rows.num_rows - fragments)


def read_scene(uri: str, columns: Sequence[str] = SCENE_SCHEMA.names) -> tuple[pa.Table, int]:
    """Some columns of a scene's footprints and of the fragments behind them, and how many these are.

    Raises:
        DataError: If the file is not what a finished scene has.
        StorageError: If it cannot be read.
    """
    schema = pa.schema([SCENE_SCHEMA.field(name) for name in columns])
    try:
        rows = read_columns(uri, columns)
        return rows.cast(schema), int((rows.schema.metadata or {}).get(FRAGMENTS.encode(), 0))
    except (pa.ArrowException, ValueError) as error:
        raise DataError(
            f"{uri}: holds no footprints of a scene ({error}); delete the scene's marker in the ledger to "
            "detect it again"
        ) from error


def read_columns(uri: str, columns: Sequence[str]) -> pa.Table:
    """Some columns of a Parquet file; where it is of an earlier release, others stand for those that it lacks.

    Raises:
        ArrowException: If it is none.
        ValueError: If a column is missing.
        StorageError: If it cannot be read.
    """
    with pq.ParquetFile(pa.BufferReader(storage.read_bytes(uri))) as file:
        return _columns_of(file, columns)


def _columns_of(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    return _served(file.read(_stored(file, columns)), columns)


def batches_of(file: pq.ParquetFile, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """As `read_columns`, some rows at a time."""
    for batch in file.iter_batches(rows, columns=_stored(file, columns)):
        yield from _served(pa.Table.from_batches([batch]), columns).to_batches()


def _served(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Some columns of rows, others in the place of those that they lack, or null."""
    found = {}
    for name in columns:
        stored = name if name in rows.column_names else STAND_INS[name]
        found[name] = pa.nulls(rows.num_rows, SCENE_SCHEMA.field(name).type) if stored is None else rows[stored]
    return pa.table(found, metadata=rows.schema.metadata)


def _stored(file: pq.ParquetFile, columns: Sequence[str]) -> list[str]:
    """Names of the columns of a file that serve as some columns, each once."""
    there = set(file.schema_arrow.names)
    stored = dict.fromkeys(name if name in there else STAND_INS.get(name, name) for name in columns)
    missing = [name for name in stored if name not in there and name is not None]
    if missing:
        raise ValueError(f"it has no column {missing[0]!r}")
    return [name for name in stored if name is not None]


class Kept(NamedTuple):
    """What a partition says.

    Attributes:
        rows: Its footprints.
        dropped: What its scene leaves to others.
        sightings: What other scenes say of its footprints.
        withheld: Which rows of its scene are not shown.
        in_scene_order: Whether those of the scene's file come in that file's order.
    """

    rows: pa.Table
    dropped: Dropped
    sightings: Sightings
    withheld: tuple[int, ...]
    in_scene_order: bool


def read_kept(uri: str, columns: Sequence[str]) -> Kept:
    """Some columns of a partition, and what else it says.

    Raises:
        ArrowException: If it is none.
        ValueError: If a column is missing, or its metadata are broken.
        StorageError: If it cannot be read.
    """
    with pq.ParquetFile(pa.BufferReader(storage.read_bytes(uri))) as file:
        about = file.schema_arrow.metadata or {}
        text, seen = about.get(DROPPED.encode()), about.get(SIGHTINGS.encode())
        schema = pa.schema([LAYER_SCHEMA.field(name) for name in columns])
        return Kept(
            _columns_of(file, columns).cast(schema),
            NOTHING if text is None else Dropped.of_json(text),
            UNSEEN if seen is None else Sightings.of_json(seen),
            tuple(map(int, parse_json(about.get(WITHHELD.encode(), b"[]")))),
            OWN_ORDER.encode() not in about,
        )


def scene_bytes(rows: pa.Table, fragments: pa.Table) -> bytes:
    """A scene's file; both tables are of `SCENE_SCHEMA`, and each is put in Hilbert order."""
    count = fragments.num_rows
    table = pa.concat_tables([in_hilbert_order(rows, WORLD), in_hilbert_order(fragments, WORLD)])
    return geoparquet_bytes(table, CRS84, pa.float32(), {FRAGMENTS: str(count)} if count else {})


def partition_bytes(
    rows: pa.Table,
    joined: pa.Table,
    dropped: Dropped = NOTHING,
    sightings: Sightings = UNSEEN,
    withheld: Sequence[int] = (),
) -> bytes:
    """A partition of the layer, in Hilbert order.

    Args:
        rows: Of `FOOTPRINT_SCHEMA`, in the order of the scene's file.
        joined: The same, of buildings that several scenes show.
        dropped: Which rows of the scene are not among them.
        sightings: What is said of them already.
        withheld: Which others are not among them.
    """
    about = {DROPPED: dropped.as_json()} if len(dropped.rows) else {}
    if sightings.digest:
        about[SIGHTINGS] = sightings.as_json()
    if withheld:
        about[WITHHELD] = json.dumps(list(withheld), separators=(",", ":"))
    table = in_hilbert_order(pa.concat_tables([rows, joined]), WORLD)
    if not joined.num_rows and not table["id"].equals(rows["id"]):
        about[OWN_ORDER] = "true"
    return geoparquet_bytes(table, CRS84, pa.float32(), about)
