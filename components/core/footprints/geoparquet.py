"""Polygons as GeoParquet 1.1: in Hilbert order, and with each row's bounds, by which readers skip what lies elsewhere.

Source: https://geoparquet.org/releases/v1.1.0, "GeoParquet Specification".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from components.core.footprints.geography import crs_of
from components.core.footprints.hilbert import Floats, hilbert_order, middles
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import geometries_of

BBOX = "bbox"
SIDES = ("xmin", "ymin", "xmax", "ymax")

GROUP_ROWS = 16_384
"""Rows that a reader takes or leaves together."""

SHARE_ROWS = 8 * GROUP_ROWS
"""Rows that are put in order at a time."""

MOST_SHARES = 256
"""Shares of a file at most, each of which is an open file while rows are dealt out."""


def bbox_field(kind: pa.DataType) -> pa.Field:
    """The column of bounds; `kind` is float32 or float64."""
    return pa.field(BBOX, pa.struct([(side, kind) for side in SIDES]))


def with_bbox(rows: pa.Table, boxes: Floats, kind: pa.DataType) -> pa.Table:
    """Rows with the column of bounds behind the others; bounds in single precision are rounded outwards."""
    if pa.types.is_float32(kind):
        boxes = np.concatenate([_single(boxes[:, :2], -np.inf), _single(boxes[:, 2:], np.inf)], axis=1)
    columns = [pa.array(np.ascontiguousarray(column), kind) for column in boxes.T]
    return rows.append_column(bbox_field(kind), pa.StructArray.from_arrays(columns, list(SIDES)))


def _single(values: Floats, towards: float) -> Floats:
    """Values that single precision holds."""
    rounded = values.astype(np.float32)
    passed = rounded > values if towards < 0 else rounded < values
    return np.where(passed, np.nextafter(rounded, np.float32(towards)), rounded).astype(np.float64)


def geo_metadata(crs: str | None, bounds: Sequence[float] | None) -> dict[str, Any]:
    """What the file says of its geometries.

    Args:
        crs: "EPSG:…", "OGC:…" or WKT; None for one that is not known.
        bounds: Of all rows; None where there is none.
    """
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon", "MultiPolygon"],
        "crs": None if crs is None else crs_of(crs).to_json_dict(),
        "orientation": "counterclockwise",
        "edges": "planar",
        "covering": {"bbox": {side: [BBOX, side] for side in SIDES}},
    }
    if bounds is not None:
        column["bbox"] = list(bounds)
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def in_hilbert_order(rows: pa.Table, ground: Sequence[float] | None = None) -> pa.Table:
    """Rows by the places of their boxes' middles along a Hilbert curve; those of one place stay in their order.

    Args:
        rows: With geometries.
        ground: What the curve fills, as `hilbert_places` takes it; None for the rows' own bounds.
    """
    boxes = shapely.bounds(geometries_of(rows)).reshape(-1, 4)
    return rows.take(pa.array(hilbert_order(middles(boxes), bounds_of(boxes) if ground is None else ground)))


def bounds_of(boxes: Floats) -> list[float]:
    """Around (N, 4) boxes; of nothing where there is none."""
    if not len(boxes):
        return [0.0] * 4
    return [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]


def geoparquet_bytes(rows: pa.Table, crs: str | None, kind: pa.DataType, about: Mapping[str, str]) -> bytes:
    """Rows as a file; the same arguments give the same bytes.

    Args:
        rows: In the order in which they are written; see `in_hilbert_order`.
        crs: "EPSG:…", "OGC:…" or WKT; None for one that is not known.
        kind: Of their bounds: float32, which in degrees is as fine as a metre, or float64.
        about: Further metadata.
    """
    boxes = shapely.bounds(geometries_of(rows)).reshape(-1, 4)
    geo = geo_metadata(crs, bounds_of(boxes) if len(boxes) else None)
    table = with_bbox(rows, boxes, kind).replace_schema_metadata({"geo": json.dumps(geo)} | dict(about))
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd") as out:
        if table.num_rows:  # a group of no rows would have no bounds
            out.write_table(table, row_group_size=GROUP_ROWS)
    content: bytes = sink.getvalue().to_pybytes()
    return content


class SortedGeoParquet:
    """Takes rows in any order and writes them in Hilbert order, a share of them in memory at a time.

    Until then they lie beside the file, and so do its shares: for that while they need three times their room.

    Attributes:
        file: What is written.
        count: Rows so far.
    """

    def __init__(self, file: Path, schema: pa.Schema, crs: str | None, share_rows: int = SHARE_ROWS) -> None:
        """Begin a file of rows of `schema` in `crs`; None for a CRS that is not known."""
        self.file = file
        self.count = 0
        self._schema = schema
        self._crs = crs
        self._share_rows = share_rows
        self._middles: list[Floats] = []
        self._bounds: list[float] | None = None
        self._waiting = _Rows(file.with_suffix(".waiting"), schema)

    def add(self, rows: pa.Table) -> None:
        """Append rows.

        Raises:
            DataError: If a geometry is not valid WKB.
        """
        if rows.num_rows:
            boxes = shapely.bounds(geometries_of(rows))
            self._middles.append(middles(boxes))
            self._bounds = bounds_of(np.concatenate([boxes, *([] if self._bounds is None else [[self._bounds]])]))
            self.count += rows.num_rows
            self._waiting.add(rows)

    @property
    def bounds(self) -> list[float] | None:
        """Around all rows so far; None for none."""
        return self._bounds

    def close(self, about: Mapping[str, str]) -> None:
        """Write the file; `about` is further metadata."""
        geo = geo_metadata(self._crs, self.bounds)
        metadata = {"geo": json.dumps(geo)} | dict(about)
        schema = self._schema.append(bbox_field(pa.float64())).with_metadata(metadata)
        self._waiting.end()
        with pq.ParquetWriter(self.file, schema, compression="zstd") as out:
            for share in self._in_order():
                boxes = shapely.bounds(geometries_of(share)).reshape(-1, 4)
                table = with_bbox(share, boxes, pa.float64()).replace_schema_metadata(metadata)
                out.write_table(table, row_group_size=GROUP_ROWS)
        self._waiting.remove()

    def _in_order(self) -> Iterator[pa.Table]:
        if self._bounds is None:
            return
        order = hilbert_order(np.concatenate(self._middles), self._bounds)
        self._middles.clear()
        ranks = np.empty(self.count, np.int64)
        ranks[order] = np.arange(self.count)
        size = max(self._share_rows, -(-self.count // (MOST_SHARES * GROUP_ROWS)) * GROUP_ROWS)
        if self.count <= size:
            yield self._waiting.table().take(pa.array(order))
            return
        for number, share in enumerate(self._dealt_out(ranks // size, -(-self.count // size))):
            own = np.flatnonzero(ranks // size == number)  # in the order in which they came, as the share has them
            yield share.table().take(pa.array(np.argsort(ranks[own])))
            share.remove()

    def _dealt_out(self, numbers: npt.NDArray[np.int64], count: int) -> list[_Rows]:
        """The rows in as many files; `numbers` says for each which is its own."""
        shares = [_Rows(self.file.with_suffix(f".share{number}"), self._schema) for number in range(count)]
        start = 0
        for rows in self._waiting.batches():
            own = numbers[start : start + rows.num_rows]
            for number in np.unique(own).tolist():
                shares[number].add(rows.take(pa.array(np.flatnonzero(own == number))))
            start += rows.num_rows
        for share in shares:
            share.end()
        return shares


class _Rows:
    """Rows in a file of Arrow's, which is read once or twice and removed."""

    def __init__(self, file: Path, schema: pa.Schema) -> None:
        self._file = file
        self._schema = schema
        self._collected: list[pa.Table] = []
        self._rows = 0
        self._out: pa.RecordBatchFileWriter | None = None

    def add(self, rows: pa.Table) -> None:
        self._collected.append(rows)
        self._rows += rows.num_rows
        if self._rows >= GROUP_ROWS:
            self._write()

    def _write(self) -> None:
        if self._out is None:
            self._out = pa.ipc.new_file(self._file, self._schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
        if self._collected:
            self._out.write_table(pa.concat_tables(self._collected).combine_chunks())
            self._collected, self._rows = [], 0

    def end(self) -> None:
        """No more is added."""
        self._write()
        if self._out is not None:
            self._out.close()

    def batches(self) -> Iterator[pa.Table]:
        with pa.OSFile(str(self._file)) as source, pa.ipc.open_file(source) as reader:
            for number in range(reader.num_record_batches):
                yield pa.Table.from_batches([reader.get_batch(number)])

    def table(self) -> pa.Table:
        return pa.concat_tables([self._schema.empty_table(), *self.batches()]).combine_chunks()

    def remove(self) -> None:
        self._file.unlink(missing_ok=True)
