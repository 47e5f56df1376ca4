from __future__ import annotations

import json
from pathlib import Path

import geopandas
import numpy as np
import pyarrow as pa
import pytest
import shapely

from components.core.errors import DataError, StorageError
from components.core.footprints.vector_files import (
    geo_metadata,
    geojson_features,
    geometries_of,
    rounded,
    write_geopackage,
)

HOUSE = shapely.Polygon([(16, 48), (16.001, 48), (16.001, 48.001), (16, 48.001)])
FARM = shapely.MultiPolygon([HOUSE, shapely.transform(HOUSE, lambda points: points + 0.01)])


def _rows(*shapes: shapely.Geometry) -> pa.RecordBatch:
    columns = {"id": [f"ö{n}" for n in range(len(shapes))], "geometry": [shapely.to_wkb(shape) for shape in shapes]}
    return pa.RecordBatch.from_pydict(columns, pa.schema([("id", pa.string()), ("geometry", pa.binary())]))


def test_polygons_of_rows_come_back() -> None:
    assert geometries_of(_rows(HOUSE, FARM)).tolist() == [HOUSE, FARM]


def test_what_is_no_wkb_is_refused() -> None:
    with pytest.raises(DataError, match="not valid WKB"):
        geometries_of(pa.table({"geometry": [b"nothing"]}))


def test_metadata_say_what_is_known() -> None:
    known = geo_metadata("OGC:CRS84", (1, 2, 3, 4), "box")["columns"]["geometry"]
    assert known["crs"]["id"]["code"] == "CRS84"
    assert known["bbox"] == [1, 2, 3, 4]
    assert known["covering"]["bbox"]["ymax"] == ["box", "ymax"]

    unknown = geo_metadata(None, None)["columns"]["geometry"]
    assert unknown["crs"] is None
    assert not {"bbox", "covering"} & set(unknown)


def test_a_geopackage_has_multipolygons_alone(tmp_path: Path) -> None:
    rows = _rows(HOUSE, FARM)

    write_geopackage(tmp_path / "a.gpkg", "houses", rows.schema, [rows, rows], "EPSG:4326", {"coordinates": "WGS 84"})

    found = geopandas.read_file(tmp_path / "a.gpkg", layer="houses")
    assert found["id"].tolist() == ["ö0", "ö1"] * 2
    assert set(found.geom_type) == {"MultiPolygon"}
    assert found.geometry[1].equals(FARM)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    rows = _rows(HOUSE)

    with pytest.raises(StorageError, match=r"missing/a\.gpkg"):
        write_geopackage(tmp_path / "missing" / "a.gpkg", "a", rows.schema, [rows], None, {"coordinates": "pixels"})


def test_a_feature_is_one_line() -> None:
    (line,) = geojson_features(_rows(HOUSE), np.array([HOUSE], dtype=object))

    feature = json.loads(line)
    assert "\n" not in line and "ö0" in line
    assert (feature["type"], feature["id"], feature["properties"]) == ("Feature", "ö0", {"id": "ö0"})
    assert shapely.from_geojson(json.dumps(feature["geometry"])) == HOUSE


def test_degrees_are_rounded_where_the_polygon_survives() -> None:
    sliver = shapely.Polygon([(16, 48), (16 + 1e-9, 48), (16, 48 + 1e-9)])
    house = shapely.transform(HOUSE, lambda points: points + 3e-9)

    found = rounded(np.array([house, sliver], dtype=object))

    assert found.tolist() == [HOUSE, sliver]
