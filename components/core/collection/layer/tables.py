"""Footprints of a scene as Arrow tables, and a partition of the layer as GeoParquet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from components.core import storage
from components.core.collection.layer.dropped import NOTHING, Dropped
from components.core.errors import DataError
from components.core.footprints.records import OUTLINE, TOUCHES_EDGE, scene_schema
from components.core.footprints.vector_files import geo_metadata, geometries_of

FOOTPRINTS_FILE = "footprints.parquet"
"""Name of a scene's footprints, in the scene's folder."""

CRS84 = "OGC:CRS84"
"""WGS 84 with longitude first, which is what GeoParquet's coordinates are."""

BBOX = "bbox"
SIDES = ("xmin", "ymin", "xmax", "ymax")

_MADE = scene_schema(on_map=True)
_EDGE = _MADE.get_field_index(TOUCHES_EDGE)

SCENE_SCHEMA = _MADE.insert(_EDGE, pa.field("model", pa.string())).insert(_EDGE, pa.field("captured", pa.string()))
"""Columns of a scene's file; the geometry is WKB in WGS 84."""

FOOTPRINT_SCHEMA = SCENE_SCHEMA.remove(SCENE_SCHEMA.get_field_index(OUTLINE))
"""Columns of a footprint: the same, without what only joining needs."""

LAYER_SCHEMA = FOOTPRINT_SCHEMA.append(pa.field(BBOX, pa.struct([(side, pa.float32()) for side in SIDES])))
"""Columns of the layer: the same, and each footprint's bounds, by which readers skip what they do not need."""

GROUP_ROWS = 16_384

FRAGMENTS = "footprints:fragments"
"""Metadata of a scene's file: how many rows at its end are too small to be footprints, and cut by the scene's border;
with what the tile beyond shows of them they may be large enough."""

DROPPED = "footprints:dropped"
"""Metadata of a partition: what the scene leaves to others, as `Dropped.as_json` gives it."""


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
        missing = [name for name in columns if name not in file.schema_arrow.names]
        if missing:
            raise ValueError(f"it has no column {missing[0]!r}")
        return file.read(list(columns)).select(list(columns))


def read_kept(uri: str, columns: Sequence[str]) -> tuple[pa.Table, Dropped]:
    """Some columns of a partition, and what its scene leaves to others.

    Raises:
        ArrowException: If it is none.
        ValueError: If a column is missing, or its metadata are broken.
        StorageError: If it cannot be read.
    """
    with pq.ParquetFile(pa.BufferReader(storage.read_bytes(uri))) as file:
        about = file.schema_arrow.metadata or {}
        text = about.get(DROPPED.encode())
        schema = pa.schema([LAYER_SCHEMA.field(name) for name in columns])
        return file.read(list(columns)).select(list(columns)).cast(schema), (
            NOTHING if text is None else Dropped.of_json(text)
        )


def scene_bytes(rows: pa.Table, fragments: pa.Table) -> bytes:
    """A scene's file; both tables are of `SCENE_SCHEMA`."""
    count = fragments.num_rows
    return geoparquet(pa.concat_tables([rows, fragments]), {FRAGMENTS: str(count)} if count else {})


def partition_bytes(rows: pa.Table, dropped: Dropped = NOTHING) -> bytes:
    """A partition of the layer.

    Args:
        rows: Of `FOOTPRINT_SCHEMA`.
        dropped: Which rows of the scene are not among them.
    """
    return geoparquet(rows, {DROPPED: dropped.as_json()} if len(dropped.rows) else {})


def geoparquet(rows: pa.Table, about: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """GeoParquet 1.1 with a covering; the same arguments give the same bytes.

    Args:
        rows: With a column "geometry" of WKB in WGS 84.
        about: Further metadata.
    """
    boxes = shapely.bounds(geometries_of(rows))
    placed = boxes[~np.isnan(boxes[:, 0])]
    bounds = [*placed[:, :2].min(axis=0).tolist(), *placed[:, 2:].max(axis=0).tolist()] if len(placed) else None
    geo = geo_metadata(CRS84, bounds, BBOX)
    table = rows.append_column(LAYER_SCHEMA.field(BBOX), covering(boxes))
    table = table.replace_schema_metadata({"geo": json.dumps(geo), **about})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=GROUP_ROWS, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def covering(boxes: np.ndarray) -> pa.StructArray:
    """Bounds in single precision, rounded outwards."""
    single = boxes.astype(np.float32)
    low = np.where(single > boxes, np.nextafter(single, np.float32(-np.inf)), single)
    high = np.where(single < boxes, np.nextafter(single, np.float32(np.inf)), single)
    columns = [low[:, 0], low[:, 1], high[:, 2], high[:, 3]]
    return pa.StructArray.from_arrays([pa.array(column, pa.float32()) for column in columns], list(SIDES))
