"""The installation that is tested: runs that are started, looked at, waited for and removed again."""

from __future__ import annotations

import base64
import logging
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.connection import Connection
from pipelines.endpoint import EndpointError
from pipelines.package import PipelinePackage
from pipelines.submitting import ENDED, WELL_ENDED, experiment_id, failures, progress_line, start_run, task_states
from pipelines.uploading import UploadedVersion, upload_version
from tests.kubeflow.explaining import described, fix_of, is_hopeless, last_words
from tests.kubeflow.kubectl import Kubectl, KubectlError
from tests.kubeflow.workflow import Try, Workflow, read_workflow

log = logging.getLogger(__name__)

POLL_S = 4.0
HOPELESS_S = 60.0
"""How long a pod may wait for a reason that does not pass by itself."""

UNSCHEDULABLE_S = 300.0
"""How long one may wait for a node; a pool that grows by itself has it by then."""

ABSENCE_S = 120.0
LAG_S = 30.0
"""How long the steps' states may lag behind the run's: Kubeflow writes them one after the other."""

MAIN_LOGS = "main-logs"
SINGLE_USER_NAMESPACE = "kubeflow"
NOT_FOUND = 404


class CheckError(Exception):
    """Something is not as the pipelines need it; the message says what, and what to do."""


@dataclass(frozen=True)
class Run:
    """A run that was started.

    Attributes:
        id: Of the run.
        name: Of the run.
        tasks: Names of the pipeline's tasks.
    """

    id: str
    name: str
    tasks: frozenset[str]


class Installation:
    """One installation of Kubeflow Pipelines, and what this test has put there.

    Attributes:
        connection: To its API.
        kubectl: For what the API does not show; None where there is none.
        name: Of the experiment, and the beginning of all names that the test gives.
        experiment: Id of the experiment.
    """

    def __init__(self, connection: Connection, kubectl: Kubectl | None, name: str) -> None:
        self.connection = connection
        self.kubectl = kubectl
        self.name = name
        self.experiment = experiment_id(connection, name, create=True)
        self._pipelines: set[str] = set()

    @property
    def namespace(self) -> str:
        """Where runs have their pods: the user's own, or that of an installation for one user."""
        return self.connection.namespace or self.connection.endpoint.namespace or SINGLE_USER_NAMESPACE

    # --- what is started

    def upload(self, package: PipelinePackage, name: str) -> UploadedVersion:
        """Have a compiled pipeline there, under a name of the test's own."""
        version = upload_version(self.connection, package, f"{self.name}-{name}")
        self._pipelines.add(version.pipeline_id)
        return version

    def start(self, package: PipelinePackage, version: UploadedVersion, name: str, arguments: Mapping[str, Any]) -> Run:
        """Start a run."""
        run_id = start_run(self.connection, self.experiment, version, name, arguments)
        log.info("%s: started, %s", name, self.connection.run_url(run_id))
        return Run(run_id, name, package.tasks)

    # --- what is looked at

    def state_of(self, run: Run) -> Any:
        """The run as Kubeflow's second API shows it."""
        return self.connection.call("look at the run", self.connection.client.get_run, run_id=run.id)

    def workflow_of(self, run: Run) -> Workflow | None:
        """The run as Argo has it; None where nothing of it is known yet.

        Raises:
            CheckError: Neither the API nor kubectl gives it.
        """
        try:
            detail = self._get_json("read the workflow of the run", f"/apis/v1beta1/runs/{run.id}")
            text = (detail.get("pipeline_runtime") or {}).get("workflow_manifest")
        except EndpointError as error:
            if error.transient:
                raise
            text = self._workflow_of_kubernetes(run, error)
        return read_workflow(text) if text else None

    def _workflow_of_kubernetes(self, run: Run, error: EndpointError) -> str | None:
        if self.kubectl is None:
            raise CheckError(f"{error}; without the API's own word, kubectl could tell: set KUBECTL") from error
        try:
            return self.kubectl.workflow_of(self.namespace, run.id)
        except KubectlError as refused:
            raise CheckError(f"{error}; nor does kubectl tell: {refused}") from error

    def log_of(self, run: Run, workflow: Workflow, one: Try) -> str:
        """What a pod has said: as Argo has kept it, else as Kubernetes has it; empty where neither does."""
        place = f"/apis/v2beta1/runs/{run.id}/nodes/{one.node}/artifacts/{MAIN_LOGS}:read"
        try:
            data = self._get_json("read a step's log", place).get("data", "")
            return base64.b64decode(data).decode(errors="replace")
        except (EndpointError, ValueError):
            pass
        try:
            return self.kubectl.log_of(workflow.namespace, one.pod) if self.kubectl else ""
        except KubectlError:
            return ""

    def _get_json(self, action: str, place: str) -> dict[str, Any]:
        api = self.connection.client.runs.api_client
        return self.connection.call(
            action,
            api.call_api,
            resource_path=place,
            method="GET",
            header_params={"Accept": "application/json"},
            response_type="object",
            auth_settings=["Bearer"],
            _return_http_data_only=True,
        )

    # --- what is waited for

    def wait(self, run: Run, limit_s: float, at_each_look: Callable[[Workflow], None] | None = None) -> Workflow:
        """Wait until a run has succeeded, and log what changes.

        Args:
            run: The run.
            limit_s: When to give up.
            at_each_look: Is shown the workflow, while the run goes on.

        Returns:
            Its workflow.

        Raises:
            CheckError: It has failed, takes too long, or cannot go on; the message says why, and what to do.
        """
        started, ended, patience = time.monotonic(), math.inf, Patience()
        for state, workflow in self.looks(run):
            waiting = workflow.waiting() if workflow else []
            passed = time.monotonic() - started
            patience.say(f"{run.name}: {_line(state, run.tasks, waiting)}", passed)
            if state.state in WELL_ENDED and workflow is not None:
                ended = min(ended, passed)
                odd = _odd_states(run, state)
                if not odd:
                    return workflow
                if passed - ended > LAG_S:
                    raise CheckError(f"{run.name}: the run succeeded, and yet its steps are: {', '.join(odd)}")
                continue
            if state.state in ENDED - WELL_ENDED:
                raise CheckError(self._why_it_failed(run, state, workflow))
            stuck = patience.stuck(waiting)
            if stuck or passed > limit_s:
                raise CheckError(self._why_it_does_not_end(run, state, workflow, stuck, passed))
            if at_each_look is not None and workflow is not None:
                at_each_look(workflow)
        raise AssertionError("looks never end")

    def looks(self, run: Run) -> Iterator[tuple[Any, Workflow | None]]:
        """Look at a run again and again; an absence of some minutes is borne."""
        seen = time.monotonic()
        while True:
            try:
                # In this order, the workflow of a run that has ended is whole.
                yield self.state_of(run), self.workflow_of(run)
                seen = time.monotonic()
            except EndpointError as error:
                if not error.transient or time.monotonic() - seen > ABSENCE_S:
                    raise
                log.warning("%s", error)
            time.sleep(POLL_S)

    def _why_it_failed(self, run: Run, state: Any, workflow: Workflow | None) -> str:
        lines = [f"{run.name}: the run ended as {state.state}{failures(state, run.tasks)}"]
        if workflow is not None:
            last = {(one.step, one.is_driver, one.turn): one for one in workflow.tries}.values()
            lines += [
                f"  {described(one, last_words(self.log_of(run, workflow, one)))}"
                for one in last
                if one in workflow.lost()
            ]
            if workflow.message:
                lines.append(f"  Argo says: {workflow.message}{fix_of(workflow.message)}")
        return "\n".join([*lines, f"  {self.connection.run_url(run.id)}"])

    def _why_it_does_not_end(
        self, run: Run, state: Any, workflow: Workflow | None, stuck: Collection[Try], passed: float
    ) -> str:
        what = "cannot go on" if stuck else "has not ended"
        lines = [f"{run.name}: {what} after {passed:.0f} s: {progress_line(state, run.tasks)}"]
        if workflow is None:
            lines.append(
                "  Kubeflow knows of no workflow: read the logs of the deployments workflow-controller and "
                "ml-pipeline-persistenceagent"
            )
        else:
            lines += [f"  {described(one)}" for one in stuck or workflow.waiting()]
        self.stop(run)
        return "\n".join([*lines, f"  {self.connection.run_url(run.id)}"])

    # --- what is removed

    def stop(self, run: Run) -> None:
        """End a run."""
        try:
            self.connection.call("end the run", self.connection.client.terminate_run, run_id=run.id)
        except EndpointError as error:
            log.warning("%s", error)

    def runs(self) -> list[Any]:
        """All runs of the test's experiment, those of recurring runs too."""
        client = self.connection.client
        return list(self.connection.every("list runs", client.list_runs, "runs", experiment_id=self.experiment))

    def recurring_runs(self) -> list[Any]:
        """All recurring runs of the test's experiment."""
        client = self.connection.client
        listed = self.connection.every(
            "list recurring runs", client.list_recurring_runs, "recurring_runs", experiment_id=self.experiment
        )
        return list(listed)

    def remove_recurring_runs(self) -> None:
        """Remove the recurring runs, so that none starts anything any more."""
        client = self.connection.client
        for found in self.recurring_runs():
            self._delete("a recurring run", client.delete_recurring_run, recurring_run_id=found.recurring_run_id)

    def remove(self, keep: Collection[str] = ()) -> None:
        """Remove all that the test put there.

        Args:
            keep: Ids of runs to leave for people to read; the experiment then stays, too.
        """
        client = self.connection.client
        self.remove_recurring_runs()
        for run in self.runs():
            if run.run_id not in keep:
                self._delete("a run", client.delete_run, run_id=run.run_id)
        for pipeline_id in sorted(self._pipelines):
            versions = self.connection.every(
                "list versions", client.list_pipeline_versions, "pipeline_versions", pipeline_id=pipeline_id
            )
            for version in list(versions):
                self._delete(
                    "a pipeline version",
                    client.delete_pipeline_version,
                    pipeline_id=pipeline_id,
                    pipeline_version_id=version.pipeline_version_id,
                )
            self._delete("a pipeline", client.delete_pipeline, pipeline_id=pipeline_id)
        self._pipelines.clear()
        if not keep:
            self._delete("the experiment", client.delete_experiment, experiment_id=self.experiment)

    def _delete(self, what: str, function: Callable[..., Any], **which: str) -> None:
        try:
            self.connection.call(f"remove {what}", function, **which)
        except EndpointError as error:
            if error.status != NOT_FOUND:
                raise


class Patience:
    """What was said last, and since when each pod waits."""

    def __init__(self) -> None:
        self._said = ""
        self._since: dict[str, float] = {}

    def say(self, line: str, passed: float) -> None:
        """Log a line that is another than the last one."""
        if line != self._said:
            log.info("%s, after %.0f s", line, passed)
            self._said = line

    def stuck(self, waiting: Collection[Try]) -> list[Try]:
        """Pods that have waited for longer than it can help."""
        now = time.monotonic()
        self._since = {one.node: self._since.get(one.node, now) for one in waiting}
        return [one for one in waiting if now - self._since[one.node] > _patience_s(one)]


def _odd_states(run: Run, state: Any) -> list[str]:
    """Steps that have not ended well by the API's own word, which the page shows."""
    states = task_states(state, run.tasks)
    return sorted(f"{name} {said}" for name, said in states.items() if said not in WELL_ENDED)


def _patience_s(one: Try) -> float:
    """How long a pod may wait for its reason; one that is being set up may take as long as the run."""
    if is_hopeless(one.message):
        return HOPELESS_S
    return UNSCHEDULABLE_S if one.waits_for_a_node else math.inf


def _line(state: Any, tasks: Collection[str], waiting: Collection[Try]) -> str:
    """Progress, and what waits for what."""
    reasons = sorted({f"{one.title} waits ({one.message.partition(': ')[0]})" for one in waiting})
    return ", ".join([progress_line(state, tasks), *reasons[:3]])
