"""Scenes that are larger than a shard or an item: cut, done apart, and put together again as if they never were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.core import storage
from components.core.collection.plan import DetectionSettings
from components.core.geometry import Size
from tests.builders import TRANSFORM, write_tiled
from tests.detection.detecting import CRS, Detection, layer, town, write_town
from tests.s3_server import S3Server

SIZE = Size(1700, 200)


def write_long_town(file: Path) -> None:
    """Roofs at random, some over the rows 512, 1024 and 1536 at which scenes are cut, one along the whole scene."""
    random = np.random.default_rng(0)
    boxes = [
        (int(top), int(left), 30, 20)
        for top, left in zip(random.integers(0, 1650, 40), random.integers(0, 150, 40), strict=True)
    ]
    write_tiled(file, town(SIZE, *boxes, (10, 180, 1650, 8)), crs=CRS)


def published(detection: Detection) -> dict[str, bytes]:
    return {name: data for name, data in detection.files().items() if not name.startswith("ledger")}


@pytest.mark.parametrize(
    ("options", "item_pixels"),
    [({}, 512 * 200), ({"shard_megapixels": 0.2}, 0), ({"shard_megapixels": 0.11, "max_shards": 3}, 512 * 200)],
    ids=["cut into items", "cut into shards", "cut into both"],
)
def test_a_scene_that_is_cut_gives_what_the_whole_gives(
    detection: Detection, tmp_path: Path, options: dict[str, float], item_pixels: int
) -> None:
    write_long_town(Path(detection.images) / "long.tif")
    detection.run()
    whole = published(detection)
    assert whole

    cut = replace(detection, output=str(tmp_path / "cut"), data_root=str(tmp_path / "cut-data")).with_options(**options)
    cut.run(item_pixels=item_pixels)

    assert published(cut) == whole
    assert len(list((tmp_path / "cut-data" / "predictions").glob("*.json"))) > 1


def test_a_scene_that_is_cut_and_seen_as_one_region_gives_what_the_whole_gives(
    detection: Detection, tmp_path: Path
) -> None:
    mode = {"source": "roi", "bounds": {"top": "40px", "left": "20%"}}
    settings = DetectionSettings(inference_config=json.dumps({"mode": mode, "gpu_devices": []}))
    write_long_town(Path(detection.images) / "long.tif")
    detection = replace(detection, settings=settings)
    detection.run()
    west, _, east, _ = layer(detection).to_crs(CRS).total_bounds
    whole = published(detection)

    cut = replace(detection, output=str(tmp_path / "cut"), data_root=str(tmp_path / "cut-data"))
    cut.with_options(shard_megapixels=0.2).run(item_pixels=512 * 200)

    assert published(cut) == whole
    assert len(list((tmp_path / "cut-data" / "predictions").glob("*.json"))) > 1
    left, right = (TRANSFORM.c + columns * TRANSFORM.a for columns in (40, 200))
    assert left - 0.01 <= west < east <= right + 0.01


def test_whole_scenes_are_finished_by_their_shards_and_cut_ones_by_publication(
    detection: Detection, tmp_path: Path
) -> None:
    write_long_town(Path(detection.images) / "long.tif")
    for number in range(3):
        write_town(
            Path(detection.images) / f"town_{number}.tif", Size(300, 200), (20, 30, 40, 24), east_px=1000 * number
        )
    counts = detection.run()
    cut = replace(detection, output=str(tmp_path / "cut"), data_root=str(tmp_path / "cut-data"))
    cut = cut.with_options(shard_megapixels=0.2)
    (tmp_path / "work").mkdir()

    parts = cut.detect(tmp_path / "work")
    done = {name.split("/")[1].rpartition("-")[0] for name in cut.files() if name.startswith("ledger/")}
    again = cut.publish(tmp_path / "work", parts)

    assert len(parts) > 1
    assert done == {"town_0", "town_1", "town_2"}
    assert cut.files() == detection.files()
    assert again == counts


def test_all_of_it_may_lie_in_object_storage(detection: Detection, s3_environment: S3Server, tmp_path: Path) -> None:
    write_long_town(tmp_path / "in" / "long.tif")
    detection.run()
    bucket = "s3://detection"
    s3_environment.make_bucket("detection")
    storage.put_tree(tmp_path / "in", f"{bucket}/in")
    storage.put_tree(Path(detection.model), f"{bucket}/model")
    remote = replace(
        detection, images=f"{bucket}/in", model=f"{bucket}/model", output=f"{bucket}/out", data_root=f"{bucket}/data"
    )

    counts = remote.run()

    assert counts["scenes_published"] == 1
    parquet = [name for name in published(remote) if name.startswith("layer/")]
    assert [published(remote)[name] for name in parquet] == [published(detection)[name] for name in parquet]
    assert remote.run()["scenes_up_to_date"] == 1
    before = set(published(remote))
    write_tiled(tmp_path / "next.tif", town(SIZE, (10, 180, 1650, 8)), crs=CRS)
    storage.put_file(tmp_path / "next.tif", f"{bucket}/in/next.tif")
    storage.delete(f"{bucket}/in/long.tif")
    assert remote.run()["layer_buildings"] == 1
    assert {name for name in published(remote) if name.startswith("scenes/")}.isdisjoint(before)
    assert not list(storage.list_objects(f"{bucket}/out/retiring"))
