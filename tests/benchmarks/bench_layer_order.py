"""What Hilbert order costs those who write footprints, and saves those who read a place: time, memory and bytes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from components.core.collection.layer.tables import FOOTPRINT_SCHEMA, partition_bytes
from components.core.footprints.gdal_files import VectorLayer, write_flatgeobuf, write_geopackage, write_pmtiles
from components.core.footprints.geography import WGS84
from components.core.footprints.geoparquet import geoparquet_bytes
from tests.benchmarks.harness import Measurement, one_core, seconds
from tests.benchmarks.layer_order_memory import houses

NAME = "layer_order"

PARTITION_ROWS = 20_000
SIZES = (250_000, 1_000_000)
TILED_ROWS = 20_000
MOST_SHARE = 2.0
MOST_GROWTH = 1.5
LEAST_SAVED = 4


def run(repeats: int) -> list[Measurement]:
    """A partition with and without the order, whole layers by size, a window of one, and the formats on request."""
    with one_core(), tempfile.TemporaryDirectory() as folder:
        return [*_partition(repeats), *_layers(Path(folder)), *_formats(Path(folder))]


def _partition(repeats: int) -> list[Measurement]:
    rows = houses(PARTITION_ROWS, FOOTPRINT_SCHEMA)
    nothing = FOOTPRINT_SCHEMA.empty_table()
    plain = seconds(lambda: geoparquet_bytes(rows, WGS84, pa.float32(), {}), repeats)
    ordered = seconds(lambda: partition_bytes(rows, nothing), repeats)
    title = f"a partition of {PARTITION_ROWS:,} buildings as bytes, in the order in which they come"
    first = Measurement(title, "s", tuple(plain))
    return [first, Measurement.at_most("the same in Hilbert order", "s", ordered, round(MOST_SHARE * first.median, 3))]


def _layers(folder: Path) -> list[Measurement]:
    """Whole files, of a process of its own each, so that memory is its own."""
    measured: list[Measurement] = []
    for count in SIZES:
        file = folder / f"{count}.parquet"
        command = [sys.executable, "-m", "tests.benchmarks.layer_order_memory", str(count), str(file)]
        peak, taken = map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
        most = MOST_GROWTH * measured[0].median if measured else 4096
        notes = {"seconds": taken, "rows_a_second": round(count / taken)}
        title = f"peak memory of writing {count:,} buildings as one GeoParquet in Hilbert order"
        measured.append(Measurement.at_most(title, "MiB", [peak], round(most), **notes))
    return [*measured, _window(file, count)]


def _window(file: Path, count: int) -> Measurement:
    """Rows that a reader of a hundredth of the ground must decode, of files in order and of files as they come."""
    about = pq.ParquetFile(file)
    boxes = np.array([list(box.values()) for box in about.read(["bbox"])["bbox"].to_pylist()])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    window = shapely.box(*(low + 0.45 * (high - low)), *(low + 0.55 * (high - low)))
    ends = np.cumsum([about.metadata.row_group(group).num_rows for group in range(about.num_row_groups)])
    groups = np.split(boxes, ends[:-1])
    around = shapely.box(*np.array([[*own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)] for own in groups]).T)
    met = sum(len(own) for own, box in zip(groups, around, strict=True) if box.intersects(window))
    title = f"share of {count:,} rows whose groups meet a hundredth of the ground"
    return Measurement.at_most(title, "%", [round(100 * met / count, 2)], 100 / LEAST_SAVED)


def _formats(folder: Path) -> list[Measurement]:
    rows = houses(TILED_ROWS, FOOTPRINT_SCHEMA)
    measured = []
    for name, write in (("gpkg", write_geopackage), ("fgb", write_flatgeobuf), ("pmtiles", write_pmtiles)):
        file, layer = folder / f"a.{name}", VectorLayer("footprints", rows.schema, WGS84, {"coordinates": "WGS 84"})
        work = partial(write, file, layer, rows.to_batches(16_384))
        taken = seconds(work, 1, warm_up=0)
        notes = {"bytes": file.stat().st_size}
        title = f"{name} of {TILED_ROWS:,} buildings"
        measured.append(Measurement(title, "buildings/s", tuple(TILED_ROWS / each for each in taken), notes=notes))
    return measured
