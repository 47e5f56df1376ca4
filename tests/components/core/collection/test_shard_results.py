"""What a shard finishes, and what it hands to publication."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.core.collection.collect_parts import collect_parts
from components.core.collection.finish_scene import FinishedScene
from components.core.collection.finish_scenes import finish_scenes
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import Plan, ShardRows
from components.core.collection.shard_results import FINISHED_FILE, finish_shard, read_part, write_part
from components.core.errors import ConfigError, DataError
from components.core.project import open_project
from components.core.project.history import read_history
from tests.components.core.collection.layer.killing import killed_at
from tests.detection.detected import Detected, files

TOWN, FIJI = "town_2026-05-01.tif", "fiji.tif"


def planned(detected: Detected, output: Path) -> Plan:
    """The plan with a collection elsewhere."""
    return replace(detected.plan, output_uri=str(output))


def finish(detected: Detected, plan: Plan, part: Path) -> int:
    return finish_shard(plan, detected.split, Path(plan.model_uri), part, workers=1)


def labels(part: Path) -> list[str]:
    project = open_project(part)
    return [project.label(index).partition("/")[2].rpartition("-")[0] for index in range(len(project))]


def all_finished(detected: Detected, output: Path) -> tuple[FinishedScene, ...]:
    """The scenes as whoever finishes them knows them."""
    finisher = detected.finisher(output)
    scenes = collect_parts(detected.plan, finisher.projects, ()).scenes
    finished, failures = finish_scenes(finisher, scenes, 1)
    assert failures == ()
    return finished


def test_scenes_that_are_wholly_a_shards_own_are_finished_by_it(detected: Detected, tmp_path: Path) -> None:
    plan = planned(detected, tmp_path / "out")

    assert finish(detected, plan, tmp_path / "part") == 2

    collection = Collection(plan.output_uri)
    read = read_part(tmp_path / "part", plan)
    assert {scene.mark for scene in read.finished} == set(collection.marks())
    assert len(read.project) == 0, "nothing is left to publication"
    assert [run.stage for run in read.history][-2:] == ["split_masks", "finish_scenes"]
    assert (read.history[-1].scenes, read.history[-1].megapixels) == (2, 2 * 160 * 140 / 1e6)
    assert read.history[:-1] == read_history(detected.split), "and why an image was left out"


def test_what_is_handed_on_of_a_finished_scene_is_what_its_finisher_knew(detected: Detected, tmp_path: Path) -> None:
    before = all_finished(detected, tmp_path / "before")
    town = next(scene for scene in before if scene.record.key == TOWN)
    earlier = Mark(town.mark.scene, "01d", town.mark.detector)
    collection = Collection(str(tmp_path / "before"))
    Path(collection.scene_folder(town.mark)).rename(collection.scene_folder(earlier))
    finisher = detected.finisher(tmp_path / "before", {earlier.scene: earlier}, tolerance="4 px")
    collection.retire(town.mark)
    finished, _ = finish_scenes(finisher, [detected.scene(TOWN), detected.scene(FIJI)], 1)

    write_part(tmp_path / "part", open_project(detected.split), (), finished)

    read = read_part(tmp_path / "part", detected.plan)
    assert read.finished == finished
    assert [scene.change is None for scene in finished] == [False, True]


def test_a_scene_that_cannot_be_finished_is_left_to_publication(
    detected: Detected, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    plan = planned(detected, tmp_path / "out")
    collection = Collection(plan.output_uri)
    (town,) = (scene for scene in plan.scenes if scene.key == TOWN)
    half_retired = Mark(town.id, "01d", "bb")  # its marker is there, and its files are gone
    Path(collection.place("ledger")).mkdir(parents=True)
    Path(collection.place("ledger", f"{half_retired.stem}.json")).write_text("{}")

    assert finish(detected, plan, tmp_path / "part") == 1

    assert labels(tmp_path / "part") == ["town_2026-05-01"]
    assert [scene.record.key for scene in read_part(tmp_path / "part", plan).finished] == [FIJI]
    assert f"{TOWN}: publish_collection will try it again" in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_scene_that_others_have_rows_of_is_left_to_publication(detected: Detected, tmp_path: Path) -> None:
    plan = planned(detected, tmp_path / "out")
    taller = tuple(
        replace(scene, size=replace(scene.size, height=320), parts=(ShardRows(1, 0, 160), ShardRows(2, 160, 320)))
        if scene.key == TOWN
        else scene
        for scene in plan.scenes
    )

    assert finish(detected, replace(plan, scenes=taller, shards=2), tmp_path / "part") == 1

    assert labels(tmp_path / "part") == ["town_2026-05-01"]


@pytest.mark.parametrize("event", [1, 4, 5, 8, 9, 10])
def test_a_shard_that_is_killed_goes_on_where_it_was(detected: Detected, tmp_path: Path, event: int) -> None:
    undisturbed = planned(detected, tmp_path / "undisturbed")
    finish(detected, undisturbed, tmp_path / "first")
    plan = planned(detected, tmp_path / "out")

    assert killed_at(event, lambda: finish(detected, plan, tmp_path / "killed"))
    assert finish(detected, plan, tmp_path / "part") == 2

    assert scene_files(plan) == scene_files(undisturbed)
    read, expected = (read_part(tmp_path / part, plan) for part in ("part", "first"))
    assert [scene.mark for scene in read.finished] == [scene.mark for scene in expected.finished]
    assert [scene.record for scene in read.finished] == [scene.record for scene in expected.finished]


def scene_files(plan: Plan) -> dict[str, bytes]:
    """All that a shard writes into a collection, but when it was."""
    found = files(Collection(plan.output_uri))
    return {name: data for name, data in found.items() if not name.endswith("item.json")}


def test_objects_of_another_class_are_refused_before_anything_is_written(detected: Detected, tmp_path: Path) -> None:
    plan = planned(detected, tmp_path / "out")
    wrong = replace(plan, settings=replace(plan.settings, class_title="roofs"))

    with pytest.raises(ConfigError, match="'roofs' is not a class of"):
        finish(detected, wrong, tmp_path / "part")

    assert not (tmp_path / "out").exists()


def without(entry: dict[str, Any]) -> None:
    del entry["pixels"]


def with_more(entry: dict[str, Any]) -> None:
    entry["record"]["colour"] = "red"


def with_text_for_a_number(entry: dict[str, Any]) -> None:
    entry["record"]["footprints"] = "2"


def with_no_number(entry: dict[str, Any]) -> None:
    entry["record"]["area_m2"] = math.nan


def with_five_of_six(entry: dict[str, Any]) -> None:
    entry["transform"].pop()


def of_another_run(entry: dict[str, Any]) -> None:
    entry["mark"] = "town-0.aa.bb"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (without, "0.pixels: Field required"),
        (with_more, "0.record.colour: Unexpected keyword argument"),
        (with_text_for_a_number, "0.record.footprints: Input should be a valid integer"),
        (with_no_number, "0.record.area_m2: Input should be a finite number"),
        (with_five_of_six, "0.transform.5: Field required"),
        (of_another_run, "town-0.aa.bb is not a scene of the plan"),
    ],
)
def test_a_broken_file_of_finished_scenes_is_named(
    detected: Detected, tmp_path: Path, change: Callable[[dict[str, Any]], None], fault: str
) -> None:
    plan = planned(detected, tmp_path / "out")
    finish(detected, plan, tmp_path / "part")
    file = tmp_path / "part" / FINISHED_FILE
    entries = json.loads(file.read_text())
    change(entries[0])
    file.write_text(json.dumps(entries))

    with pytest.raises(DataError) as raised:
        read_part(tmp_path / "part", plan)

    assert f"{file}: is not a shard result of this run ({fault}" in str(raised.value)
    assert str(raised.value).endswith("run again: finished scenes are not repeated")


@pytest.mark.parametrize(
    "content", [b"", b"[{]", b"{}", b"\xff", None], ids=["empty", "cut", "no list", "text", "gone"]
)
def test_what_is_no_file_of_finished_scenes_is_named(detected: Detected, tmp_path: Path, content: bytes | None) -> None:
    plan = planned(detected, tmp_path / "out")
    finish(detected, plan, tmp_path / "part")
    file = tmp_path / "part" / FINISHED_FILE
    file.unlink() if content is None else file.write_bytes(content)

    with pytest.raises(DataError, match=r"finished\.json: is not a shard result of this run"):
        read_part(tmp_path / "part", plan)
