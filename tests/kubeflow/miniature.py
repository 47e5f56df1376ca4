"""An installation in miniature: tests/pipelines/kubeflow_server.py with runs that go on, look by look.

What it makes of a compiled pipeline has the form that Kubeflow 2.17 and Argo 4.0 give it, as far as the test reads it:
the workflow's nodes, the patch of each step's pod, the pods themselves. No step is done; what steps would find out is
told beforehand. So the flow of the test can be tested where there is no cluster, and what it says when one is faulty.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import kfp_server_api as api

from tests.pipelines import kubeflow_server
from tests.pipelines.kubeflow_server import EPOCH, AnswerError, Handler, Kubeflow

NAMESPACE = "kubeflow"
DATA_ROOT = "s3://ours/data"
GPU = "nvidia.com/gpu"
NO_GPUS = f"Unschedulable: 0/1 nodes are available: 1 Insufficient {GPU}."
EXECUTOR = "retry-system-container-impl"
TRIES = 3
MOMENTS_AT_WORK = 2
ENDED = ("SUCCEEDED", "FAILED", "CANCELED")


@dataclass
class Fate:
    """What becomes of a step, other than success.

    Attributes:
        message: Why it waits, or how it ends.
        log: What it says before it ends; where it says nothing, it waits for ever.
    """

    message: str
    log: str = ""


def _leave(step: str, patch: dict[str, Any]) -> None:
    """Change nothing."""


class Miniature(Kubeflow):
    """The installation.

    Attributes:
        plans: What planning finds in each run of detection, in their order.
        shards: Of training.
        fates: By the step's name.
        spoil: Changes the patch of a step's pod, as a faulty driver would.
    """

    def __init__(self, plans: list[dict[str, int]], shards: int) -> None:
        super().__init__()
        self.plans = plans
        self.shards = shards
        self.fates: dict[str, Fate] = {}
        self.spoil: Callable[[str, dict[str, Any]], None] = _leave
        self.plays: dict[str, Play] = {}

    def begin(self, run: Any) -> Any:
        """Have a run that was created go on from now."""
        spec = self.versions[run.pipeline_version_reference.pipeline_version_id].pipeline_spec
        is_detection = "plan-imagery" in spec["pipeline_spec"]["root"]["dag"]["tasks"]
        given = (run.runtime_config.parameters if run.runtime_config else None) or {}
        self.plays[run.run_id] = Play(self, run.run_id, spec, given, self.plans.pop(0) if is_detection else {})
        run.state = "RUNNING"
        return run


class Play:
    """One run: nodes are added look by look."""

    def __init__(
        self,
        kubeflow: Miniature,
        run_id: str,
        spec: Mapping[str, Any],
        given: Mapping[str, Any],
        plan: Mapping[str, int],
    ) -> None:
        self.kubeflow = kubeflow
        self.run_id = run_id
        self.given = given
        self.plan = plan
        self.pipeline: Mapping[str, Any] = spec["pipeline_spec"]
        kubernetes = spec["platform_spec"]["platforms"]["kubernetes"]
        self.platform: Mapping[str, Any] = kubernetes["deploymentSpec"]["executors"]
        self.name = f"{self.pipeline['pipelineInfo']['name']}-{run_id[:5]}"
        self.nodes: dict[str, dict[str, Any]] = {}
        self.states: dict[str, str] = {}
        self.logs: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.state = "RUNNING"
        self._moments = self._play()

    def advance(self) -> None:
        """Let a little time pass."""
        if self.state == "RUNNING":
            self.state = next(self._moments, "SUCCEEDED")

    def manifest(self) -> str:
        """The workflow as Argo writes it."""
        phase = {"SUCCEEDED": "Succeeded", "FAILED": "Failed", "CANCELED": "Failed"}.get(self.state, "Running")
        meta = {"name": self.name, "namespace": NAMESPACE}
        return json.dumps({"metadata": meta, "status": {"phase": phase, "nodes": self.nodes}})

    def pods(self) -> Iterator[dict[str, Any]]:
        """The pods of the steps as Kubernetes has them."""
        for node in self.nodes.values():
            if node["templateName"] != EXECUTOR:
                continue
            state = "running" if node["phase"] == "Running" else "waiting"
            yield {
                "metadata": {
                    "name": self._pod_of(node),
                    "annotations": {"workflows.argoproj.io/node-name": node["name"]},
                },
                "spec": json.loads(node["inputs"]["parameters"][0]["value"]),
                "status": {"containerStatuses": [{"name": "main", "state": {state: {}}}]},
            }

    def _pod_of(self, node: Mapping[str, Any]) -> str:
        return f"{self.name}-{node['templateName']}-{node['id'].rpartition('-')[2]}"

    def _play(self) -> Iterator[str]:
        self._pod("(0).root-driver(0)", "system-dag-driver")
        yield "RUNNING"
        waiting, begun, done = dict(self.pipeline["root"]["dag"]["tasks"]), dict[str, Iterator[str]](), set[str]()
        while waiting or begun:
            for name in [name for name, task in waiting.items() if set(task.get("dependentTasks", ())) <= done]:
                begun[name] = self._task(name, waiting.pop(name), "(0).root(0)")
            for name in [name for name, moments in begun.items() if next(moments, None) is None]:
                del begun[name]
                done.add(name)
                if self.states[name] == "FAILED":
                    yield "FAILED"
            yield "RUNNING"

    def _task(self, name: str, task: Mapping[str, Any], path: str) -> Iterator[str]:
        component = self.pipeline["components"][task["componentRef"]["name"]]
        if "dag" in component:
            yield from self._loop(name, component["dag"]["tasks"], f"{path}.{name}(0)")
            return
        self._pod(f"{path}.{name}-driver(0)", "system-container-driver")
        yield "RUNNING"
        if task.get("triggerPolicy", {}).get("condition") and not self._is_wanted(task):
            self.states[name] = "SKIPPED"
        else:
            yield from self._step(name, component, f"{path}.{name}(0).executor")

    def _is_wanted(self, task: Mapping[str, Any]) -> bool:
        """Whether a step's condition holds: on what the run was given, or on what planning found."""
        inputs = task.get("inputs", {}).get("parameters", {})
        (channel,) = re.findall(r"inputs\.parameter_values\['(.+?)'\]", task["triggerPolicy"]["condition"])
        parameter = inputs.get(channel, {}).get("componentInputParameter")
        return bool(self.given.get(parameter) if parameter in self.given else self.plan.get("shards"))

    def _loop(self, name: str, tasks: Mapping[str, Any], path: str) -> Iterator[str]:
        turns = self.plan.get("shards", self.kubeflow.shards)
        self._pod(f"{path}.iteration-driver(0)", "system-dag-driver", {"iteration-count": str(turns)})
        self.states[name] = "SUCCEEDED"
        yield "RUNNING"
        for turn in range(turns):
            iteration = f"{path}.iteration-iterations({turn}:{turn})(0)"
            self._pod(f"{iteration}.iteration-item-driver(0)", "system-dag-driver")
            for step, task in tasks.items():
                yield from self._task(step, task, f"{iteration}.iteration-item(0)")
                self.states[name] = self.states[step]

    def _step(self, name: str, component: Mapping[str, Any], path: str) -> Iterator[str]:
        patch = self._patch(name, component)
        fate = self.kubeflow.fates.get(name)
        for number in range(TRIES):
            node = self._pod(f"{path}({number})", EXECUTOR, phase="Pending", patch=patch)
            self.states[name] = "RUNNING"
            waits = fate.message if fate and not fate.log else ""
            if GPU in patch["containers"][0]["resources"]["limits"]:
                waits = NO_GPUS
            while waits:
                node["message"] = waits
                yield "RUNNING"
            yield "RUNNING"
            for _ in range(MOMENTS_AT_WORK):
                node["phase"] = "Running"
                yield "RUNNING"
            if self._pod_of(node) in self.deleted:
                node |= {"phase": "Error", "message": "pod deleted"}
                continue
            if fate:
                self.logs[node["id"]] = fate.log
            node |= {"phase": "Failed", "message": fate.message} if fate else {"phase": "Succeeded"}
            self.states[name] = "FAILED" if fate else "SUCCEEDED"
            return

    def _pod(
        self,
        path: str,
        template: str,
        outputs: Mapping[str, str] | None = None,
        phase: str = "Succeeded",
        patch: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        node: dict[str, Any] = {
            "id": f"{self.name}-{uuid.uuid4().int % 10**9}",
            "name": f"{self.name}{path}",
            "displayName": path.rpartition(".")[2],
            "type": "Pod",
            "templateName": template,
            "phase": phase,
            "startedAt": f"{len(self.nodes):05}",
            "inputs": {"parameters": [{"name": "pod-spec-patch", "value": json.dumps(patch)}] if patch else []},
            "outputs": {"parameters": [{"name": key, "value": value} for key, value in (outputs or {}).items()]},
        }
        self.nodes[node["id"]] = node
        return node

    def _patch(self, name: str, component: Mapping[str, Any]) -> dict[str, Any]:
        """What Kubeflow's driver makes of an executor, its resources and its platform's part."""
        executor = self.pipeline["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        platform = self.platform[component["executorLabel"]]
        maps = [entry["configMapName"] for entry in platform["configMapAsVolume"]]
        secrets = [entry["secretName"] for entry in platform["secretAsVolume"]]
        folders = [entry["mountPath"] for entry in platform["configMapAsVolume"] + platform["secretAsVolume"]]
        main = {
            "name": "main",
            "image": executor["image"],
            "command": ["/kfp-launcher/launch", "--executor_input", json.dumps(self._executor_input(name, component))],
            "resources": _resources(executor["resources"]),
            "securityContext": {"runAsUser": int(platform["securityContext"]["runAsUser"]), "runAsNonRoot": True},
            "volumeMounts": [
                {"name": volume, "mountPath": folder} for volume, folder in zip([*maps, *secrets], folders, strict=True)
            ],
        }
        patch = {
            "containers": [main],
            "volumes": [
                *({"name": name, "configMap": {"name": name, "optional": True}} for name in maps),
                *({"name": name, "secret": {"secretName": name, "optional": True}} for name in secrets),
            ],
            "tolerations": platform.get("tolerations", []),
            "activeDeadlineSeconds": int(platform["activeDeadlineSeconds"]),
        }
        self.kubeflow.spoil(name, patch)
        return patch

    def _executor_input(self, name: str, component: Mapping[str, Any]) -> dict[str, Any]:
        folder = f"minio://mlpipeline/v2/artifacts/{self.pipeline['pipelineInfo']['name']}/{self.run_id}/{name}"
        given = component.get("inputDefinitions", {}).get("artifacts", {})
        made = [*component.get("outputDefinitions", {}).get("artifacts", {}), "executor-logs"]
        return {
            "inputs": {"artifacts": {key: _artifact(f"{folder}/in/{key}", self.plan) for key in given}},
            "outputs": {"artifacts": {key: _artifact(f"{folder}/{uuid.uuid4()}/{key}", {}) for key in made}},
        }


def _resources(declared: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    limits = {"cpu": declared["resourceCpuLimit"], "memory": declared["resourceMemoryLimit"]}
    if "accelerator" in declared:
        limits[declared["accelerator"]["resourceType"]] = declared["accelerator"]["resourceCount"]
    requests = {"cpu": declared["resourceCpuRequest"], "memory": declared["resourceMemoryRequest"]}
    return {"limits": limits, "requests": requests}


def _artifact(uri: str, metadata: Mapping[str, int]) -> dict[str, Any]:
    return {"artifacts": [{"name": "1", "uri": uri, "metadata": dict(metadata)}]}


# --- what the server answers beyond what tests/pipelines needs


def _create_run(handler: Handler, kubeflow: Miniature) -> Any:
    return kubeflow.begin(kubeflow_server._create_run(handler, kubeflow))


def _play_of(kubeflow: Miniature, run_id: str) -> Play:
    if run_id not in kubeflow.plays or run_id not in kubeflow.runs:
        raise AnswerError(404, f"Run {run_id} not found")
    return kubeflow.plays[run_id]


def _get_run(handler: Handler, kubeflow: Miniature, run_id: str) -> Any:
    play, run = _play_of(kubeflow, run_id), kubeflow.runs[run_id]
    details = [api.V2beta1PipelineTaskDetail(display_name=name, state=state) for name, state in play.states.items()]
    run.state, run.run_details = play.state, api.V2beta1RunDetails(task_details=details)
    if run.state in ENDED and run.finished_at == EPOCH:
        run.finished_at = run.created_at + timedelta(seconds=60)
    return run


def _get_workflow(handler: Handler, kubeflow: Miniature, run_id: str) -> Any:
    play = _play_of(kubeflow, run_id)
    manifest = play.manifest()
    play.advance()
    return {"run": {"id": run_id}, "pipeline_runtime": {"workflow_manifest": manifest}}


def _get_log(handler: Handler, kubeflow: Miniature, run_id: str, node: str) -> Any:
    log = _play_of(kubeflow, run_id).logs.get(node)
    if log is None:
        raise AnswerError(404, "artifact not found")
    return {"data": base64.b64encode(log.encode()).decode()}


def _terminate_run(handler: Handler, kubeflow: Miniature, run_id: str) -> Any:
    _play_of(kubeflow, run_id).state = "CANCELED"
    return {}


def _enable(handler: Handler, kubeflow: Miniature, identifier: str) -> Any:
    """Enable a recurring run, whose time has come already."""
    answer = kubeflow_server._change_recurring(handler, kubeflow, identifier, "enable")
    recurring = kubeflow.recurring[identifier]
    run = api.V2beta1Run(
        run_id=str(uuid.uuid4()),
        experiment_id=recurring.experiment_id,
        display_name="scheduled",
        recurring_run_id=identifier,
        pipeline_version_reference=recurring.pipeline_version_reference,
        finished_at=EPOCH,
        **kubeflow.stamp(),
    )
    kubeflow.runs[run.run_id] = run
    kubeflow.begin(run)
    return answer


def _deleting(held: str) -> Callable[..., Any]:
    def delete(handler: Handler, kubeflow: Miniature, *identifiers: str) -> Any:
        if getattr(kubeflow, held).pop(identifiers[-1], None) is None:
            raise AnswerError(404, f"{identifiers[-1]} not found")
        return {}

    return delete


def _delete_pipeline(handler: Handler, kubeflow: Miniature, identifier: str) -> Any:
    if any(version.pipeline_id == identifier for version in kubeflow.versions.values()):
        raise AnswerError(400, "Failed to delete pipeline as it has existing pipeline versions")
    return _deleting("pipelines")(handler, kubeflow, identifier)


def _list_pods(handler: Handler, kubeflow: Miniature) -> Any:
    run_id = unquote(handler.query["labelSelector"]).removeprefix("pipeline/runid=")
    return {"kind": "PodList", "apiVersion": "v1", "items": list(_play_of(kubeflow, run_id).pods())}


def _delete_pod(handler: Handler, kubeflow: Miniature, pod: str) -> Any:
    for play in kubeflow.plays.values():
        if pod in [entry["metadata"]["name"] for entry in play.pods()]:
            play.deleted.add(pod)
            return {"kind": "Status", "apiVersion": "v1", "status": "Success"}
    raise AnswerError(404, f"pods {pod} not found")


def _settings(handler: Handler, kubeflow: Miniature) -> Any:
    return {"kind": "ConfigMap", "data": {"FOOTPRINTS_DATA_ROOT": DATA_ROOT}}


_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"

ROUTES: dict[str, Callable[..., Any]] = {
    "POST /runs": _create_run,
    "GET /runs/([^/]+)": _get_run,
    "GET /apis/v1beta1/runs/([^/]+)": _get_workflow,
    "GET /runs/([^/]+)/nodes/([^/]+)/artifacts/main-logs:read": _get_log,
    "POST /runs/([^/:]+):terminate": _terminate_run,
    "POST /recurringruns/([^/:]+):enable": _enable,
    "DELETE /runs/([^/]+)": _deleting("runs"),
    "DELETE /experiments/([^/]+)": _deleting("experiments"),
    "DELETE /pipelines/([^/]+)/versions/([^/]+)": _deleting("versions"),
    "DELETE /pipelines/([^/]+)": _delete_pipeline,
    f"GET {_PODS}": _list_pods,
    f"DELETE {_PODS}/([^/]+)": _delete_pod,
    f"GET /api/v1/namespaces/{NAMESPACE}/configmaps/footprints-storage": _settings,
}


class MiniatureHandler(Handler):
    """One request: what is answered here goes before what tests/pipelines needs."""

    def _route(self, request: str) -> Any:
        for pattern, action in ROUTES.items():
            match = re.fullmatch(pattern, request)
            if match:
                self._authenticate()
                return action(self, self.kubeflow, *match.groups())
        return super()._route(request)
