"""Footprints in formats that GDAL writes, batch by batch: GeoPackage, FlatGeobuf and PMTiles."""

from __future__ import annotations

import gzip
import json
import logging
import sqlite3
import struct
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely

from components.core.footprints.qgis_style import add_style
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import geometries_of
from components.core.storage import not_written

log = logging.getLogger(__name__)

PMTILES_ZOOMS = (12, 15)
"""From where a town can be seen to where a unit of a tile is 30 cm at the equator; maps enlarge the last one."""

THREADS = "GDAL_NUM_THREADS"

_PMTILES_MAGIC = (b"PMTiles", 3)
_PMTILES_PLACES = struct.Struct("<7sB8Q")
"""Magic and version; then offset and length of the root directory, the metadata, the leaf directories and the tiles."""

_PMTILES_FACTS = struct.Struct("<3Q6B4iB2i")
"""The rest of the head: counts of tiles, kinds of compression and of tiles, zooms and bounds."""

_GZIP, _VECTOR_TILES = 2, 1


@dataclass(frozen=True)
class VectorLayer:
    """A layer of footprints, whatever the format.

    Attributes:
        name: Of the layer.
        schema: Of its rows.
        crs: "EPSG:…", "OGC:…" or WKT; None for one that is not known, of which there are no tiles.
        about: What the layer says of itself; "coordinates" is its description.
    """

    name: str
    schema: pa.Schema
    crs: str | None
    about: Mapping[str, Any]

    @property
    def description(self) -> str:
        """For people."""
        return str(self.about["coordinates"])


def write_geopackage(file: Path, layer: VectorLayer, batches: Iterable[pa.RecordBatch]) -> None:
    """Write a GeoPackage with one layer of multipolygons, and how QGIS draws it.

    Args:
        file: To be written.
        layer: What it is.
        batches: The footprints.

    Raises:
        StorageError: If the file cannot be written.
    """
    add_geopackage_layer(file, layer, batches)
    try:
        add_style(file, layer.name)
    except sqlite3.Error as error:
        raise not_written(file, file.parent, error) from error


def add_geopackage_layer(file: Path, layer: VectorLayer, batches: Iterable[pa.RecordBatch]) -> None:
    """Write a layer of multipolygons into a GeoPackage that is there, or make one; see `write_geopackage`.

    Raises:
        StorageError: If the file cannot be written.
    """
    options = {
        "layer_metadata": {key: str(value) for key, value in layer.about.items()},
        "layer_options": {"DESCRIPTION": layer.description},
    }
    rows = _write(file, layer, batches, "GPKG", options)
    try:
        found = _rows_of_geopackage(file, layer.name)
    except sqlite3.Error as error:
        raise not_written(file, file.parent, error) from error
    _check(file, found, rows)


def write_flatgeobuf(file: Path, layer: VectorLayer, batches: Iterable[pa.RecordBatch]) -> None:
    """Write a FlatGeobuf of multipolygons with its spatial index; see `write_geopackage`.

    Raises:
        StorageError: If the file cannot be written.
    """
    import pyogrio  # GDAL's vector formats, for those who want one

    options = {"layer_options": {"SPATIAL_INDEX": "YES", "DESCRIPTION": layer.description}}
    rows = _write(file, layer, batches, "FlatGeobuf", options)
    found = 0
    try:
        if rows:
            with pyogrio.open_arrow(file, columns=[], use_pyarrow=True) as (_, reader):
                found = sum(batch.num_rows for batch in reader)
    except (pyogrio.errors.DataSourceError, RuntimeError, pa.ArrowException) as error:
        raise not_written(file, file.parent, error) from error
    _check(file, found, rows)


def write_pmtiles(file: Path, layer: VectorLayer, batches: Iterable[pa.RecordBatch]) -> None:
    """Write vector tiles for maps on the web, in Web Mercator and of `PMTILES_ZOOMS`; see `write_geopackage`.

    Source: https://github.com/protomaps/PMTiles, "PMTiles Version 3 Specification".

    Raises:
        StorageError: If the file cannot be written.
    """
    remaining = iter(batches)
    first = next((batch for batch in remaining if batch.num_rows), None)
    if first is None:
        file.write_bytes(_empty_pmtiles(layer))
        return
    least, most = PMTILES_ZOOMS
    options = {
        "dataset_options": {
            "NAME": layer.name,
            "DESCRIPTION": layer.description,
            "TYPE": "overlay",
            "MINZOOM": least,
            "MAXZOOM": most,
        }
    }
    with _one_thread(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        _write(file, layer, chain([first], remaining), "PMTiles", options, _room_of_tiles)
    for message in said:
        log.info("%s: %s", file.name, message.message)
    _check_pmtiles(file)


@contextmanager
def _one_thread() -> Iterator[None]:
    """With several threads GDAL loses errors of tiles that cannot be written, and the tiles."""
    import pyogrio  # GDAL's vector formats, for those who want one

    before = pyogrio.get_gdal_config_option(THREADS)
    pyogrio.set_gdal_config_options({THREADS: "1"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({THREADS: before})


def _room_of_tiles(rows: int) -> int:
    """Bytes of the database in which GDAL collects tiles: at least its pages, and a row in each zoom."""
    return (1 << 20) + 256 * rows * (PMTILES_ZOOMS[1] + 1 - PMTILES_ZOOMS[0])


def _check_pmtiles(file: Path) -> None:
    """See that a file of tiles is as long as its head says.

    Raises:
        StorageError: If it is not.
    """
    with file.open("rb") as written:
        head = written.read(_PMTILES_PLACES.size)
    if len(head) < _PMTILES_PLACES.size:
        raise not_written(file, file.parent, "it ends within its head")
    magic, version, *places = _PMTILES_PLACES.unpack(head)
    ends = max(start + length for start, length in zip(places[0::2], places[1::2], strict=True))
    if (magic, version) != _PMTILES_MAGIC or ends > file.stat().st_size:
        raise not_written(file, file.parent, f"it holds {file.stat().st_size} of {ends} bytes")


def _empty_pmtiles(layer: VectorLayer) -> bytes:
    """A file of no tiles, which GDAL cannot write."""
    least, most = PMTILES_ZOOMS
    kinds = {name: _kind_in_tiles(layer.schema.field(name).type) for name in layer.schema.names if name != GEOMETRY}
    vector_layer = {"id": layer.name, "description": "", "minzoom": least, "maxzoom": most, "fields": kinds}
    about = {"name": layer.name, "description": layer.description}
    metadata = {**about, "type": "overlay", "vector_layers": [vector_layer]}
    parts = [gzip.compress(part, mtime=0) for part in (b"\0", json.dumps(metadata).encode())]  # a directory of nothing
    start = _PMTILES_PLACES.size + _PMTILES_FACTS.size
    places = [start, len(parts[0]), start + len(parts[0]), len(parts[1]), *[start + len(b"".join(parts)), 0] * 2]
    facts = (0, 0, 0, 1, _GZIP, _GZIP, _VECTOR_TILES, least, most, 0, 0, 0, 0, least, 0, 0)
    return b"".join([_PMTILES_PLACES.pack(*_PMTILES_MAGIC, *places), _PMTILES_FACTS.pack(*facts), *parts])


def _kind_in_tiles(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "Boolean"
    return "String" if pa.types.is_string(kind) else "Number"


def _write(
    file: Path,
    layer: VectorLayer,
    batches: Iterable[pa.RecordBatch],
    driver: str,
    options: Mapping[str, Any],
    needs_bytes: Callable[[int], int] | None = None,
) -> int:
    """Have GDAL write a file; gives how many rows it took.

    `needs_bytes` says for so many rows what room it takes on the disk beside the file, and gives back where that fails.
    """
    import pyogrio  # GDAL's vector formats, for those who want one

    rows = 0

    def counted() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in batches:
            rows += batch.num_rows
            yield _with_multipolygons(batch)

    reader = pa.RecordBatchReader.from_batches(layer.schema, counted())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        try:
            pyogrio.write_arrow(
                reader,
                file,
                layer=layer.name,
                driver=driver,
                geometry_name=GEOMETRY,
                geometry_type="MultiPolygon",
                crs=layer.crs,
                **options,
            )
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError) as error:
            text = str(error).replace(str(file), file.name)
            raise not_written(file, file.parent, text, needs_bytes(rows) if needs_bytes else 0) from error
    return rows


def _check(file: Path, found: int, written: int) -> None:
    """See that a closed file holds every row, since errors of what GDAL writes last are lost.

    Raises:
        StorageError: If it does not.
    """
    if found != written:
        raise not_written(file, file.parent, f"it holds {found} of {written} footprints")


def _rows_of_geopackage(file: Path, layer: str) -> int:
    quoted = layer.replace('"', '""')
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
        (found,) = database.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608
    return int(found)


def _with_multipolygons(batch: pa.RecordBatch) -> pa.RecordBatch:
    parts, owner = shapely.get_parts(geometries_of(batch), return_index=True)
    geometry = pa.array(shapely.to_wkb(shapely.multipolygons(parts, indices=owner)).tolist(), pa.binary())
    place = batch.schema.get_field_index(GEOMETRY)
    return batch.set_column(place, batch.schema.field(place), geometry)
