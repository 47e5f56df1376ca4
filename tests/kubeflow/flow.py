"""What is done with an installation, in order: each check is a method that gives the words for what it saw.

Runs that do not need each other go on side by side, for nearly all the time is spent on pods' starts.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from components.core.storage.mounted import DATA_ROOT_VARIABLE
from components.core.storage.uris import REMOTE_SCHEMES
from pipelines.connection import Connection
from pipelines.endpoint import Endpoint
from pipelines.scheduling import Schedule, apply_schedule
from pipelines.submitting import ENDED
from pipelines.uploading import UploadedVersion
from pipelines.workflow_size import LIMIT_BYTES, workflow_size
from tests.kubeflow.checks import Checks, UnavailableError
from tests.kubeflow.compiled import (
    DETECTION,
    GPUS,
    LOOKING,
    PREPARING,
    REMOVING,
    ROOT,
    TRAINING,
    Compiled,
    compile_for_the_test,
)
from tests.kubeflow.explaining import described, last_words
from tests.kubeflow.helping import GPU_STAGES
from tests.kubeflow.installation import POLL_S, CheckError, Installation, Run
from tests.kubeflow.kubectl import Kubectl, KubectlError
from tests.kubeflow.losing import PodTaker
from tests.kubeflow.placed import faults_of_placement, stage_of
from tests.kubeflow.small_runs import (
    SCENES,
    SECOND_SEED,
    SHARDS,
    detection_arguments,
    preparing_arguments,
    training_arguments,
)
from tests.kubeflow.workflow import Given, Try, Workflow

log = logging.getLogger(__name__)

# Seconds after which a run is given up; the first ones may have to wait for images of gigabytes.
PREPARING_S, TRAINING_S, DETECTION_S, LOOKING_S, GPUS_S = 900.0, 1500.0, 900.0, 300.0, 420.0

RECURRING_CRON = "*/10 * * * * *"
RECURRING_S = 180.0
"""How long an enabled recurring run may take until its first run is there."""

LOSABLE = ("train-unet", "infer-windows")
ARTIFACTS_OF_TRAINING = ("train-unet/model", "train-unet/report", "evaluate/evaluation", "evaluate/report")
ARTIFACTS_OF_DETECTION = ("plan-imagery/plan", "publish-collection/summary", "publish-collection/report")

GPUS_VARIABLE, KEEP_VARIABLE = "KUBEFLOW_TEST_GPUS", "KUBEFLOW_TEST_KEEP"
"""Set to "no", no GPU is asked for; set to "yes", nothing is removed but recurring runs."""

SETTINGS_MANIFEST = ROOT / "manifests" / "base" / "storage.yaml"


class Flow:
    """One test of one installation.

    Attributes:
        checks: What was checked so far.
        installation: That is tested; set by `connect`.
        compiled: What was uploaded; set by `upload`.
    """

    installation: Installation
    compiled: Compiled

    def __init__(self, folder: Path, checks: Checks, environ: Mapping[str, str] = os.environ) -> None:
        self.checks = checks
        self._folder = folder
        self._environ = environ
        self._versions: dict[str, UploadedVersion] = {}
        self._runs: dict[str, Run] = {}
        self._workflows: dict[str, Workflow] = {}
        self._taker: PodTaker | None = None
        self._is_removed = False

    # --- before anything runs

    def connect(self) -> str:
        """Reach the API, and have an experiment of the test's own."""
        connection = Connection(Endpoint.from_environment({}, self._environ))
        name = f"footprints-test-{secrets.token_hex(3)}"
        self.installation = Installation(connection, Kubectl.find(self._environ), name)
        self.checks.title = f"Kubeflow Pipelines at {connection.endpoint.url}, namespace {self.installation.namespace}:"
        return f"{connection.endpoint.url} answers; experiment {name}"

    def upload(self) -> str:
        """Compile with the small placements, and upload."""
        self.compiled = compile_for_the_test(self._folder)
        for name, package in self.compiled.packages.items():
            self._versions[name] = self.installation.upload(package, name)
        return f"{len(self._versions)} pipelines compiled with small placements, and uploaded"

    def begin(self) -> None:
        """Start what needs nothing but the installation."""
        place = self._place
        self._start(PREPARING, "preparing", preparing_arguments(place, self._data_root))
        self._start(TRAINING, "training", training_arguments(place))
        if self._environ.get(GPUS_VARIABLE, "").lower() != "no":
            self._start(GPUS, "GPUs", {})

    @cached_property
    def _place(self) -> str:
        """Where in the store everything of this test lies."""
        return f"{self._data_root.rstrip('/')}/kubeflow-test/{self.installation.name}"

    @cached_property
    def _data_root(self) -> str:
        """The cluster's own, as far as it can be known from outside; `preparing` compares it with what is mounted."""
        if self._environ.get(DATA_ROOT_VARIABLE):
            return self._environ[DATA_ROOT_VARIABLE]
        if self.installation.kubectl is not None:
            try:
                settings = self.installation.kubectl.settings(
                    self.installation.namespace, self.compiled.small.cluster.storage_settings
                )
                if settings.get(DATA_ROOT_VARIABLE):
                    return settings[DATA_ROOT_VARIABLE]
            except KubectlError as error:
                log.info("%s", error)
        manifest = yaml.safe_load(SETTINGS_MANIFEST.read_text(encoding="utf-8"))
        return str(manifest["data"][DATA_ROOT_VARIABLE])

    # --- checks

    def see_settings(self) -> str:
        """ConfigMap, Secret and store, from a pod."""
        self._wait("preparing", PREPARING_S)
        return f"settings are mounted; the store can be written, read, listed and deleted from, below {self._place}"

    def see_gpu_placement(self) -> str:
        """Steps that the site's own placements put on GPUs: what their pods ask for, and what becomes of it."""
        if "GPUs" not in self._runs:
            raise UnavailableError(f"{GPUS_VARIABLE}=no says so")
        pools = self.compiled.own
        if not any(pools.stages[stage].accelerators for stage in GPU_STAGES):
            raise UnavailableError("node_pools.yaml asks for no GPU")
        run = self._runs["GPUs"]
        workflow, tries, real = self._watch_gpus(run)
        faults = []
        for one, stage in zip(tries, GPU_STAGES, strict=True):
            faults += [f"{stage}: {fault}" for fault in faults_of_placement(one.given, stage, pools)]
            if one.pod in real:
                found = faults_of_placement(real[one.pod], stage, pools)
                faults += [f"{stage}: on the cluster, {fault}" for fault in found]
        if faults:
            raise CheckError("\n".join(["pods that should be placed on GPUs are not:", *faults]))
        asked = ", ".join(f"{pools.stages[stage].accelerators} for {stage}" for stage in GPU_STAGES)
        words = f"pods ask for {pools.cluster.accelerator_type} ({asked}) and tolerate the taints"
        return f"{words}; {self._fate_of_gpus(run, workflow, tries)}"

    def train(self) -> str:
        """The training pipeline on sample scenes, with two shards; a pod is taken away on the way."""
        run = self._runs["training"]
        self._taker = PodTaker(self.installation.kubectl, run, LOSABLE)
        workflow = self._wait("training", TRAINING_S, self._taker)
        _see_steps(workflow, run.tasks)
        _see_shards(workflow, SHARDS)
        _see_artifacts(workflow, ARTIFACTS_OF_TRAINING)
        words = f"{len(run.tasks)} steps succeeded, inference in {SHARDS} shards"
        return f"{words}; {self._measure(workflow, TRAINING, SHARDS)}"

    def see_lost_pod(self) -> str:
        """The step whose pod was taken away was tried again, in another pod."""
        taker = self._taker
        assert taker is not None
        if not taker.pod:
            raise UnavailableError(taker.trouble or f"no pod of {' or '.join(LOSABLE)} was seen at work")
        tries = [one for one in self._workflows["training"].of(taker.step) if one.turn == self._turn_of(taker)]
        if len(tries) == 1:
            raise UnavailableError(f"{taker.step} had ended before its pod was gone")
        first, last = tries[0], tries[-1]
        if last.phase != "Succeeded":
            raise CheckError(f"{taker.step}: tried {len(tries)} times, the last one ended as {described(last)}")
        return f"the pod of {taker.step} was taken away ({first.message}), and the step done in another one"

    def see_limits(self) -> str:
        """What the pods of training and detection were given."""
        pools, faults, looked_at, real = self.compiled.small, list[str](), 0, 0
        for name in ("training", "detection"):
            if name not in self._workflows:
                continue
            workflow = self._workflows[name]
            pods = self._pods(self._runs[name], workflow)
            for one in workflow.executors():
                stage, looked_at = stage_of(one.step), looked_at + 1
                faults += [f"{one.title}: {fault}" for fault in faults_of_placement(one.given, stage, pools)]
                if one.pod in pods:
                    real += 1
                    found = faults_of_placement(pods[one.pod], stage, pools)
                    faults += [f"{one.title}: on the cluster, {fault}" for fault in found]
        if faults:
            raise CheckError("\n".join(["pods are not as node_pools.yaml says:", *dict.fromkeys(faults)]))
        where = f"{real} of them looked at on the cluster" if real else "by what Kubeflow made them from"
        return f"limits, tolerations, mounts, timeout and user of {looked_at} pods are as compiled, {where}"

    def detect(self) -> str:
        """The detection pipeline on imagery that is all new, with the model that training left."""
        run = self._start(DETECTION, "detection", self._detection)
        workflow = self._wait("detection", DETECTION_S)
        _see_steps(workflow, run.tasks)
        _see_shards(workflow, SHARDS)
        _see_plan(workflow, {"new": SCENES, "changed": 0, "done": 0, "shards": SHARDS})
        _see_artifacts(workflow, ARTIFACTS_OF_DETECTION)
        return f"{SCENES} new scenes in {SHARDS} shards; {self._measure(workflow, DETECTION, SHARDS)}"

    def recur(self) -> str:
        """A recurring run: made, paused, enabled, removed; the run that it starts finds nothing new."""
        installation = self.installation
        try:
            made = self._schedule(enabled=False)
            listed = {entry.recurring_run_id: entry.mode for entry in installation.recurring_runs()}
            if listed != {made: "DISABLE"}:
                raise CheckError(f"one paused recurring run was made, and Kubeflow lists {listed or 'none'}")
            self._schedule(enabled=True)
            run = self._first_run_of(made)
            self._schedule(enabled=False)
            self._runs["recurring run"] = run
            workflow = self._wait("recurring run", DETECTION_S)
        finally:
            installation.remove_recurring_runs()
        if installation.recurring_runs():
            raise CheckError("the recurring run was removed, and Kubeflow lists it still")
        _see_shards(workflow, 0)
        most = workflow_size(self.compiled.packages[DETECTION], 0).pods
        if len(workflow.tries) > most:
            raise CheckError(f"a run with nothing to do took {len(workflow.tries)} pods, not {most}")
        words = "made, paused, enabled, removed; its run found nothing new"
        return f"{words}; {self._measure(workflow, DETECTION, 0)}"

    def change_an_image(self) -> str:
        """See that the collection is whole, and put another image in the place of one."""
        artifacts = [*self._uris("training", ARTIFACTS_OF_TRAINING), *self._uris("detection", ARTIFACTS_OF_DETECTION)]
        self._look("first look", changed=SCENES, artifacts=artifacts, change_with_seed=SECOND_SEED)
        return f"ledger, rasters, layer and report of {SCENES} scenes are there, and {len(artifacts)} artifacts"

    def detect_changed(self) -> str:
        """Detection again: the changed image alone is done, and takes its place in the layer."""
        self._start(DETECTION, "detection of a change", self._detection)
        workflow = self._wait("detection of a change", DETECTION_S)
        _see_shards(workflow, 1)
        _see_plan(workflow, {"new": 0, "changed": 1, "done": SCENES - 1, "shards": 1})
        artifacts = self._uris("detection of a change", ARTIFACTS_OF_DETECTION)
        self._look("second look", changed=1, artifacts=artifacts)
        words = f"1 changed scene in 1 shard, {SCENES - 1} left as they were"
        return f"{words}; {self._measure(workflow, DETECTION, 1)}"

    def remove(self) -> str:
        """Remove all that the test has put into Kubeflow and the store; runs that failed stay to be read."""
        if self._is_removed:
            return ""
        self._is_removed = True
        installation = self.installation
        installation.remove_recurring_runs()
        if self._environ.get(KEEP_VARIABLE, "").lower() == "yes":
            raise UnavailableError(f"{KEEP_VARIABLE}=yes says so; the experiment is {installation.name}")
        states = {run.run_id: run.state for run in installation.runs()}
        for run in self._runs.values():
            if states.get(run.id) not in ENDED:
                installation.stop(run)
        # Where a namespace refuses GPUs, the run that asks for them fails, and all is well.
        refused = {self._runs["GPUs"].id} if self.checks.passed("GPU placement") else set[str]()
        failed = {run_id for run_id, state in states.items() if state == "FAILED"} - refused
        try:
            removed = self._remove_from_store(failed)
        finally:
            installation.remove(keep=failed)
        for run_id in sorted(failed):
            self.checks.notes.append(f"left for you to read: {installation.connection.run_url(run_id)}")
        if failed:
            self.checks.notes.append(f"when you have, delete the experiment {installation.name}")
        return f"pipelines, {'other runs' if failed else 'runs, the experiment'} and {removed}"

    # --- how

    @property
    def _detection(self) -> dict[str, Any]:
        """Arguments of detection, with the model that training left, as Kubeflow keeps it."""
        return detection_arguments(self._place, self._workflows["training"].artifacts["train-unet/model"])

    def _start(self, package: str, name: str, arguments: Mapping[str, Any]) -> Run:
        self._runs[name] = self.installation.start(
            self.compiled.packages[package], self._versions[package], name, arguments
        )
        return self._runs[name]

    def _wait(self, name: str, limit_s: float, at_each_look: Any = None) -> Workflow:
        self._workflows[name] = self.installation.wait(self._runs[name], limit_s, at_each_look)
        return self._workflows[name]

    def _look(self, name: str, changed: int, artifacts: list[str], **options: Any) -> None:
        expected = {"place_uri": self._place, "scenes": SCENES, "changed": changed, "artifacts": artifacts}
        self._start(LOOKING, name, expected | options)
        self._wait(name, LOOKING_S)

    def _measure(self, workflow: Workflow, package: str, shards: int) -> str:
        """How large the run became, and what `python -m pipelines size` says of it."""
        expected = workflow_size(self.compiled.packages[package], shards)
        pods = f"{len(workflow.tries)} pods ({expected.pods} expected)"
        kibibytes = f"{workflow.size_bytes / 1024:.0f} KiB of Argo's {LIMIT_BYTES // 1024}"
        return f"{pods}, {kibibytes} ({expected.whole_bytes / 1024:.0f} expected)"

    def _uris(self, name: str, artifacts: Iterable[str]) -> list[str]:
        made = self._workflows[name].artifacts
        return [made[artifact] for artifact in artifacts]

    def _turn_of(self, taker: PodTaker) -> int:
        """In a loop, which turn it was whose pod was taken."""
        tries = self._workflows["training"].of(taker.step)
        return next((one.turn for one in tries if one.pod == taker.pod), tries[0].turn)

    def _pods(self, run: Run, workflow: Workflow) -> dict[str, Given]:
        """The run's pods as the cluster has them, by name; none where it cannot be asked."""
        if self.installation.kubectl is None:
            return {}
        try:
            pods = self.installation.kubectl.pods_of(workflow.namespace, run.id)
        except KubectlError as error:
            log.info("%s", error)
            return {}
        return {pod["metadata"]["name"]: Given(pod["spec"]) for pod in pods}

    def _watch_gpus(self, run: Run) -> tuple[Workflow, list[Try], dict[str, Given]]:
        """Wait until it is known what becomes of each pod, look at them, and take them back."""
        started = time.monotonic()
        for state, workflow in self.installation.looks(run):
            tries = [workflow.of(step)[-1] for step in _gpu_steps(run) if workflow.of(step)] if workflow else []
            is_known = len(tries) == len(GPU_STAGES) and all(
                one.waits_for_a_node or one.phase in ("Succeeded", "Failed", "Error") for one in tries
            )
            if state.state in ENDED or is_known or (tries and time.monotonic() - started > GPUS_S):
                real = self._pods(run, workflow) if workflow else {}
                if state.state not in ENDED:
                    self.installation.stop(run)
                if workflow is None or len(tries) < len(GPU_STAGES):
                    break
                return workflow, tries, real
            if time.monotonic() - started > PREPARING_S:
                self.installation.stop(run)
                break
        raise CheckError(f"GPUs: no pod was made; {self.installation.connection.run_url(run.id)}")

    def _fate_of_gpus(self, run: Run, workflow: Workflow, tries: list[Try]) -> str:
        words: dict[str, list[str]] = {}
        for one, stage in zip(tries, GPU_STAGES, strict=True):
            if one.phase == "Succeeded":
                words.setdefault("ran and computed on them", []).append(stage)
            elif one.phase in ("Failed", "Error") and "forbidden" not in one.message:
                said = last_words(self.installation.log_of(run, workflow, one))
                raise CheckError(f"{stage}, placed on GPUs: {described(one, said)}")
            else:
                words.setdefault(f"did not run ({one.message or one.phase})", []).append(stage)
        return "; ".join(f"{' and '.join(stages)} {fate}" for fate, stages in words.items())

    def _schedule(self, enabled: bool) -> str:
        schedule = Schedule(
            name=f"{self.installation.name}-recurring",
            cron=RECURRING_CRON,
            version=self._versions[DETECTION],
            arguments=self._detection,
            enabled=enabled,
        )
        done = apply_schedule(self.installation.connection, self.installation.experiment, schedule)
        log.info("recurring run: %s", done.change)
        return done.recurring_run_id

    def _first_run_of(self, recurring_run_id: str) -> Run:
        started = time.monotonic()
        while time.monotonic() - started < RECURRING_S:
            for run in self.installation.runs():
                if run.recurring_run_id == recurring_run_id:
                    return Run(run.run_id, "recurring run", self.compiled.packages[DETECTION].tasks)
            time.sleep(POLL_S)
        raise CheckError(
            f"recurring run: enabled for every ten seconds, and none has started within {RECURRING_S:g} s; read the "
            "log of the deployment ml-pipeline-scheduledworkflow"
        )

    def _remove_from_store(self, failed: set[str]) -> str:
        if not (self.checks.passed("settings and store") or self.checks.passed("training")):
            return "nothing in the store: it could not be written"
        folders = {self._place}
        for run in self.installation.runs():
            if run.run_id in failed:
                continue
            workflow = self.installation.workflow_of(Run(run.run_id, run.display_name, frozenset()))
            folders |= workflow.folders_of_artifacts(run.run_id) if workflow else set()
        reached = sorted(folder for folder in folders if folder.partition("://")[0] in REMOTE_SCHEMES)
        self._start(REMOVING, "removing", {"places": reached})
        self._wait("removing", LOOKING_S)
        return f"{len(reached)} folders of the store, {self._place} among them"


def _gpu_steps(run: Run) -> list[str]:
    """The tasks that stand for `GPU_STAGES`, in their order: Kubeflow numbers tasks of one component."""
    return sorted(run.tasks, key=len)


def _see_steps(workflow: Workflow, tasks: Iterable[str]) -> None:
    missing = sorted(task for task in tasks if not any(one.phase == "Succeeded" for one in workflow.of(task)))
    if missing:
        raise CheckError(f"no pod has done {', '.join(missing)}, and yet the run has succeeded")


def _see_shards(workflow: Workflow, count: int) -> None:
    if set(workflow.shards.values()) != {count}:
        raise CheckError(f"the run's loop had {workflow.shards or 'no'} turns, not {count}")


def _see_plan(workflow: Workflow, expected: Mapping[str, float]) -> None:
    """What planning wrote of its plan, as Kubeflow handed it on with the artifact."""
    tries = workflow.of("detect-scenes")
    said = tries[0].given.input_metadata("plan") if tries else {}
    odd = [f"{name} is {said.get(name)}, not {value}" for name, value in expected.items() if said.get(name) != value]
    if odd:
        raise CheckError(f"the plan is another than it should be: {', '.join(odd)}")


def _see_artifacts(workflow: Workflow, names: Iterable[str]) -> None:
    missing = sorted(set(names) - set(workflow.artifacts))
    if missing:
        raise CheckError(f"the run has no artifact {', '.join(missing)}")
