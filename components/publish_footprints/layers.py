"""A footprint layer as GeoParquet, GeoPackage, GeoJSON, FlatGeobuf and PMTiles, written without holding it in memory.

Rows come in as tables and go to GeoParquet, which the others are then made from, batch by batch.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.core.footprints.gdal_files import VectorLayer, write_flatgeobuf, write_geopackage, write_pmtiles
from components.core.footprints.geography import WGS84, Geometries, name_of_crs, reprojected
from components.core.footprints.geoparquet import SortedGeoParquet
from components.core.footprints.records import MAP_SCHEMA, PIXEL_COORDINATES, PIXEL_SCHEMA
from components.core.footprints.vector_files import BATCH_ROWS, geojson_features, geometries_of, rounded

log = logging.getLogger(__name__)

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
        area_m2: Their true area; 0 for pixel coordinates.
    """

    def __init__(self, directory: Path, crs: str | None, about: dict[str, Any]) -> None:
        self.name = PIXEL_LAYER if crs is None else MAP_LAYER
        self.crs = crs
        self.area_m2 = 0.0
        self._about = about
        self._schema = PIXEL_SCHEMA if crs is None else MAP_SCHEMA
        self._layer = VectorLayer(self.name, self._schema, crs, about)
        self._parquet = directory / f"{self.name}.parquet"
        self._sorted = SortedGeoParquet(self._parquet, self._schema, crs)

    @property
    def count(self) -> int:
        """Rows so far."""
        return self._sorted.count

    @property
    def bounds(self) -> list[float] | None:
        """West, south, east, north (or left, top, right, bottom in pixels); None for an empty layer."""
        return self._sorted.bounds

    def add(self, rows: pa.Table) -> None:
        """Append rows of the layer's schema."""
        self._sorted.add(rows)
        self.area_m2 += pc.sum(rows["area_m2"]).as_py() or 0.0

    def close(self, formats: Sequence[str]) -> list[str]:
        """Write the files.

        Args:
            formats: Of `FORMATS`.

        Returns:
            The files' names.
        """
        self._sorted.close({MAP_LAYER: json.dumps(self._about)})
        files = [name for known, write in FORMATS.items() if known in formats and (name := write(self))]
        if self._parquet.name not in files:
            self._parquet.unlink()
        return files

    def _batches(self) -> Iterator[tuple[pa.RecordBatch, Geometries]]:
        with pq.ParquetFile(self._parquet) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=self._schema.names):
                yield batch, geometries_of(batch)

    def _rows(self) -> Iterator[pa.RecordBatch]:
        return (batch for batch, _ in self._batches())

    def _keep_geoparquet(self) -> str:
        return self._parquet.name

    def _write_geopackage(self) -> str:
        """One layer of multipolygons."""
        file = self._parquet.with_suffix(".gpkg")
        write_geopackage(file, self._layer, self._rows())
        return file.name

    def _write_flatgeobuf(self) -> str:
        file = self._parquet.with_suffix(".fgb")
        write_flatgeobuf(file, self._layer, self._rows())
        return file.name

    def _write_pmtiles(self) -> str:
        """Nothing for pixel coordinates, which have no place on a map of the world."""
        file = self._parquet.with_suffix(".pmtiles")
        if self.crs is None:
            log.warning("%s: not written, since its images have no CRS; georeference them for map tiles", file.name)
            return ""
        write_pmtiles(file, self._layer, self._rows())
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
    "fgb": LayerWriter._write_flatgeobuf,
    "pmtiles": LayerWriter._write_pmtiles,
}
"""The file formats by name; what writes one gives the file's name, or an empty text where the layer has none in it."""

USUAL_FORMATS = ("geoparquet", "gpkg", "geojson")
"""What is written where nobody says otherwise."""
