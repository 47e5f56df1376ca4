"""Footprints of a scene as Arrow tables, and a partition of the layer as GeoParquet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from components.core import storage
from components.core.collection.layer.dropped import NOTHING, Dropped
from components.core.errors import DataError
from components.core.footprints.geoparquet import bbox_field, geoparquet_bytes, in_hilbert_order
from components.core.footprints.hilbert import WORLD
from components.core.footprints.records import ADDED, OUTLINE, TOUCHES_EDGE, scene_schema

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

SCENE_SCHEMA = _MADE.insert(_EDGE, pa.field("model", pa.string())).insert(_EDGE, pa.field("captured", pa.string()))
"""Columns of a scene's file; the geometry is WKB in WGS 84."""

FOOTPRINT_SCHEMA = SCENE_SCHEMA.remove(SCENE_SCHEMA.get_field_index(OUTLINE))
"""Columns of a footprint: the same, without what only joining needs."""

LAYER_SCHEMA = FOOTPRINT_SCHEMA.append(bbox_field(pa.float32()))
"""Columns of the layer: the same, and each footprint's bounds, by which readers skip what they do not need."""

FRAGMENTS = "footprints:fragments"
"""Metadata of a scene's file: how many rows at its end are too small to be footprints, and cut by the scene's border;
with what the tile beyond shows of them they may be large enough."""

DROPPED = "footprints:dropped"
"""Metadata of a partition: what the scene leaves to others, as `Dropped.as_json` gives it."""

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
    """Some columns of a Parquet file.

    Raises:
        ArrowException: If it is none.
        ValueError: If a column is missing.
        StorageError: If it cannot be read.
    """
    with pq.ParquetFile(pa.BufferReader(storage.read_bytes(uri))) as file:
        missing = [name for name in columns if name not in (*file.schema_arrow.names, *ADDED)]
        if missing:
            raise ValueError(f"it has no column {missing[0]!r}")
        return selected(file.read(list(columns)), columns)


def selected(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Some columns of rows; those that earlier releases did not write are null where they lack."""
    for name in ADDED:
        if name in columns and name not in rows.column_names:
            field = SCENE_SCHEMA.field(name)
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows.select(list(columns))


class Kept(NamedTuple):
    """What a partition says.

    Attributes:
        rows: Its footprints.
        dropped: What its scene leaves to others.
        in_scene_order: Whether those of the scene's file come in that file's order.
    """

    rows: pa.Table
    dropped: Dropped
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
        text = about.get(DROPPED.encode())
        schema = pa.schema([LAYER_SCHEMA.field(name) for name in columns])
        return Kept(
            selected(file.read(list(columns)), columns).cast(schema),
            NOTHING if text is None else Dropped.of_json(text),
            OWN_ORDER.encode() not in about,
        )


def scene_bytes(rows: pa.Table, fragments: pa.Table) -> bytes:
    """A scene's file; both tables are of `SCENE_SCHEMA`, and each is put in Hilbert order."""
    count = fragments.num_rows
    table = pa.concat_tables([in_hilbert_order(rows, WORLD), in_hilbert_order(fragments, WORLD)])
    return geoparquet_bytes(table, CRS84, pa.float32(), {FRAGMENTS: str(count)} if count else {})


def partition_bytes(rows: pa.Table, joined: pa.Table, dropped: Dropped = NOTHING) -> bytes:
    """A partition of the layer, in Hilbert order.

    Args:
        rows: Of `FOOTPRINT_SCHEMA`, in the order of the scene's file.
        joined: The same, of buildings that several scenes show.
        dropped: Which rows of the scene are not among them.
    """
    about = {DROPPED: dropped.as_json()} if len(dropped.rows) else {}
    table = in_hilbert_order(pa.concat_tables([rows, joined]), WORLD)
    if not joined.num_rows and not table["id"].equals(rows["id"]):
        about[OWN_ORDER] = "true"
    return geoparquet_bytes(table, CRS84, pa.float32(), about)
