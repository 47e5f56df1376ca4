"""The layer and the ledger brought together while another run is at both."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core import storage
from components.core.collection.layer.update import update_layer
from components.core.collection.ledger import Collection, Mark
from components.core.collection.plan import DetectionSettings, Plan
from components.core.collection.reconcile import reconcile
from components.core.errors import StorageError
from tests.components.core.collection.layer.killing import interrupted_at, killed_at
from tests.components.core.collection.layer.small_collections import (
    Building,
    SmallScene,
    finish,
    finish_all,
    layer_files,
)

LEFT = SmallScene("left", 0, 0, 20, 20, (Building("a", 4, 4, 4, 4), Building("b", 15, 8, 4, 4)), "2024-01-01")
RIGHT = SmallScene("right", 12, 0, 20, 20, (Building("c", 15, 8, 4, 4), Building("d", 25, 8, 4, 4)), "2025-01-01")
NEWER = SmallScene("left", 0, 0, 20, 20, (Building("a", 4, 4, 5, 4), Building("b", 15, 8, 4, 4)), "2024-01-01", "cc")
FAR = SmallScene("far", 60, 0, 20, 20, (Building("e", 65, 5, 4, 4),))

MOMENTS = range(1, 7)


def plan(retired: tuple[Mark, ...] = ()) -> Plan:
    return Plan("/imagery", "/out", "/model", "ab" * 32, "bb", DetectionSettings(""), (), 0, retired=retired)


def settled(collection: Collection, *done: SmallScene, retired: tuple[SmallScene, ...] = ()) -> None:
    reconcile(collection, plan(tuple(scene.mark for scene in retired)), {scene.id: scene.mark for scene in done})


def expected(folder: Path, *scenes: SmallScene) -> dict[str, bytes]:
    """The layer of some scenes that nothing disturbed."""
    collection = Collection(str(folder))
    finish_all(collection, scenes)
    settled(collection)
    return layer_files(collection)


def outputs(collection: Collection) -> set[str]:
    """Scenes and versions of which there are files."""
    return {
        found.uri.split("/scenes/")[1].rsplit("/", 1)[0] for found in storage.list_objects(collection.place("scenes"))
    }


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    result = Collection(str(tmp_path / "out"))
    finish_all(result, [FAR])
    settled(result)
    finish_all(result, [FAR, LEFT])
    return result


@pytest.mark.parametrize("moment", range(1, 6))
def test_a_run_that_another_one_overtakes_gives_no_building_twice(
    collection: Collection, tmp_path: Path, moment: int
) -> None:
    def other() -> None:
        finish_all(collection, [FAR, LEFT, RIGHT])
        settled(collection, RIGHT)

    assert interrupted_at(moment, lambda: settled(collection, LEFT), other) == 0

    assert layer_files(collection) == expected(tmp_path / "alone", FAR, LEFT, RIGHT)


@pytest.mark.parametrize("moment", range(1, 6))
def test_files_of_two_updates_at_once_are_not_mixed(collection: Collection, tmp_path: Path, moment: int) -> None:
    finish_all(collection, [FAR, LEFT, RIGHT])

    def behind() -> None:
        update_layer(collection, "/imagery", [FAR.mark, LEFT.mark])

    assert interrupted_at(moment, lambda: settled(collection, RIGHT), behind) == 0
    assert layer_files(collection) == expected(tmp_path / "alone", FAR, LEFT, RIGHT)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("gone", [FAR, LEFT], ids=["which is in the layer", "which is not yet in the layer"])
def test_another_run_may_retire_a_scene_meanwhile(
    collection: Collection, tmp_path: Path, moment: int, gone: SmallScene
) -> None:
    assert interrupted_at(moment, lambda: settled(collection), lambda: settled(collection, retired=(gone,))) == 0

    rest = [scene for scene in (FAR, LEFT) if {scene.mark} & set(collection.marks())]
    assert layer_files(collection) == expected(tmp_path / "alone", *rest)


def test_a_scene_that_is_done_anew_replaces_what_there_was(collection: Collection, tmp_path: Path) -> None:
    finish(collection, NEWER)
    settled(collection, NEWER)

    assert set(collection.marks()) == {FAR.mark, NEWER.mark}
    assert outputs(collection) == {"far/aa.bb", "left/cc.bb"}
    assert layer_files(collection) == expected(tmp_path / "alone", FAR, NEWER)


def test_what_another_run_did_anew_stays_where_it_has_retired_what_this_one_did(
    collection: Collection, tmp_path: Path
) -> None:
    finish(collection, NEWER)
    settled(collection, NEWER)

    settled(collection, LEFT)

    assert set(collection.marks()) == {FAR.mark, NEWER.mark}
    assert outputs(collection) == {"far/aa.bb", "left/cc.bb"}
    assert layer_files(collection) == expected(tmp_path / "alone", FAR, NEWER)


def test_nothing_is_left_of_what_a_killed_run_was_retiring(collection: Collection) -> None:
    settled(collection)
    kills = 0
    while killed_at(kills + 1, lambda: settled(collection, retired=(LEFT,))):
        kills += 1
        settled(collection)
        assert {scene.split("/")[0] for scene in outputs(collection)} == {mark.scene for mark in collection.marks()}
        finish_all(collection, [FAR, LEFT])
        settled(collection)
    assert kills > 5
    assert list(collection.half_retired()) == []


def test_a_scene_that_came_back_is_not_retired_by_an_old_note(collection: Collection) -> None:
    settled(collection)
    assert killed_at(5, lambda: settled(collection, retired=(LEFT,)))
    finish_all(collection, [FAR, LEFT])

    settled(collection)

    assert set(collection.marks()) == {FAR.mark, LEFT.mark}
    assert outputs(collection) == {"far/aa.bb", "left/aa.bb"}
    assert list(collection.half_retired()) == []


def test_a_fault_that_no_other_run_made_is_raised(collection: Collection) -> None:
    storage.delete(storage.join_uri(collection.scene_folder(LEFT.mark), "footprints.parquet"))
    with pytest.raises(StorageError, match="left"):
        settled(collection)
