"""What footprints need to be written as GeoParquet, GeoPackage and GeoJSON, batch by batch."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import shapely

from components.core.errors import DataError
from components.core.footprints.geography import Geometries, crs_of
from components.core.footprints.records import GEOMETRY
from components.core.footprints.validity import is_broken
from components.core.storage import not_written

BATCH_ROWS = 16_384

GEOJSON_DECIMALS = 8
"""Of degrees: about a millimetre."""

Rows: TypeAlias = pa.Table | pa.RecordBatch


def geometries_of(rows: Rows) -> Geometries:
    """The polygons of a table.

    Raises:
        DataError: If one is not valid WKB.
    """
    try:
        found: Geometries = shapely.from_wkb(rows[GEOMETRY].to_numpy(zero_copy_only=False))
    except shapely.errors.ShapelyError as error:
        raise DataError(f"{GEOMETRY}: is not valid WKB ({error}); make the footprints again") from error
    return found


def geo_metadata(crs: str | None, bounds: Sequence[float] | None, bbox_column: str | None = None) -> dict[str, Any]:
    """The metadata of GeoParquet 1.1.0.

    Args:
        crs: "EPSG:…", "OGC:…" or WKT; None for one that is not known.
        bounds: Of all footprints; None where there is none.
        bbox_column: Name of the column that holds each footprint's bounds; None for no such column.
    """
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon", "MultiPolygon"],
        "crs": None if crs is None else crs_of(crs).to_json_dict(),
        "orientation": "counterclockwise",
        "edges": "planar",
    }
    if bounds is not None:
        column["bbox"] = list(bounds)
    if bbox_column is not None:
        column["covering"] = {"bbox": {side: [bbox_column, side] for side in ("xmin", "ymin", "xmax", "ymax")}}
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def write_geopackage(
    file: Path,
    layer: str,
    schema: pa.Schema,
    batches: Iterable[pa.RecordBatch],
    crs: str | None,
    about: Mapping[str, Any],
) -> None:
    """Write a GeoPackage with one layer of multipolygons.

    Args:
        file: To be written.
        layer: Name of the layer.
        schema: Of the batches.
        batches: The footprints.
        crs: "EPSG:…", "OGC:…" or WKT; None for one that is not known.
        about: What the layer says of itself; "coordinates" is its description.

    Raises:
        StorageError: If the file cannot be written.
    """
    import pyogrio  # GDAL's vector formats, for those who want this one

    rows = 0

    def counted() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for batch in batches:
            rows += batch.num_rows
            yield _with_multipolygons(batch)

    reader = pa.RecordBatchReader.from_batches(schema, counted())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        try:
            pyogrio.write_arrow(
                reader,
                file,
                layer=layer,
                driver="GPKG",
                geometry_name=GEOMETRY,
                geometry_type="MultiPolygon",
                crs=crs,
                layer_metadata={key: str(value) for key, value in about.items()},
                layer_options={"DESCRIPTION": about["coordinates"]},
            )
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError) as error:
            raise not_written(file, file.parent, error) from error
    _check_rows(file, layer, rows)


def _check_rows(file: Path, layer: str, written: int) -> None:
    """See that a closed GeoPackage holds every row, since errors of its last transaction are lost.

    Raises:
        StorageError: If it does not.
    """
    quoted = layer.replace('"', '""')
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (found,) = database.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608
    except sqlite3.Error as error:
        raise not_written(file, file.parent, error) from error
    if found != written:
        raise not_written(file, file.parent, f"it holds {found} of {written} footprints")


def _with_multipolygons(batch: pa.RecordBatch) -> pa.RecordBatch:
    parts, owner = shapely.get_parts(geometries_of(batch), return_index=True)
    geometry = pa.array(shapely.to_wkb(shapely.multipolygons(parts, indices=owner)).tolist(), pa.binary())
    place = batch.schema.get_field_index(GEOMETRY)
    return batch.set_column(place, batch.schema.field(place), geometry)


def geojson_features(rows: Rows, shapes: Geometries) -> Iterator[str]:
    """Features of GeoJSON (RFC 7946), each the text of one line.

    Args:
        rows: Whose columns become the features' properties; the geometry's is left out.
        shapes: (N,) what is written instead of it.
    """
    properties = rows.drop_columns([GEOMETRY]).to_pylist()
    for values, geometry in zip(properties, shapely.to_geojson(shapes).tolist(), strict=True):
        head = json.dumps({"type": "Feature", "id": values["id"], "properties": values}, ensure_ascii=False)
        yield f'{head[:-1]}, "geometry": {geometry}}}'


def rounded(geometries: Geometries) -> Geometries:
    """Degrees to `GEOJSON_DECIMALS` decimals, but for polygons that would not survive it."""
    result: Geometries = shapely.transform(geometries, lambda points: np.round(points, GEOJSON_DECIMALS))
    broken = is_broken(result)
    result[broken] = geometries[broken]
    return result
