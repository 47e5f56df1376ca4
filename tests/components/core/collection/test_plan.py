from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from components.core.collection.identity import detector_digest, scene_id, version_of
from components.core.collection.ledger import Mark
from components.core.collection.plan import (
    DetectionReason,
    DetectionSettings,
    Plan,
    PlannedScene,
    ShardRows,
    read_plan,
    shard_names,
    shard_number,
    write_plan,
)
from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.skip_budget import Skipped

TOWN = PlannedScene(
    "town-0123456789",
    "2026/town.tif",
    "s3://imagery/2026/town.tif",
    "abc",
    1234,
    "00ff",
    Size(5000, 4000),
    "EPSG:32633",
    "2026-11-22",
    DetectionReason.NEW,
    (ShardRows(1, 0, 2048), ShardRows(2, 2048, 5000)),
)
PLAN = Plan(
    "s3://imagery",
    "s3://footprints/towns",
    "s3://models/unet",
    "ab" * 32,
    "0123456789ab",
    DetectionSettings(inference_config='{"batch_size": 4}', min_area_m2=5.0),
    (TOWN, replace(TOWN, id="village-0123456789", why=DetectionReason.CHANGED, parts=(ShardRows(2, 0, 5000),))),
    shards=2,
    done=7,
    waiting=1,
    retired=(Mark("gone-0123456789", "ff", "ee"),),
    skipped=(Skipped("2026/broken.tif", "it is not a raster"),),
)


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    write_plan(tmp_path / "plan", PLAN)

    assert read_plan(tmp_path / "plan") == PLAN
    told = json.loads((tmp_path / "plan" / "plan.json").read_text())["left_out"]
    assert told == [{"name": "2026/broken.tif", "reason": "it is not a raster"}], "as earlier versions call it"


def test_an_empty_plan_too(tmp_path: Path) -> None:
    empty = replace(PLAN, scenes=(), shards=0, retired=(), skipped=())
    write_plan(tmp_path / "plan", empty)

    assert read_plan(tmp_path / "plan") == empty


def test_a_shard_gets_its_rows() -> None:
    assert [(scene.id, rows.top) for scene, rows in PLAN.of_shard(2)] == [(TOWN.id, 2048), ("village-0123456789", 0)]
    assert [shard_number(name, 3) for name in shard_names(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "count"), [("0/1", 1), ("2/1", 1), ("1/2", 3), ("0/0", 0), ("1", 1), ("", 1), ("-1/1", 1)]
)
def test_a_shard_that_the_plan_has_not_is_refused(name: str, count: int) -> None:
    with pytest.raises(ConfigError, match=rf"shard: '{name}' is not a shard of the plan; it has "):
        shard_number(name, count)


@pytest.mark.parametrize("name", ["plan.json", "scenes.parquet"])
def test_a_broken_plan_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    write_plan(tmp_path / "plan", PLAN)
    (tmp_path / "plan" / name).write_bytes(b"{}")

    with pytest.raises(DataError, match=str(tmp_path / "plan")):
        read_plan(tmp_path / "plan")


def test_a_scene_is_named_by_its_place_and_a_version_by_its_content() -> None:
    assert scene_id("a/town 1.tif") == scene_id("a/town 1.tif") != scene_id("b/town 1.tif")
    assert scene_id("a/town 1.tif").startswith("town_1-")
    assert version_of("abc", 1) != version_of("abc", 2) != version_of("abd", 2)


def test_a_detector_counts_documents_by_what_they_say() -> None:
    first = detector_digest("model", {"config": '{"a": 1, "b": 2}', "area": 5.0})

    assert first == detector_digest("model", {"area": 5.0, "config": '{"b":2,"a":1}'})
    assert first != detector_digest("model", {"area": 6.0, "config": '{"a": 1, "b": 2}'})
    assert first != detector_digest("other", {"area": 5.0, "config": '{"a": 1, "b": 2}'})


def test_ids_of_scenes_leave_room_and_are_seen_by_readers_of_folders() -> None:
    for key in ("\u6b63" * 70, "x" * 251, "\N{GRINNING FACE}" * 60, "_hidden", "(1)", "..."):
        name = scene_id(f"{key}.tif")
        assert len(name.encode()) <= 177
        assert name[0] not in "_."
    assert scene_id("2026/austin7.tif") == "austin7-" + scene_id("2026/austin7.tif")[-16:]
    assert scene_id("a_b c.tif").startswith("a_b_c-")


def test_a_plan_whose_images_lie_elsewhere_is_none(tmp_path: Path) -> None:
    scene = replace(TOWN, uri="/vsicurl/http://host/town.tif")
    write_plan(tmp_path / "plan", replace(PLAN, scenes=(scene,)))
    with pytest.raises(DataError, match=r"is not a plan .*/vsicurl/http://host/town\.tif'.*leads elsewhere"):
        read_plan(tmp_path / "plan")
