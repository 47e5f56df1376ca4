"""The step and the command line: the same inputs, faults in the words that each user knows, and no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.check_inputs.component import check_inputs as component
from components.check_inputs.inputs import TrainingInputs
from components.check_inputs.names import PARAMETERS
from components.core.command.run import stage_main
from components.core.errors import InputsError
from components.core.preflight.classes import BUILDINGS, PREDICTIONS_PROJECT
from components.core.preflight.queries import CLASS_TITLE, DATASET, IMPORTED_PROJECT
from components.evaluate.component import evaluate
from components.import_images.component import import_images
from components.infer_windows.component import infer_windows
from components.publish_footprints.component import publish_footprints
from pipelines.training import sample_training, training
from tests.components.check_inputs.given import put_imagery
from tests.pipelines.packages import run_shut_in


def inputs_of_the_step(pipeline: Any) -> dict[str, str]:
    """Which parameter of a pipeline each input of its first step is."""
    task = pipeline.pipeline_spec.root.dag.tasks["check-inputs"]
    given = task.inputs.parameters.items()
    return {name: entry.component_input_parameter for name, entry in given if entry.component_input_parameter}


@pytest.mark.parametrize("pipeline", [training, sample_training])
def test_faults_are_told_by_the_names_of_the_pipelines_parameters(pipeline: Any) -> None:
    given = inputs_of_the_step(pipeline)
    assert len(given) > 10
    assert {name: PARAMETERS.get(name, name) for name in given} == given


def test_the_component_has_the_inputs_of_the_check() -> None:
    assert set(component.component_spec.inputs) == set(TrainingInputs.__dataclass_fields__)


def test_the_component_checks_documents_as_a_form_gives_them(tmp_path: Path) -> None:
    put_imagery(tmp_path / "imagery")
    given = {"images_uri": str(tmp_path / "imagery"), "data_root": str(tmp_path / "data")}
    component.python_func(**given, train_config={"input_size": {"width": 512.0, "height": 512.0}})
    with pytest.raises(InputsError) as caught:
        component.python_func(
            **given, masks_uri="/nowhere", train_share=2.0, inference_config={"batch_size": 0}, max_bad=-1
        )
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "images_max_bad",
        "split_tagging_train_share",
        "infer_config",
        "images_uri, images_masks_uri",
    ]


def test_what_is_taken_for_granted_of_other_steps_is_what_they_have_by_default() -> None:
    imported, inferred = import_images.component_spec.inputs, infer_windows.component_spec.inputs
    names = (imported["project_name"].default, imported["dataset"].default, imported["class_title"].default)
    assert names == (IMPORTED_PROJECT, DATASET, CLASS_TITLE)
    assert inferred["project_name"].default == PREDICTIONS_PROJECT
    measured = evaluate.component_spec.inputs
    assert (measured["truth_class"].default, measured["predicted_class"].default) == (CLASS_TITLE, BUILDINGS)
    assert publish_footprints.component_spec.inputs["class_title"].default == BUILDINGS


def test_the_command_line_says_that_nothing_is_wrong_or_all_that_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_imagery(tmp_path / "imagery")
    places = ["--images-uri", str(tmp_path / "imagery"), "--data-root", str(tmp_path)]
    assert stage_main("check_inputs", places) == 0
    assert capsys.readouterr().out == "nothing is wrong\n"

    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"lr": -1}))
    assert stage_main("check_inputs", [*places, "--train-config", str(file), "--image-tags", "held_out"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-3] == "python -m components.check_inputs: 2 faults, and nothing was done:"
    assert said[-2].startswith(f"1. --train-config: {file}: train.config: lr: -1: input should be greater than 0")
    assert said[-1].startswith("2. --image-tags: 'held_out' is a tag that --split-tagging-query gives to no image")


def test_the_light_image_has_all_that_the_check_needs(tmp_path: Path) -> None:
    """Neither torch nor what stands on it is there."""
    put_imagery(tmp_path / "imagery")
    places = ("--images-uri", str(tmp_path / "imagery"), "--data-root", str(tmp_path))
    done = run_shut_in("cpu", "components.check_inputs", *places)
    assert (done.returncode, done.stdout) == (0, "nothing is wrong\n"), done.stderr
