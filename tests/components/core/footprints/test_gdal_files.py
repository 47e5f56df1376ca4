from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas
import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely

from components.core.errors import StorageError
from components.core.footprints.gdal_files import (
    PMTILES_ZOOMS,
    VectorLayer,
    write_flatgeobuf,
    write_geopackage,
    write_pmtiles,
)
from components.core.footprints.qgis_style import style_qml

HOUSE = shapely.Polygon([(16, 48), (16.001, 48), (16.001, 48.001), (16, 48.001)])
FARM = shapely.MultiPolygon([HOUSE, shapely.transform(HOUSE, lambda points: points + 0.01)])
ABOUT = {"coordinates": "WGS 84"}


def houses(rows: pa.Table | pa.RecordBatch, crs: str = "EPSG:4326") -> VectorLayer:
    return VectorLayer("houses", rows.schema, crs, ABOUT)


Write = Callable[..., None]
WRITERS: dict[str, Write] = {"gpkg": write_geopackage, "fgb": write_flatgeobuf, "pmtiles": write_pmtiles}


def _rows(*shapes: shapely.Geometry) -> pa.RecordBatch:
    columns: dict[str, Any] = {
        "id": [f"ö{n}" for n in range(len(shapes))],
        "confidence": [None if n == 0 else 0.5 for n in range(len(shapes))],
        "touches_edge": [n == 1 for n in range(len(shapes))],
        "geometry": shapely.to_wkb(np.array(shapes, dtype=object)).tolist(),
    }
    kinds = (pa.string(), pa.float64(), pa.bool_(), pa.binary())
    return pa.RecordBatch.from_pydict(columns, pa.schema(list(zip(columns, kinds, strict=True))))


def _read(file: Path) -> geopandas.GeoDataFrame:
    return geopandas.read_file(file, layer="houses")


@pytest.mark.parametrize("name", ["gpkg", "fgb"])
def test_a_file_of_features_has_multipolygons_alone(tmp_path: Path, name: str) -> None:
    rows, file = _rows(HOUSE, FARM), tmp_path / f"a.{name}"

    WRITERS[name](file, houses(rows), [rows, rows])

    found = _read(file).sort_values("id", ignore_index=True)
    assert found["id"].tolist() == ["ö0", "ö0", "ö1", "ö1"]
    assert found["confidence"].isna().tolist() == [True, True, False, False]
    assert found["touches_edge"].tolist() == [False, False, True, True]
    assert set(found.geom_type) == {"MultiPolygon"}
    assert found.geometry[2].equals(FARM)
    assert found.crs == "EPSG:4326"


def test_a_flatgeobuf_has_its_index(tmp_path: Path) -> None:
    apart = [shapely.transform(HOUSE, lambda points, n=n: points + n / 100) for n in range(40)]
    rows = _rows(*apart)

    write_flatgeobuf(tmp_path / "a.fgb", houses(rows), [rows])

    assert pyogrio.read_info(tmp_path / "a.fgb")["capabilities"]["fast_spatial_filter"]
    found = geopandas.read_file(tmp_path / "a.fgb", bbox=apart[7].bounds)
    assert found["id"].tolist() == ["ö7"]


def test_tiles_are_where_the_houses_are(tmp_path: Path) -> None:
    utm = geopandas.GeoSeries([HOUSE, FARM], crs="EPSG:4326").to_crs("EPSG:32633")
    rows = _rows(*utm)

    write_pmtiles(tmp_path / "a.pmtiles", houses(rows, "EPSG:32633"), [rows.slice(0, 0), rows])

    for zoom in PMTILES_ZOOMS:
        found = geopandas.read_file(tmp_path / "a.pmtiles", layer="houses", ZOOM_LEVEL=zoom).dissolve("id")
        assert list(found.index) == ["ö0", "ö1"]
        expected = geopandas.GeoSeries([HOUSE, FARM], crs="EPSG:4326").to_crs(found.crs)
        metres = 40_075_017 / 2**zoom / 4096
        assert shapely.hausdorff_distance(found.geometry.values, expected.values).max() < 2 * metres


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_of_nothing_opens(tmp_path: Path, name: str) -> None:
    rows, file = _rows(HOUSE).slice(0, 0), tmp_path / f"a.{name}"

    WRITERS[name](file, houses(rows), [])

    found = _read(file)
    assert len(found) == 0
    assert {"id", "confidence", "touches_edge"} <= set(found.columns)


@pytest.mark.parametrize("name", WRITERS)
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    rows = _rows(HOUSE)

    with pytest.raises(StorageError, match=rf"missing/a\.{name}"):
        WRITERS[name](tmp_path / "missing" / f"a.{name}", houses(rows), [rows])


def test_qgis_finds_the_style_of_a_geopackage(tmp_path: Path) -> None:
    """By a table of this name and these columns, and the row of the layer that is its default."""
    rows = _rows(HOUSE)
    write_geopackage(tmp_path / "a.gpkg", houses(rows), [rows])

    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as database:
        columns = [name for _, name, *_ in database.execute("PRAGMA table_info(layer_styles)")]
        (style,) = database.execute("SELECT * FROM layer_styles").fetchall()
        named = database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchone()
        listed = database.execute("SELECT table_name, data_type FROM gpkg_contents ORDER BY 1").fetchall()
    assert columns == [
        *("id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML"),
        *("styleSLD", "useAsDefault", "description", "owner", "ui", "update_time"),
    ]
    said = dict(zip(columns, style, strict=True))
    assert (said["f_table_name"], said["f_geometry_column"]) == named and named[0] == "houses"
    assert said["useAsDefault"] == 1
    assert (said["f_table_catalog"], said["f_table_schema"]) == ("", "")
    assert said["styleQML"] == style_qml() and said["update_time"]
    assert listed == [("houses", "features"), ("layer_styles", "attributes")]


def test_every_rule_of_the_style_has_its_symbol() -> None:
    style = ElementTree.fromstring(style_qml())

    assert style.tag == "qgis"
    rules = style.findall("renderer-v2/rules/rule")
    symbols = {symbol.get("name"): symbol for symbol in style.findall("renderer-v2/symbols/symbol")}
    assert [rule.get("symbol") for rule in rules] == list(symbols)
    assert rules[-1].get("filter") == "ELSE"
    for symbol in symbols.values():
        options = {option.get("name") for option in symbol.findall("layer[@class='SimpleFill']/Option/Option")}
        assert {"color", "outline_color", "outline_width"} <= options
