"""The whole layer in one file, for whoever cannot read partitioned GeoParquet; written on request.

`exports.json` says of which state of the layer each file is, so that a file is rewritten only when the layer is
another. What it says of a file is taken out before the file is replaced: after a killed run it is written again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.core import storage
from components.core.collection.formats import LayerFormat
from components.core.collection.layer.index import LAYER_FILE, CollectionLayer, read_layer
from components.core.collection.layer.tables import FOOTPRINT_SCHEMA, batches_of
from components.core.collection.ledger import Collection
from components.core.errors import DataError
from components.core.footprints.gdal_files import VectorLayer, write_flatgeobuf, write_geopackage, write_pmtiles
from components.core.footprints.geography import WGS84
from components.core.footprints.vector_files import BATCH_ROWS, geojson_features, geometries_of, rounded
from components.core.hashing import digest
from components.core.progress import progress

log = logging.getLogger(__name__)

EXPORTS_FILE = "exports.json"
LAYER_NAME = "footprints"

Batches = Iterator[pa.RecordBatch]

ABOUT = {
    "coordinates": "map coordinates in WGS 84, longitude and latitude",
    "area_m2": "of the object's pixels, on the ellipsoid of WGS 84, before simplification",
    "area_px": "number of the object's pixels",
    "confidence": "mean over the object's pixels, 0 to 1",
    "status": "what regularisation did with the outline",
    "source": "key of the image, relative to the imagery's prefix",
    "captured": "when the image was taken",
    "first_seen": "when the first image was taken that shows the building",
    "last_seen": "when the last one was",
    "model": "digest of the model",
    "touches_edge": "whether the image's border cuts the object",
}


LAYER = VectorLayer(LAYER_NAME, FOOTPRINT_SCHEMA, WGS84, ABOUT)


def export_layer(collection: Collection, formats: Sequence[str]) -> tuple[str, ...]:
    """Have files of the whole layer beside it, a partition in memory at a time.

    Args:
        collection: Whose layer is up to date.
        formats: Names of them, as `formats_of_text` gives them.

    Returns:
        The files' URIs, in the order of the formats.

    Raises:
        DataError: If there is no layer, or it is only partly up to date.
        StorageError: If a place cannot be read or written.
    """
    if not formats:
        return ()
    layer = read_layer(collection)
    if layer is None or layer.unsettled:
        raise DataError(f"{collection.place(LAYER_FILE)}: the layer is not up to date; update it before it is exported")
    state = _state(layer)
    known = _known(collection)
    for name in formats:
        place = file_of(collection, name)
        if known.get(name) == state and storage.exists(place):
            continue
        if known.pop(name, None) is not None:
            _say(collection, known)
        with storage.staged_file(place) as file:
            FORMATS[name](file, _batches(collection, layer))
        known[name] = state
        _say(collection, known)
    return tuple(file_of(collection, name) for name in formats)


def outdated_files(collection: Collection, layer: CollectionLayer) -> tuple[str, ...]:
    """Names of the files that earlier runs wrote and that are not of this state of the layer.

    Raises:
        StorageError: If a place cannot be read.
    """
    state = _state(layer)
    return tuple(f"{LAYER_NAME}.{name}" for name, known in sorted(_known(collection).items()) if known != state)


def file_of(collection: Collection, name: str) -> str:
    """Where the layer lies in a format."""
    return collection.place(f"{LAYER_NAME}.{name}")


def _state(layer: CollectionLayer) -> str:
    return digest(layer.as_json())


def _known(collection: Collection) -> dict[str, str]:
    place = collection.place(EXPORTS_FILE)
    if not storage.exists(place):
        return {}
    try:
        return dict(json.loads(storage.read_bytes(place)))
    except (ValueError, TypeError) as error:
        log.warning("%s: cannot be read (%s); the files it lists are rebuilt", place, error)
        return {}


def _say(collection: Collection, known: dict[str, str]) -> None:
    text = json.dumps(dict(sorted(known.items())), indent=1)
    storage.write_bytes(collection.place(EXPORTS_FILE), f"{text}\n".encode())


def _batches(collection: Collection, layer: CollectionLayer) -> Batches:
    for part in progress(layer.parts, what="partitions exported"):
        place = collection.partition(part.scene)
        try:
            with pq.ParquetFile(pa.BufferReader(storage.read_bytes(place))) as file:
                yield from batches_of(file, FOOTPRINT_SCHEMA.names, BATCH_ROWS)
        except (pa.ArrowException, ValueError) as error:
            raise DataError(
                f"{place}: is not a partition of the layer ({error}); delete {LAYER_FILE}, and the layer is rebuilt"
            ) from error


def _write_by_gdal(write: Callable[[Path, VectorLayer, Batches], None], file: Path, batches: Batches) -> None:
    write(file, LAYER, batches)


def _write_lines(file: Path, batches: Batches) -> None:
    """A feature of GeoJSON (RFC 7946) a line, without the record separators of RFC 8142."""
    with file.open("w", encoding="utf-8") as out:
        for batch in batches:
            out.writelines(f"{feature}\n" for feature in geojson_features(batch, rounded(geometries_of(batch))))


FORMATS: dict[str, Callable[[Path, Batches], None]] = {
    LayerFormat.GPKG: partial(_write_by_gdal, write_geopackage),
    LayerFormat.GEOJSONL: _write_lines,
    LayerFormat.FGB: partial(_write_by_gdal, write_flatgeobuf),
    LayerFormat.PMTILES: partial(_write_by_gdal, write_pmtiles),
}
"""What writes each format."""
