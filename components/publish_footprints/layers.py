"""A footprint layer as GeoParquet, GeoPackage and GeoJSON, written without holding it in memory.

Rows come in as tables and go to GeoParquet, which the other two are then made from, batch by batch.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyogrio
import shapely

from components.core.errors import StorageError
from components.core.footprints.geography import WGS84, Geometries, crs_of, name_of_crs, reprojected
from components.core.footprints.records import GEOMETRY, MAP_SCHEMA, PIXEL_COORDINATES, PIXEL_SCHEMA

MAP_LAYER = "footprints"
PIXEL_LAYER = "footprints_pixels"

BATCH_ROWS = 16_384

GEOJSON_DECIMALS = 8
"""Of degrees: about a millimetre."""


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
        x_min, y_min, x_max, y_max = shapely.total_bounds(_geometries(rows))
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
        self._writer.add_key_value_metadata({"geo": json.dumps(self._geo()), MAP_LAYER: json.dumps(self._about)})
        self._writer.close()
        files = [FORMATS[known](self) for known in FORMATS if known in formats]
        if self._parquet.name not in files:
            self._parquet.unlink()
        return files

    def _geo(self) -> dict[str, Any]:
        """The metadata of GeoParquet 1.1.0; a CRS of null means that none is known."""
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": ["Polygon", "MultiPolygon"],
            "crs": None if self.crs is None else crs_of(self.crs).to_json_dict(),
            "orientation": "counterclockwise",
            "edges": "planar",
        }
        if self.bounds is not None:
            column["bbox"] = self.bounds
        return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}

    def _batches(self) -> Iterator[tuple[pa.RecordBatch, Geometries]]:
        with pq.ParquetFile(self._parquet) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                yield batch, _geometries(batch)

    def _keep_geoparquet(self) -> str:
        return self._parquet.name

    def _write_geopackage(self) -> str:
        """One layer of multipolygons."""
        file = self._parquet.with_suffix(".gpkg")
        reader = pa.RecordBatchReader.from_batches(self._schema, self._multipolygons())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'crs' was not provided")
            try:
                pyogrio.write_arrow(
                    reader,
                    file,
                    layer=self.name,
                    driver="GPKG",
                    geometry_name=GEOMETRY,
                    geometry_type="MultiPolygon",
                    crs=self.crs,
                    layer_metadata={key: str(value) for key, value in self._about.items()},
                    layer_options={"DESCRIPTION": self._about["coordinates"]},
                )
            except pyogrio.errors.DataSourceError as error:
                raise StorageError(f"{file}: cannot be written ({error}); is the disk full?") from error
        return file.name

    def _multipolygons(self) -> Iterator[pa.RecordBatch]:
        for batch, shapes in self._batches():
            parts, owner = shapely.get_parts(shapes, return_index=True)
            many = shapely.multipolygons(parts, indices=owner)
            geometry = pa.array(shapely.to_wkb(many).tolist(), pa.binary())
            yield batch.set_column(batch.schema.get_field_index(GEOMETRY), self._schema.field(GEOMETRY), geometry)

    def _write_geojson(self) -> str:
        """A feature a line (RFC 7946), in WGS 84; a layer in pixel coordinates says so in `metadata`."""
        file = self._parquet.with_suffix(".geojson")
        with file.open("w", encoding="utf-8") as out:
            about = self._about | {"coordinates": coordinates_of(None if self.crs is None else WGS84)}
            head = {"type": "FeatureCollection", "name": self.name, "metadata": about}
            out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [')
            separator = "\n"
            for batch, shapes in self._batches():
                placed = shapes if self.crs is None else _rounded(reprojected(shapes, self.crs, WGS84))
                properties = batch.drop_columns([GEOMETRY]).to_pylist()
                for values, geometry in zip(properties, shapely.to_geojson(placed).tolist(), strict=True):
                    head_of_feature = json.dumps(
                        {"type": "Feature", "id": values["id"], "properties": values}, ensure_ascii=False
                    )
                    out.write(f'{separator}{head_of_feature[:-1]}, "geometry": {geometry}}}')
                    separator = ",\n"
            out.write("\n]}\n")
        return file.name


FORMATS: dict[str, Callable[[LayerWriter], str]] = {
    "geoparquet": LayerWriter._keep_geoparquet,
    "gpkg": LayerWriter._write_geopackage,
    "geojson": LayerWriter._write_geojson,
}
"""The file formats by name."""


def _geometries(rows: pa.Table | pa.RecordBatch) -> Geometries:
    found: Geometries = shapely.from_wkb(rows[GEOMETRY].to_numpy(zero_copy_only=False))
    return found


def _rounded(geometries: Geometries) -> Geometries:
    """Coordinates to so many decimals, but for polygons that would not survive it."""
    result: Geometries = shapely.transform(geometries, lambda points: np.round(points, GEOJSON_DECIMALS))
    broken = ~shapely.is_valid(result)
    result[broken] = geometries[broken]
    return result
