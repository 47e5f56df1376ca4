from __future__ import annotations

from pathlib import Path

import pytest

from components.core.collection.collect_parts import SceneFailure
from components.core.collection.failure_log import FEW, MOST_TRIES, FailureLog, log_failures
from components.core.collection.ledger import Collection
from components.core.skip_budget import Skipped
from tests.detection.plans import plan, planned

BROKEN = SceneFailure(Skipped("2026/a.tif", "its tiles are broken", "infer_windows"))
SCENE = planned("a")
PLAN = plan(SCENE, planned("b"))
MARK = PLAN.mark(SCENE)


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    return Collection(str(tmp_path))


def test_a_failure_is_noted_with_its_tries_until_it_is_hopeless(collection: Collection) -> None:
    notes = FailureLog(collection)
    for tries in range(1, MOST_TRIES + 1):
        log_failures(collection, PLAN, {}, [BROKEN], f"run {tries}")
        log_failures(collection, PLAN, {}, [BROKEN], f"run {tries}")  # the step is tried again
        note = notes.read(MARK)
        assert note is not None
        assert (note.tries, note.stage, note.reason) == (tries, "infer_windows", "its tiles are broken")
        assert note.is_exhausted == (tries == MOST_TRIES)
    assert notes.marks() == {MARK}


def test_a_scene_that_is_done_has_no_note_of_any_version(collection: Collection) -> None:
    log_failures(collection, PLAN, {}, [BROKEN], "run")
    newer = plan(planned("a", version="cd"))

    log_failures(collection, newer, {MARK.scene: newer.mark(newer.scenes[0])}, [], "run")

    assert FailureLog(collection).marks() == set()


@pytest.mark.parametrize(
    "failure",
    [
        SceneFailure(Skipped("2026/a.tif", "the store is away", "publish_collection"), is_lasting=False),
        SceneFailure(Skipped("2026/other.tif", "has no CRS", "plan_imagery")),
    ],
    ids=["passing trouble", "what planning found"],
)
def test_some_failures_are_not_noted(collection: Collection, failure: SceneFailure) -> None:
    log_failures(collection, PLAN, {}, [failure], "run")
    assert FailureLog(collection).marks() == set()


def test_scenes_that_fail_all_together_are_not_noted(collection: Collection, caplog: pytest.LogCaptureFixture) -> None:
    scenes = [planned(f"scene{number}") for number in range(2 * FEW)]
    failures = [SceneFailure(Skipped(scene.key, "data_root cannot be written", "infer_windows")) for scene in scenes]

    log_failures(collection, plan(*scenes), {}, failures[: FEW + 1], "run")
    assert "probably for a common cause" in caplog.text
    assert FailureLog(collection).marks() == set()

    log_failures(collection, plan(*scenes), {}, failures[:FEW], "run")
    assert len(FailureLog(collection).marks()) == FEW


def test_a_broken_note_has_the_scene_tried_again(collection: Collection) -> None:
    notes = FailureLog(collection)
    Path(notes.place(MARK)).parent.mkdir()
    Path(notes.place(MARK)).write_text("{")
    assert notes.read(MARK) is None
    log_failures(collection, PLAN, {}, [BROKEN], "run")
    note = notes.read(MARK)
    assert note is not None and note.tries == 1
