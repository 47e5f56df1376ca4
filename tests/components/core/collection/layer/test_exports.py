from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import geopandas
import pyogrio
import pytest
import shapely

from components.core import storage
from components.core.collection.formats import LayerFormat
from components.core.collection.layer.exports import FORMATS, export_layer, file_of
from components.core.collection.layer.index import read_layer, write_layer
from components.core.collection.layer.update import update_layer
from components.core.collection.ledger import Collection
from components.core.errors import DataError
from tests.components.core.collection.layer.killing import killed_at
from tests.components.core.collection.layer.small_collections import Building, SmallScene, finish_all
from tests.s3_server import S3Server

TOWN = SmallScene("town-1", 0, 0, 10, 10, (Building("t1", 1, 1), Building("t2", 5, 5, confidence=None)))
EMPTY = SmallScene("empty-1", 50, 0, 10, 10, ())
VILLAGE = SmallScene("village-1", 20, 0, 10, 10, (Building("v1", 21, 1, 3, 2, True),))


def _layer(output_uri: str, *scenes: SmallScene) -> Collection:
    collection = Collection(output_uri)
    finish_all(collection, scenes)
    update_layer(collection, "/imagery", collection.marks())
    return collection


def _read(file: str) -> geopandas.GeoDataFrame:
    return geopandas.read_file(file, layer="footprints")


def test_files_of_features_show_the_layer(tmp_path: Path) -> None:
    collection = _layer(str(tmp_path), EMPTY, TOWN, VILLAGE)

    files = export_layer(collection, ["gpkg", "geojsonl", "fgb"])

    assert files == tuple(str(tmp_path / f"footprints.{name}") for name in ("gpkg", "geojsonl", "fgb"))
    layer = geopandas.read_parquet(collection.place("layer")).set_index("id").sort_index()
    for file in files:
        found = _read(file).set_index("id").sort_index()
        assert list(found.index) == ["t1", "t2", "v1"]
        assert found.crs == "EPSG:4326"
        assert found["touches_edge"].astype(bool).tolist() == [False, False, True]
        assert found["confidence"].isna().tolist() == [False, True, False]
        assert shapely.hausdorff_distance(found.geometry.values, layer.geometry.values).max() < 1e-8
    assert pyogrio.read_info(files[0], "footprints")["geometry_type"] == "MultiPolygon"


def test_tiles_show_the_layer(tmp_path: Path) -> None:
    collection = _layer(str(tmp_path), EMPTY, TOWN, VILLAGE)

    (file,) = export_layer(collection, ["pmtiles"])

    layer = geopandas.read_parquet(collection.place("layer")).to_crs("EPSG:3857").set_index("id")
    found = geopandas.read_file(file).dissolve("id")  # a building that lies in two tiles is in both
    assert list(found.index) == ["t1", "t2", "v1"]
    assert found.crs == "EPSG:3857"
    assert shapely.hausdorff_distance(found.geometry.values, layer.geometry[found.index].values).max() < 0.5


def test_each_line_is_a_feature(tmp_path: Path) -> None:
    (file,) = export_layer(_layer(str(tmp_path), TOWN), ["geojsonl"])

    features = [json.loads(line) for line in Path(file).read_text().splitlines()]
    by_id = {feature["id"]: feature for feature in features}
    assert sorted(by_id) == ["t1", "t2"]
    assert by_id["t2"]["properties"]["confidence"] is None
    assert set(features[0]["properties"]) == {"id", "class", "area_m2", "area_px", "confidence", "status", "source"} | {
        "captured",
        "first_seen",
        "last_seen",
        "model",
        "touches_edge",
    }


def test_a_file_is_written_again_only_when_the_layer_is_another(tmp_path: Path) -> None:
    collection = _layer(str(tmp_path), TOWN)
    formats = list(FORMATS)
    export_layer(collection, formats)
    before = [storage.stat(file_of(collection, name)) for name in formats]

    export_layer(collection, formats)
    assert [storage.stat(file_of(collection, name)) for name in formats] == before

    (tmp_path / "footprints.geojsonl").unlink()
    export_layer(collection, formats)
    assert storage.stat(file_of(collection, "gpkg")) == before[0]
    assert storage.exists(file_of(collection, "geojsonl"))

    _layer(str(tmp_path), TOWN, VILLAGE)
    export_layer(collection, ["geojsonl"])
    assert len((tmp_path / "footprints.geojsonl").read_text().splitlines()) == 3
    assert storage.stat(file_of(collection, "gpkg")) == before[0]
    export_layer(collection, formats)
    assert len(_read(str(tmp_path / "footprints.gpkg"))) == 3


def test_a_list_of_files_that_is_lost_costs_no_more_than_time(tmp_path: Path) -> None:
    collection = _layer(str(tmp_path), TOWN)
    export_layer(collection, ["geojsonl"])
    (tmp_path / "exports.json").write_text("broken")
    (tmp_path / "footprints.geojsonl").write_text("old")

    export_layer(collection, ["geojsonl"])

    assert len((tmp_path / "footprints.geojsonl").read_text().splitlines()) == 2


def test_a_killed_export_is_made_again(tmp_path: Path) -> None:
    """Killed anywhere while the layer was another one: what is said of the file must not be taken for true."""
    event, came_so_far = 0, True
    while came_so_far:
        event += 1
        collection = _layer(str(tmp_path / str(event)), TOWN)
        export_layer(collection, ["geojsonl"])
        _layer(collection.output_uri, TOWN, VILLAGE)
        came_so_far = killed_at(event, lambda place=collection: export_layer(place, ["geojsonl"]))
        _layer(collection.output_uri, TOWN)

        (file,) = export_layer(collection, ["geojsonl"])

        assert len(Path(file).read_text().splitlines()) == 2
    assert event > 3


def test_an_empty_layer_gives_empty_files(tmp_path: Path) -> None:
    places = dict(zip(FORMATS, export_layer(_layer(str(tmp_path)), list(FORMATS)), strict=True))

    assert len(_read(places["gpkg"])) == len(_read(places["fgb"])) == len(_read(places["pmtiles"])) == 0
    assert Path(places["geojsonl"]).read_text() == ""
    assert list(_read(places["fgb"]).columns) == list(_read(places["gpkg"]).columns)


def test_files_go_to_object_storage(s3_environment: S3Server) -> None:
    collection = _layer(s3_environment.new_folder(), TOWN)

    files = export_layer(collection, list(FORMATS))

    assert storage.read_bytes(files[0])[:15] == b"SQLite format 3"
    assert len(storage.read_bytes(files[1]).splitlines()) == 2


def test_a_layer_that_is_not_up_to_date_is_not_exported(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    with pytest.raises(DataError, match="not up to date"):
        export_layer(collection, ["gpkg"])
    _layer(str(tmp_path), TOWN)
    layer = read_layer(collection)
    assert layer is not None
    write_layer(collection, replace(layer, unsettled=(TOWN.bounds,)))

    with pytest.raises(DataError, match="not up to date"):
        export_layer(collection, ["gpkg"])
    assert export_layer(collection, []) == ()


def test_every_format_has_its_writer() -> None:
    assert list(FORMATS) == list(LayerFormat)
