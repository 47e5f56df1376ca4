"""One shard of a detection, from images to buildings; and the same as a step and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kfp import dsl

from components.core.collection.ledger import Collection
from components.core.collection.parts import fetched_parts
from components.core.collection.plan import Plan
from components.core.collection.shard_results import read_part
from components.core.command.run import stage_main
from components.core.errors import DataError
from components.core.geometry import Size
from components.detect_scenes.component import detect_scenes as component
from components.detect_scenes.detect_scenes import detect_scenes
from tests.components.core.collection.layer.killing import interrupted_at
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import Detection, write_town
from tests.shims import artifact, compiled, input_names, output_kinds

SIZE = Size(160, 140)
HOUSES = ((20, 30, 30, 24), (100, 100, 12, 20))


@pytest.fixture
def detection(tmp_path: Path) -> Detection:
    write_town(tmp_path / "in" / "west.tif", SIZE, *HOUSES)
    write_town(tmp_path / "in" / "east.tif", SIZE, HOUSES[0], east_px=400)
    write_town(tmp_path / "in" / "tiny.tif", Size(20, 20), east_px=900)
    model = save_bright_model(tmp_path / "model")
    return Detection(str(tmp_path / "in"), str(model), str(tmp_path / "out"), str(tmp_path / "data"))


def found(plan: Plan) -> list[dict[str, int]]:
    """Of each shard the scenes that it finished, and how many buildings each has."""
    with fetched_parts(plan) as parts:
        read = [read_part(part, plan) for part in parts]
    assert all(len(part.project) == 0 for part in read)
    return [{scene.record.key: scene.record.footprints for scene in part.finished} for part in read]


def test_shards_finish_their_scenes_and_say_what_they_skipped(detection: Detection, tmp_path: Path) -> None:
    plan = detection.with_options(shard_megapixels=0.03).plan(tmp_path / "plan")
    assert plan.shards == 2
    counts = [
        detect_scenes(tmp_path / "plan", f"{number}/2", data_root=detection.data_root, workers=1) for number in (1, 2)
    ]
    assert [sum(entry[name] for entry in counts) for name in ("scenes", "finished", "skipped")] == [2, 2, 1]
    first, second = found(plan)
    assert first | second == {"west.tif": 2, "east.tif": 1} and not set(first) & set(second)
    assert len(set(Collection(plan.output_uri).marks())) == 2
    assert not (Path(plan.output_uri) / "layer").exists(), "the layer is publication's"
    with fetched_parts(plan) as parts:
        skipped = [entry for part in parts for run in read_part(part, plan).history for entry in run.skipped]
    assert len(skipped) == 1 and "exceeds the height 20" in skipped[0].reason


def test_another_try_gives_the_same_without_the_network(detection: Detection, tmp_path: Path) -> None:
    plan = detection.plan(tmp_path / "plan")
    first = detect_scenes(tmp_path / "plan", "1/1", data_root=detection.data_root, workers=1)
    before = found(plan)
    again = detect_scenes(tmp_path / "plan", "1/1", data_root=detection.data_root, workers=1)
    assert (first["reused"], again["reused"]) == (0, 2)
    assert (first["finished"], again["finished"]) == (2, 2)
    assert found(plan) == before


def test_a_model_that_was_replaced_since_the_plan_was_made_is_refused(detection: Detection, tmp_path: Path) -> None:
    plan = detection.plan(tmp_path / "plan")
    save_bright_model(Path(detection.model), threshold=250)
    with pytest.raises(DataError, match=r"model_uri: .*/model holds another model than at planning"):
        detect_scenes(tmp_path / "plan", "1/1", data_root=detection.data_root, workers=1)
    assert found(plan) == []


@pytest.mark.parametrize("moment", [1, 4])
def test_a_model_that_is_replaced_while_it_detects_finishes_no_scene(
    detection: Detection, tmp_path: Path, moment: int
) -> None:
    plan = detection.plan(tmp_path / "plan")

    def detect() -> None:
        detect_scenes(tmp_path / "plan", "1/1", data_root=detection.data_root, workers=1)

    assert interrupted_at(moment, detect, lambda: save_bright_model(Path(detection.model), threshold=250)) == 1

    assert list(Collection(plan.output_uri).marks()) == []
    assert found(plan) == []


def test_the_step_and_the_command_line_do_the_same(
    detection: Detection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = detection.plan(tmp_path / "plan")
    metrics = artifact(dsl.Metrics, tmp_path / "metrics")
    component.python_func(
        plan=artifact(dsl.Dataset, tmp_path / "plan"),
        shard="1/1",
        metrics=metrics,
        data_root=detection.data_root,
        workers=1,
    )
    by_the_step = found(plan)
    flags = ["--plan", str(tmp_path / "plan"), "--shard", "1/1", "--data-root", detection.data_root, "--workers", "1"]
    assert stage_main("detect_scenes", flags) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (metrics.metadata["scenes"], printed["scenes"]) == (2, 2)
    assert found(plan) == by_the_step


def test_the_component_compiles(tmp_path: Path) -> None:
    spec = compiled(component, tmp_path)
    assert input_names(spec) == component.component_spec.inputs.keys()
    assert output_kinds(spec) == {"metrics": "system.Metrics"}
