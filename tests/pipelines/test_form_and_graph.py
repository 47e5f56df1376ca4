"""What a person sees of a pipeline on Kubeflow's page: the form of a run, and the graph."""

import re

import pytest
import yaml

from components.check_inputs.component import check_inputs
from components.plan_imagery.component import plan_imagery
from pipelines.compiling import COMPILED, PIPELINES
from pipelines.detection import detection
from pipelines.documents import tutorial_documents
from pipelines.spec_edits import describe_parameters, skip_unless
from pipelines.training import sample_training, training
from tests.pipelines.local_pipelines import writing

LONGEST_FORM = 20

GROUPS = {
    "crop_augment", "footprints", "images", "infer", "model", "output", "promote", "sample", "seed", "shards", "split",
    "train"
}  # fmt: skip
"""First words of parameters: the page sorts by name, so what belongs together begins alike."""


@pytest.fixture(scope="module", params=sorted(PIPELINES))
def spec(request):
    return next(yaml.safe_load_all((COMPILED / f"{request.param}.yaml").read_text()))


def parameters(spec):
    return spec["root"]["inputDefinitions"]["parameters"]


def test_the_form_is_short_and_what_belongs_together_begins_alike(spec):
    names = sorted(parameters(spec))
    assert len(names) <= LONGEST_FORM
    groups = [next(group for group in GROUPS if name == group or name.startswith(f"{group}_")) for name in names]
    assert [group for index, group in enumerate(groups) if index == 0 or group != groups[index - 1]] == sorted(
        set(groups)
    )


def test_every_field_is_described_and_says_what_leaving_it_means(spec):
    for name, entry in parameters(spec).items():
        text = entry["description"]
        assert "  " not in text and len(text) < 250, name
        default = entry.get("defaultValue")
        if not entry.get("isOptional"):
            assert text.startswith("Must be given"), name
        elif default in ("", [], {}):
            assert re.search(r"[Ee]mpty|stays empty", text), name
        elif default == 0.0 and default is not False and name not in ("seed", "images_max_bad"):
            assert re.search(r"\b0\b", text), name


def test_what_must_be_given_is_little(spec):
    must = {name for name, entry in parameters(spec).items() if not entry.get("isOptional")}
    assert must <= {"images_uri", "model_uri", "output_uri"}


def test_queries_and_configs_get_an_editor_and_are_empty(spec):
    """Empty stands for the tutorial's: their text is not carried along."""
    found = {name: entry for name, entry in parameters(spec).items() if name.endswith(("_query", "_config"))}
    assert len(found) >= 2
    for name, entry in found.items():
        kind, empty = ("LIST", []) if name.endswith("_query") else ("STRUCT", {})
        assert (entry["parameterType"], entry["defaultValue"]) == (kind, empty), name
    text = yaml.safe_dump(spec)
    for document in (tutorial_documents().split_tagging[0]["src"][0], "sliding_window"):
        assert document not in text


def test_every_step_and_group_has_a_name_for_people(spec):
    names = [
        task["taskInfo"]["name"]
        for graph in (spec["root"], *(entry for entry in spec["components"].values() if "dag" in entry))
        for task in graph["dag"]["tasks"].values()
    ]
    assert len(set(names)) == len(names)
    for name in names:
        assert name[0].isupper() and " " in name and "-" not in name, name


def test_report_figures_and_results_lie_at_the_top_of_the_graph(spec):
    steps = {
        name: spec["components"][task["componentRef"]["name"]] for name, task in spec["root"]["dag"]["tasks"].items()
    }
    at_the_top = {
        (name, output)
        for name, component in steps.items()
        for output in component.get("outputDefinitions", {}).get("artifacts", {})
    }
    if "detection" in spec["pipelineInfo"]["name"]:
        wanted = {(step, output) for step in ("plan-imagery", "publish-collection") for output in ("report", "metrics")}
        wanted |= {("publish-collection", "summary")}
    else:
        wanted = {("train-unet", "model"), ("train-unet", "report"), ("evaluate", "report"), ("evaluate", "metrics")}
        wanted |= {("evaluate", "confusion"), ("publish-footprints", "footprints")}
    assert wanted <= at_the_top


def test_pipelines_say_what_they_are(spec):
    info = spec["pipelineInfo"]
    assert len(info["description"]) > 100
    assert info["displayName"][0].isupper()


def test_the_first_step_checks_everything_that_a_run_is_given(spec):
    """Every parameter reaches the first step, but for what makes synthetic scenes."""
    tasks = spec["root"]["dag"]["tasks"]
    (first,) = [name for name, task in tasks.items() if not task.get("dependentTasks")]
    given = {entry.get("componentInputParameter") for entry in tasks[first]["inputs"]["parameters"].values()}
    assert set(parameters(spec)) - given <= {"seed", "sample_scenes_per_town", "sample_size_px"}
    known = {"check-inputs": check_inputs, "plan-imagery": plan_imagery}[first].component_spec.inputs
    assert set(tasks[first]["inputs"]["parameters"]) <= set(known)


def test_publication_follows_the_shards_and_is_skipped_where_nothing_is_left_to_it():
    spec = next(yaml.safe_load_all((COMPILED / "detection.yaml").read_text()))
    tasks = spec["root"]["dag"]["tasks"]
    published = tasks["publish-collection"]
    assert set(published["dependentTasks"]) == {"for-loop-1", "plan-imagery"}
    (channel,) = re.findall(r"inputs\.parameter_values\['(.+)'\] == true", published["triggerPolicy"]["condition"])
    assert published["inputs"]["parameters"][channel] == {
        "taskOutputParameter": {"outputParameterKey": "unfinished", "producerTask": "plan-imagery"}
    }
    assert spec["components"]["comp-publish-collection"]["inputDefinitions"]["parameters"][channel] == {
        "parameterType": "BOOLEAN"
    }


@pytest.mark.parametrize("name", ["training", "sample_training"])
def test_a_promotion_is_skipped_where_it_is_not_asked_for(name):
    spec = next(yaml.safe_load_all((COMPILED / f"{name}.yaml").read_text()))
    promoted = spec["root"]["dag"]["tasks"]["promote"]
    (channel,) = re.findall(r"inputs\.parameter_values\['(.+)'\] != \{\}", promoted["triggerPolicy"]["condition"])
    assert promoted["inputs"]["parameters"][channel] == {"componentInputParameter": "promote_config"}
    assert spec["components"]["comp-promote"]["inputDefinitions"]["parameters"][channel] == {"parameterType": "STRUCT"}


def test_a_docstring_that_says_too_much_or_too_little_is_refused():
    with pytest.raises(ValueError, match="writing: its docstring and its parameters differ in runs, text"):
        describe_parameters(writing)


def test_a_pipeline_takes_the_descriptions_that_it_does_not_write_from_another():
    shared, own = (pipeline.pipeline_spec.root.input_definitions.parameters for pipeline in (training, sample_training))
    assert own["train_config"].description == shared["train_config"].description
    assert own["seed"].description != shared["seed"].description


def test_a_step_is_made_conditional_once():
    before = detection.pipeline_spec.SerializeToString(deterministic=True)
    skip_unless(detection, "publish-collection", "plan-imagery", "unfinished")
    assert detection.pipeline_spec.SerializeToString(deterministic=True) == before
