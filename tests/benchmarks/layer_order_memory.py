"""Writes a GeoParquet of many buildings in Hilbert order, and prints the peak of memory (MiB) and the seconds."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely

from components.core.footprints.geoparquet import SortedGeoParquet
from components.core.footprints.records import MAP_SCHEMA
from tests.benchmarks.harness import peak_memory_mib

BATCH = 10_000


def houses(count: int, schema: pa.Schema, seed: int = 0, of: int = 0) -> pa.Table:
    """Buildings in no order on the ground of so many, or of `of`, as dense as in a town; in degrees."""
    random = np.random.default_rng(seed)
    side = 3e-4 * np.sqrt(of or count)
    corners = np.array([16.0, 48.0]) + random.uniform(0, side, (count, 2))
    far = corners + random.uniform(5e-5, 2e-4, (count, 2))
    columns = {field.name: [None] * count for field in schema}
    columns |= {
        "id": [f"{seed:06x}{number:010x}" for number in range(count)],
        "confidence": random.uniform(0, 1, count).tolist(),
        "status": ["regular"] * count,
        "area_m2": random.uniform(20, 400, count).tolist(),
        "geometry": shapely.to_wkb(shapely.box(*corners.T, *far.T)).tolist(),
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


def main(count: int, file: Path) -> None:
    """Write so many buildings."""
    out = SortedGeoParquet(file, MAP_SCHEMA, "EPSG:4326")
    taken = 0.0
    for start in range(0, count, BATCH):
        rows = houses(BATCH, MAP_SCHEMA, start, count)
        begun = time.perf_counter()
        out.add(rows)
        taken += time.perf_counter() - begun
    begun = time.perf_counter()
    out.close({})
    taken += time.perf_counter() - begun
    sys.stdout.write(f"{peak_memory_mib()} {taken:.2f}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
