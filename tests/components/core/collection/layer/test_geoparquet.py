from __future__ import annotations

import json
from pathlib import Path

import geopandas
import numpy as np
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet as pq
import shapely

from components.core.collection.layer.tables import FOOTPRINTS_FILE, LAYER_SCHEMA
from components.core.collection.layer.update import update_layer
from components.core.collection.ledger import Collection
from components.core.footprints.hilbert import WORLD
from components.core.storage import parse_uri
from tests.components.core.collection.layer.small_collections import Building, SmallScene, degrees, finish_all
from tests.geoparquet_checks import check_geoparquet
from tests.s3_server import S3Server

SCENES = [
    SmallScene("empty-1", 50, 0, 10, 10, ()),
    SmallScene("town-1", 0, 0, 10, 10, (Building("t1", 1, 1), Building("t2", 5, 5, confidence=None))),
    SmallScene("village-1", 20, 0, 10, 10, (Building("v1", 21, 1, 3, 2, True),)),
]
IDS = ["t1", "t2", "v1"]


def _layer(output_uri: str) -> Collection:
    collection = Collection(output_uri)
    finish_all(collection, SCENES)
    update_layer(collection, "/imagery", collection.marks())
    return collection


def test_the_folder_opens_as_one_table(tmp_path: Path) -> None:
    folder = _layer(str(tmp_path)).place("layer")

    found = geopandas.read_parquet(folder)

    assert sorted(found["id"]) == IDS
    assert found.crs == "OGC:CRS84"
    assert found.total_bounds.tolist() == [*degrees(1, 1, 0, 0)[:2], *degrees(24, 6, 0, 0)[2:]]
    assert list(found.columns) == LAYER_SCHEMA.names[:-1]


def test_readers_skip_what_lies_elsewhere(tmp_path: Path) -> None:
    folder = _layer(str(tmp_path)).place("layer")

    assert geopandas.read_parquet(folder, bbox=degrees(0, 0, 3, 3))["id"].tolist() == ["t1"]


def test_it_is_a_dataset_of_one_schema(tmp_path: Path) -> None:
    folder = Path(_layer(str(tmp_path)).place("layer"))

    schemas = [pq.read_schema(file) for file in sorted(folder.iterdir())]
    assert all(schema.equals(LAYER_SCHEMA) for schema in schemas)
    table = pyarrow.dataset.dataset(folder).to_table()
    assert sorted(table["id"].to_pylist()) == IDS
    assert pq.read_table(folder).schema.equals(LAYER_SCHEMA)


def test_metadata_and_covering_say_where_the_footprints_are(tmp_path: Path) -> None:
    collection = _layer(str(tmp_path))

    for scene in SCENES:
        table = pq.read_table(collection.partition(scene.id))
        geo = json.loads(table.schema.metadata[b"geo"])
        column = geo["columns"]["geometry"]
        shapes = shapely.from_wkb(table["geometry"].to_numpy())
        assert (geo["version"], column["crs"]["id"]) == ("1.1.0", {"authority": "OGC", "code": "CRS84"})
        assert column.get("bbox") == (shapely.total_bounds(shapes).tolist() if len(shapes) else None)
        boxes = np.array([list(box.values()) for box in table["bbox"].to_pylist()]).reshape(-1, 4)
        exact = shapely.bounds(shapes)
        assert (boxes[:, :2] <= exact[:, :2]).all() and (boxes[:, 2:] >= exact[:, 2:]).all()
        assert (np.abs(boxes - exact) < 1e-5).all()


def test_every_file_is_as_the_format_asks(tmp_path: Path) -> None:
    """A scene's file has its fragments behind the other rows."""
    houses = tuple(Building(f"h{n}", 40 + 7 * n % 31, 3 * n % 29, 1, 1, n % 3 == 0) for n in range(40))
    huts = tuple(Building(f"i{n}", 40, n, 0.5, 0.5, True) for n in range(5))
    city = SmallScene("city-1", 40, 0, 30, 30, (*huts, *houses), min_area_m2=50)
    collection = Collection(str(tmp_path))
    finish_all(collection, [*SCENES, city])
    update_layer(collection, "/imagery", collection.marks())

    for scene in (*SCENES, city):
        check_geoparquet(collection.partition(scene.id), WORLD)
        own = Path(collection.scene_folder(scene.mark)) / FOOTPRINTS_FILE
        check_geoparquet(own, WORLD, rest=len(huts) if scene is city else 0)
    assert [name[0] for name in pq.read_table(own)["id"].to_pylist()[-5:]] == ["i"] * 5


def test_the_folder_opens_from_object_storage(s3_environment: S3Server) -> None:
    folder = _layer(s3_environment.new_folder()).place("layer")
    place = parse_uri(folder)

    assert sorted(geopandas.read_parquet(folder)["id"]) == IDS
    store = pyarrow.fs.S3FileSystem(
        access_key=s3_environment.access_key,
        secret_key=s3_environment.secret_key,
        endpoint_override=s3_environment.endpoint,
        scheme="http",
    )
    dataset = pyarrow.dataset.dataset(f"{place.bucket}/{place.key}", filesystem=store)
    assert sorted(dataset.to_table(columns=["id"])["id"].to_pylist()) == IDS
