from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import shapely

from components.core.errors import DataError
from components.core.footprints.vector_files import geojson_features, geometries_of, rounded

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
