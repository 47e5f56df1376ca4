"""The test of an installation, tested without one: what its steps do, on disk, and what it says of one in miniature."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.check_inputs.component import check_inputs
from components.core import storage
from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.storage.mounted import DATA_ROOT_VARIABLE
from components.import_images.import_images import import_images
from components.plan_shards.plan_shards import plan_shards
from components.sample_scenes.sample_scenes import Request, generate
from components.split_tagging.split_tagging import split_tagging
from components.stages import STAGES
from pipelines.detection import detection
from pipelines.local import RunFailedError, run_pipeline
from pipelines.site import NODE_POOLS_VARIABLE
from pipelines.training import sample_training
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import Detection
from tests.kubeflow import flow as flow_module
from tests.kubeflow import installation as installation_module
from tests.kubeflow import test_kubeflow as suite
from tests.kubeflow.checks import Checks
from tests.kubeflow.compiled import ROOT, Compiled, compile_for_the_test
from tests.kubeflow.explaining import fix_of, is_hopeless, last_words
from tests.kubeflow.flow import Flow
from tests.kubeflow.helping import look, prepare, preparing, removing
from tests.kubeflow.miniature import DATA_ROOT, GPU, Fate, Miniature, MiniatureHandler
from tests.kubeflow.small_runs import (
    FIRST_SEED,
    SCENES,
    SECOND_SEED,
    SHARDS,
    SIZE_PX,
    TRAINING_SCENES_PER_TOWN,
    TRAINING_SEED,
    detection_arguments,
    preparing_arguments,
    small_documents,
    training_arguments,
)
from tests.kubeflow.workflow import Workflow, quantity, read_workflow
from tests.pipelines import kubeflow_server
from tests.pipelines.kubeflow_server import serving

RECORDED = Path(suite.__file__).with_name("recorded") / "detection.workflow.json"
TOWNS = ["austin", "chicago", "kitsap", "tyrol-w", "vienna"]


# --- what the steps of the test's own pipelines do


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(DATA_ROOT_VARIABLE, str(tmp_path / "data"))
    return str(tmp_path / "data")


def test_preparing_needs_the_clusters_data_root(data_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = {"place": f"{data_root}/test", "scenes": 1, "size_px": SIZE_PX, "seed": FIRST_SEED}
    with pytest.raises(ConfigError, match=r"the cluster's is '.*/data'.*say FOOTPRINTS_DATA_ROOT=.*make test-kubeflow"):
        prepare.python_func(data_root="s3://other/data", **arguments)
    monkeypatch.delenv(DATA_ROOT_VARIABLE)
    with pytest.raises(ConfigError, match="ConfigMap footprints-storage is missing"):
        prepare.python_func(data_root=data_root, **arguments)


def test_looking_sees_what_a_detection_left_and_what_changed(data_root: str, tmp_path: Path) -> None:
    place = f"{data_root}/test"
    prepare.python_func(place=place, data_root=data_root, scenes=2, size_px=128, seed=FIRST_SEED)
    model = str(save_bright_model(tmp_path / "model"))
    kept = Detection(f"{place}/imagery/images", model, f"{place}/collection", f"{place}/detection")
    kept.run()

    with pytest.raises(DataError, match=r"the ledger has 2 scenes, not 3.*none-such is missing"):
        look.python_func(place=place, scenes=3, changed=2, artifacts=[f"{place}/none-such"])
    look.python_func(place=place, scenes=2, changed=2, artifacts=[model], change_with_seed=SECOND_SEED)
    with pytest.raises(DataError, match="0 scenes are new or others than before"):
        look.python_func(place=place, scenes=2, changed=1, artifacts=[])

    assert kept.run()["scenes_published"] == 1
    look.python_func(place=place, scenes=2, changed=1, artifacts=[])

    layer = Path(place) / "collection" / "layer.json"
    content = json.loads(layer.read_text())
    layer.write_text(json.dumps(content | {"partitions": content["partitions"][:1]}))
    with pytest.raises(DataError, match="the layer is not made from"):
        look.python_func(place=place, scenes=2, changed=0, artifacts=[])


def test_its_pipelines_run_as_the_others_do(data_root: str, tmp_path: Path) -> None:
    place = f"{data_root}/test"
    run_pipeline(preparing, preparing_arguments(place, data_root), tmp_path / "runs")
    assert len(list(Path(place).glob("imagery/images/*.tif"))) == SCENES
    run_pipeline(removing, {"places": [place]}, tmp_path / "runs")
    assert not list(storage.list_objects(place))
    with pytest.raises(RunFailedError, match="FOOTPRINTS_DATA_ROOT: the cluster's is"):
        run_pipeline(preparing, preparing_arguments(place, "s3://other"), tmp_path / "runs")


def test_the_sample_scenes_can_be_trained_on_and_tested_in_two_shards(tmp_path: Path) -> None:
    size = Size(SIZE_PX, SIZE_PX)
    scenes, project, tagged = (str(tmp_path / name) for name in ("scenes", "project", "tagged"))
    request = Request(tuple(TOWNS), TRAINING_SCENES_PER_TOWN, size, seed=TRAINING_SEED)
    made = generate(scenes, request, workers=1)
    import_images(made.images_uri, made.masks_uri, project, data_root=str(tmp_path / "data"), workers=1)
    split_tagging(project, tagged, query=json.dumps(small_documents().split_tagging), seed=TRAINING_SEED)

    assert len(plan_shards(tagged, image_tags=["test"], max_shards=SHARDS)) == SHARDS
    assert plan_shards(tagged, image_tags=["trainval"], max_shards=SHARDS)


def test_the_check_of_inputs_finds_nothing_wrong_with_the_training(tmp_path: Path) -> None:
    given = training_arguments(str(tmp_path))
    check_inputs.python_func(
        data_root=given["output_data_root"],
        output_uri=given["output_footprints_uri"],
        split_tagging_query=given["split_tagging_query"],
        crop_augment_query=given["crop_augment_query"],
        train_config=given["train_config"],
        inference_config=given["infer_config"],
        max_shards=given["shards_max"],
        makes_scenes=True,
    )
    assert set(given) <= set(sample_training.component_spec.inputs)


@pytest.mark.slow
def test_detection_takes_what_the_test_gives_it(data_root: str, tmp_path: Path) -> None:
    place = f"{data_root}/test"
    prepare.python_func(place=place, data_root=data_root, scenes=SCENES, size_px=SIZE_PX, seed=FIRST_SEED)

    done = run_pipeline(detection, detection_arguments(place, str(save_bright_model(tmp_path / "model"))), tmp_path)

    assert json.loads(done.path("plan-imagery/plan").joinpath("plan.json").read_text())["shards"] == SHARDS
    look.python_func(
        place=place, scenes=SCENES, changed=SCENES, artifacts=[str(done.path("publish-collection/report"))]
    )


# --- what it reads of a run


@pytest.fixture(scope="module")
def recorded() -> Workflow:
    """Some steps of a detection with 16 shards, as Kubeflow 2.17 made them."""
    return read_workflow(RECORDED.read_text(encoding="utf-8"))


def test_a_workflow_is_read_as_steps_and_their_pods(recorded: Workflow) -> None:
    assert (recorded.namespace, recorded.phase, recorded.shards) == ("kubeflow", "Succeeded", {"for-loop-2": 16})
    titles = [one.title for one in recorded.tries]
    assert titles[:3] == ["driver of root", "driver of plan-imagery", "plan-imagery"]
    assert "infer-windows, turn 5" in titles
    (one,) = recorded.of("infer-windows")
    assert one.pod == "building-footprints-detection-tz4mh-retry-system-container-impl-2847806736"
    assert (one.phase, one.number, one.turn) == ("Succeeded", 0, 5)


def test_what_a_pod_was_given_is_read_from_its_patch(recorded: Workflow) -> None:
    (one,) = recorded.of("infer-windows")
    assert one.given.limits == one.given.requests == {"cpu": "500m", "memory": "3Gi"}
    assert "spot" in [entry["key"] for entry in one.given.tolerations]
    assert one.given.input_metadata("project")["items"] == 1
    assert one.given.mounted == {"footprints-ca": "/etc/footprints/ca"}


def test_artifacts_are_found_by_step_and_name(recorded: Workflow) -> None:
    run = "ac36fc12-1cbc-4df3-bc85-c90775d7bada"
    folder = f"minio://mlpipeline/v2/artifacts/building-footprints-detection/{run}"
    assert recorded.artifacts["plan-imagery/plan"].startswith(f"{folder}/plan-imagery/")
    assert "plan-imagery/executor-logs" not in recorded.artifacts
    assert recorded.folders_of_artifacts(run) == {folder}


@pytest.mark.parametrize(
    ("text", "number"), [("500m", 0.5), ("1", 1), (2, 2), ("1536Mi", 1536 * 2**20), ("1k", 1000), ("0.5Gi", 2**29)]
)
def test_quantities_are_numbers(text: str | int, number: float) -> None:
    assert quantity(text) == number


def test_a_log_ends_with_the_error_that_the_program_raised() -> None:
    log = """
    Got executor_input: {}
    Traceback (most recent call last):
      File "/tmp/ephemeral_component.py", line 30, in prepare
    components.core.errors.StorageError: s3://bucket/data: AccessDenied; give credentials
    F1127 05:38:29 main.go:56] failed to execute component: exit status 1
    """
    assert last_words(log) == "components.core.errors.StorageError: s3://bucket/data: AccessDenied; give credentials"
    assert last_words("one\n\ntwo\n") == "one / two"
    assert "mlpipeline-minio-artifact" in fix_of(last_words(log))


@pytest.mark.parametrize(
    ("reason", "fix", "hopeless"),
    [
        ('ImagePullBackOff: Back-off pulling image "footprints-gpu:0.2.0"', "make push", True),
        ("Unschedulable: 0/3 nodes are available: 3 node(s) had untolerated taint {team: a}.", "toleration", False),
        ("Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.", "node_pools.yaml", False),
        ('pods "x" is forbidden: exceeded quota: footprints, requested: cpu=1', "ResourceQuota", False),
        ('CreateContainerConfigError: secret "mlpipeline-minio-artifact" not found', "manifests/README.md", True),
        ("main: OOMKilled (exit code 137)", "memory", True),
        ("PodInitializing", "", False),
    ],
)
def test_reasons_have_a_fix(reason: str, fix: str, hopeless: bool) -> None:
    assert fix in fix_of(reason)
    assert bool(fix) == bool(fix_of(reason))
    assert is_hopeless(reason) is hopeless


# --- what it compiles


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compile_for_the_test(tmp_path_factory.mktemp("compiled"))


def test_every_stage_is_small_and_has_no_gpu(compiled: Compiled) -> None:
    assert compiled.small.stages.keys() == {*STAGES}
    for stage in compiled.small.stages.values():
        assert stage.accelerators == 0
        assert stage.retries >= 1
        assert quantity(stage.cpu) <= 1
        assert quantity(stage.memory) <= quantity("1536Mi")


def test_what_runs_side_by_side_fits_on_two_processors(compiled: Compiled) -> None:
    stages, drivers = compiled.small.stages, quantity("500m")
    assert SHARDS * quantity(stages["detect_scenes"].cpu) + drivers <= 2
    assert quantity(stages["train_unet"].cpu) + quantity(stages["check_inputs"].cpu) + drivers <= 2


def test_what_else_a_site_has_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cluster: {storage_secret: our-store}\nstages: {train_unet: {cpu: '64', accelerators: 8}}\n")
    monkeypatch.setenv(NODE_POOLS_VARIABLE, str(site))

    made = compile_for_the_test(tmp_path)

    assert made.small.cluster.storage_secret == "our-store"
    assert (made.small.stages["train_unet"].cpu, made.own.stages["train_unet"].cpu) == ("1", "64")
    training, gpus = (made.packages[name].file.read_text(encoding="utf-8") for name in ("training", "gpus"))
    assert "secretName: our-store" in training
    assert "resourceType" not in training
    assert "resourceCount: '8'" in gpus


# --- the whole flow, against an installation in miniature


class Suite:
    """The test's functions, run one after the other against an installation."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.checks = Checks()
        self.flow = Flow(folder, self.checks, environ)

    def run(self) -> Checks:
        for name, test in vars(suite).items():
            if name.startswith("test_"):
                try:
                    test(self.flow)
                except (pytest.fail.Exception, pytest.skip.Exception):
                    continue
        return self.checks

    def words(self, name: str) -> str:
        return self.checks.outcomes[name].words

    def state(self, name: str) -> str:
        return self.checks.outcomes[name].state


MakeSuite = Callable[..., Suite]


@pytest.fixture
def miniature(monkeypatch: pytest.MonkeyPatch) -> Miniature:
    plans = [
        {"new": SCENES, "changed": 0, "done": 0, "shards": SHARDS},
        {"new": 0, "changed": 0, "done": SCENES, "shards": 0},
        {"new": 0, "changed": 1, "done": SCENES - 1, "shards": 1},
    ]
    made = Miniature(plans, SHARDS)
    made.add_experiment()
    monkeypatch.setattr(kubeflow_server, "Handler", MiniatureHandler)
    for module in (installation_module, flow_module):
        monkeypatch.setattr(module, "POLL_S", 0.01)
    return made


@pytest.fixture
def suite_of(
    miniature: Miniature, compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeSuite]:
    """Makes the suite for the miniature, with kubectl unless it is to do without."""
    monkeypatch.setattr(flow_module, "compile_for_the_test", lambda folder: compiled)
    with serving(miniature) as url:

        def make(kubectl: bool = True, **environ: str) -> Suite:
            beside = Path(sys.executable).with_name("kubectl")
            program = str(beside) if beside.exists() else shutil.which("kubectl")
            command = f"{program} --server={url}" if kubectl else "no-such-program"
            return Suite(tmp_path, {"KFP_ENDPOINT": url, "KUBECTL": command} | environ)

        yield make


def pods_beyond_the_estimate(words: str) -> int:
    """How many pods a run took more than `python -m pipelines size` says, by what the suite tells of it."""
    found = re.search(r"(\d+) pods \((\d+) expected\)", words)
    assert found is not None, words
    return int(found[1]) - int(found[2])


def test_a_good_installation_passes_and_is_left_as_it_was(miniature: Miniature, suite_of: MakeSuite) -> None:
    made = suite_of()

    checks = made.run()

    assert {outcome.state for outcome in checks.outcomes.values()} == {"ok"}, "\n".join(checks.table())
    assert f"{DATA_ROOT}/kubeflow-test/footprints-test-" in made.words("settings and store")
    assert "3 for train_unet, 1 for detect_scenes" in made.words("GPU placement")
    assert "did not run (Unschedulable: 0/1 nodes" in made.words("GPU placement")
    assert "the pod of train-unet was taken away (pod deleted)" in made.words("lost pod")
    assert pods_beyond_the_estimate(made.words("training")) == 1  # in the place of the one that was taken away
    assert pods_beyond_the_estimate(made.words("detection")) == 0
    assert "looked at on the cluster" in made.words("limits")
    assert "found nothing new; " in made.words("recurring run")
    assert pods_beyond_the_estimate(made.words("recurring run")) == 0
    assert not (miniature.runs or miniature.recurring or miniature.pipelines or miniature.versions)
    assert [entry.display_name for entry in miniature.experiments.values()] == ["Default"]
    assert max(count for counts in miniature.enabled for count in counts.values()) == 1


def test_without_kubectl_all_else_is_checked(suite_of: MakeSuite) -> None:
    made = suite_of(kubectl=False, FOOTPRINTS_DATA_ROOT="s3://other/place")

    checks = made.run()

    states = {name: outcome.state for name, outcome in checks.outcomes.items()}
    assert states.pop("lost pod") == "skipped"
    assert "no-such-program" in made.words("lost pod")
    assert set(states.values()) == {"ok"}, "\n".join(checks.table())
    assert "s3://other/place/kubeflow-test" in made.words("settings and store")


def test_a_step_that_fails_is_told_with_its_last_words_and_stays_to_be_read(
    miniature: Miniature, suite_of: MakeSuite
) -> None:
    said = "Traceback …\ncomponents.core.errors.StorageError: s3://ours: AccessDenied; see to it\n"
    miniature.fates["import-images"] = Fate("main: Error (exit code 1)", said)
    made = suite_of()

    checks = made.run()

    assert made.state("training") == "failed"
    assert "import-images: Failed: components.core.errors.StorageError: s3://ours" in made.words("training")
    assert "the Secret mlpipeline-minio-artifact" in made.words("training")
    for name in ("lost pod", "limits", "detection"):
        assert (made.state(name), made.words(name)) == ("skipped", "'training' did not pass")
    assert made.words("recurring run") == "'detection' did not pass"
    (run,) = miniature.runs.values()
    assert run.display_name == "training"
    assert any(run.run_id in note for note in checks.notes)
    assert len(miniature.experiments) == 2
    assert not miniature.pipelines
    table = "\n".join(checks.table())
    assert "failed   training" in table
    assert "skipped  lost pod" in table


def test_an_image_that_cannot_be_pulled_is_told_and_the_run_ended(
    miniature: Miniature, suite_of: MakeSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation_module, "HOPELESS_S", 0.0)
    miniature.fates["prepare"] = Fate('ImagePullBackOff: Back-off pulling image "footprints-cpu:0.2.0"')
    made = suite_of()

    made.run()

    assert made.state("settings and store") == "failed"
    assert "prepare: Pending: ImagePullBackOff" in made.words("settings and store")
    assert "make push" in made.words("settings and store")
    assert made.state("training") == "skipped"
    assert not miniature.runs


def test_limits_and_tolerations_that_get_lost_are_found(miniature: Miniature, suite_of: MakeSuite) -> None:
    def spoil(step: str, patch: dict[str, Any]) -> None:
        if step == "see-gpus":
            del patch["containers"][0]["resources"]["limits"][GPU]
            patch["tolerations"] = []
        if step == "evaluate":
            patch["containers"][0]["resources"]["limits"]["memory"] = "8Gi"

    miniature.spoil = spoil
    made = suite_of()

    made.run()

    assert made.state("GPU placement") == made.state("limits") == "failed"
    assert f"train_unet: it has no limit of {GPU}, which should be 3" in made.words("GPU placement")
    assert f"train_unet: it does not tolerate the taint {GPU}" in made.words("GPU placement")
    assert "evaluate: its limit of memory is 8Gi, not 1Gi" in made.words("limits")
    assert made.state("detection") == "ok"


def test_gpus_and_what_is_there_can_be_left_alone(miniature: Miniature, suite_of: MakeSuite) -> None:
    made = suite_of(KUBEFLOW_TEST_GPUS="no", KUBEFLOW_TEST_KEEP="yes")

    made.run()

    assert made.state("GPU placement") == made.state("removal") == "skipped"
    assert "GPUs" not in {run.display_name for run in miniature.runs.values()}
    assert {"training", "detection", "scheduled"} <= {run.display_name for run in miniature.runs.values()}
    assert not miniature.recurring


def test_without_an_endpoint_it_says_what_it_takes() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/kubeflow"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("KFP_", "PYTEST_"))}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KFP_ENDPOINT is not set; say KFP_ENDPOINT=" in done.stdout
    assert "passed" not in done.stdout
