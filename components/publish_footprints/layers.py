"""A footprint layer as GeoParquet, GeoPackage and GeoJSON, written without holding it in memory.

Rows come in as tables and go to GeoParquet, which the other two are then made from, batch by batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from components.core.footprints.geography import WGS84, Geometries, name_of_crs, reprojected
from components.core.footprints.records import MAP_SCHEMA, PIXEL_COORDINATES, PIXEL_SCHEMA
from components.core.footprints.vector_files import (
    BATCH_ROWS,
    geo_metadata,
    geojson_features,
    geometries_of,
    rounded,
    write_geopackage,
)

MAP_LAYER = "footprints"
PIXEL_LAYER = "footprints_pixels"


def coordinates_of(crs: str | None) -> str:
    """What the coordinates of a layer are, in words; None stands for pixels."""
    return PIXEL_COORDINATES if crs is None else f"map coordinates in {name_of_crs(crs)}"


class LayerWriter:
    """Takes rows of one layer and writes its files when it is closed.

    Attributes:
        name: Stem of the files.
        crs: "EPSG:…" or WKT; None for pixel coordinates.
        count: Rows so far.
        area_m2: Their true area; 0 for pixel coordinates.
    """

    def __init__(self, directory: Path, crs: str | None, about: dict[str, Any]) -> None:
        self.name = PIXEL_LAYER if crs is None else MAP_LAYER
        self.crs = crs
        self.count = 0
        self.area_m2 = 0.0
        self._directory = directory
        self._about = about
        self._schema = PIXEL_SCHEMA if crs is None else MAP_SCHEMA
        self._bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])
        self._parquet = directory / f"{self.name}.parquet"
        self._writer = pq.ParquetWriter(self._parquet, self._schema, compression="zstd")
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0

    @property
    def bounds(self) -> list[float] | None:
        """West, south, east, north (or left, top, right, bottom in pixels); None for an empty layer."""
        return self._bounds.tolist() if self.count else None

    def add(self, rows: pa.Table) -> None:
        """Append rows of the layer's schema."""
        if not rows.num_rows:
            return
        x_min, y_min, x_max, y_max = shapely.total_bounds(geometries_of(rows))
        low, high = self._bounds[:2], self._bounds[2:]
        self._bounds = np.concatenate([np.minimum(low, (x_min, y_min)), np.maximum(high, (x_max, y_max))])
        self.count += rows.num_rows
        self.area_m2 += pc.sum(rows["area_m2"]).as_py() or 0.0
        self._waiting.append(rows)
        self._waiting_rows += rows.num_rows
        if self._waiting_rows >= BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting))
            self._waiting, self._waiting_rows = [], 0

    def close(self, formats: Sequence[str]) -> list[str]:
        """Write the files.

        Args:
            formats: Of `FORMATS`.

        Returns:
            The files' names.
        """
        self._flush()
        geo = geo_metadata(self.crs, self.bounds)
        self._writer.add_key_value_metadata({"geo": json.dumps(geo), MAP_LAYER: json.dumps(self._about)})
        self._writer.close()
        files = [FORMATS[known](self) for known in FORMATS if known in formats]
        if self._parquet.name not in files:
            self._parquet.unlink()
        return files

    def _batches(self) -> Iterator[tuple[pa.RecordBatch, Geometries]]:
        with pq.ParquetFile(self._parquet) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                yield batch, geometries_of(batch)

    def _keep_geoparquet(self) -> str:
        return self._parquet.name

    def _write_geopackage(self) -> str:
        """One layer of multipolygons."""
        file = self._parquet.with_suffix(".gpkg")
        batches = (batch for batch, _ in self._batches())
        write_geopackage(file, self.name, self._schema, batches, self.crs, self._about)
        return file.name

    def _write_geojson(self) -> str:
        """A feature a line (RFC 7946), in WGS 84; a layer in pixel coordinates says so in `metadata`."""
        file = self._parquet.with_suffix(".geojson")
        with file.open("w", encoding="utf-8") as out:
            about = self._about | {"coordinates": coordinates_of(None if self.crs is None else WGS84)}
            head = {"type": "FeatureCollection", "name": self.name, "metadata": about}
            out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [')
            separator = "\n"
            for batch, shapes in self._batches():
                placed = shapes if self.crs is None else rounded(reprojected(shapes, self.crs, WGS84))
                for feature in geojson_features(batch, placed):
                    out.write(f"{separator}{feature}")
                    separator = ",\n"
            out.write("\n]}\n")
        return file.name


FORMATS: dict[str, Callable[[LayerWriter], str]] = {
    "geoparquet": LayerWriter._keep_geoparquet,
    "gpkg": LayerWriter._write_geopackage,
    "geojson": LayerWriter._write_geojson,
}
"""The file formats by name."""
