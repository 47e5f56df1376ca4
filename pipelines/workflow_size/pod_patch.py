"""The text with which Kubeflow's driver makes a step's pod, and which then stands in six of the step's nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.workflow_size.compiled import Part, json_text, plain_json_text
from pipelines.workflow_size.values import RunValues

LOGS = "executor-logs"
"""An output of every step: Kubeflow keeps its log as an artifact."""

VARIABLES = {"secretAsEnv": ("secret", "secretKeyRef"), "configMapAsEnv": ("configMap", "configMapKeyRef")}
"""Parts of what Kubernetes is told that become environment variables, with the key of the name and of the reference."""


@dataclass(frozen=True)
class Step:
    """A step at its start.

    Attributes:
        pipeline: Name of the pipeline.
        run: Kubeflow's id of the run.
        execution: Kubeflow's number of the step.
        component: The step's component.
        container: What it runs.
        kubernetes: The step's Kubernetes settings.
        inputs: What the step is given.
        around: What the group that it lies in is given.
        folder: URI of the step's outputs.
    """

    pipeline: str
    run: str
    execution: int
    component: Part
    container: Part
    kubernetes: Part
    inputs: RunValues
    around: RunValues
    folder: str


def pod_patch(step: Step) -> str:
    """The pod of a step, as JSON text."""
    container = {
        "name": "main",
        "image": step.container.get("image", ""),
        "command": ["/kfp-launcher/launch", *_launcher_arguments(step), "--"],
        "args": [*step.container.get("command", []), *step.container.get("args", [])],
        "env": [*step.container.get("env", []), *_variables(step.kubernetes, step.around)],
        "resources": _resources(step.container.get("resources", {})),
    }
    rest = {key: entry for key, entry in step.kubernetes.items() if key not in VARIABLES}
    return json_text({"containers": [container], **rest})


def _launcher_arguments(step: Step) -> list[str]:
    arguments = {
        "pipeline_name": step.pipeline,
        "run_id": step.run,
        "execution_id": str(step.execution),
        "executor_input": plain_json_text(_executor_input(step)),
        "component_spec": plain_json_text({**step.component, "outputDefinitions": _outputs(step.component)}),
        "pod_name": "$(KFP_POD_NAME)",
        "pod_uid": "$(KFP_POD_UID)",
        "ml_pipeline_server_address": "ml-pipeline.kubeflow.svc.cluster.local",
        "ml_pipeline_server_port": "8887",
        "mlmd_server_address": "metadata-grpc-service.kubeflow.svc.cluster.local",
        "mlmd_server_port": "8080",
        "publish_logs": "true",
    }
    return [word for name, value in arguments.items() for word in (f"--{name}", value)]


def _outputs(component: Part) -> dict[str, Any]:
    declared = component.get("outputDefinitions", {})
    logs = {LOGS: {"artifactType": {"schemaTitle": "system.Artifact"}}}
    return {**declared, "artifacts": {**declared.get("artifacts", {}), **logs}}


def _executor_input(step: Step) -> dict[str, Any]:
    outputs = _outputs(step.component)
    artifacts = {
        key: {"artifacts": [{"name": key, "type": entry["artifactType"], "uri": f"{step.folder}/{key}"}]}
        for key, entry in outputs["artifacts"].items()
    }
    parameters = {key: {"outputFile": f"/tmp/kfp/outputs/{key}"} for key in outputs.get("parameters", {})}  # noqa: S108
    return {
        "inputs": {
            "artifacts": {key: {"artifacts": given} for key, given in step.inputs.artifacts.items()},
            "parameterValues": step.inputs.parameters,
        },
        "outputs": {
            "artifacts": artifacts,
            "parameters": parameters,
            "outputFile": f"/{step.folder.replace('://', '/')}/output_metadata.json",
        },
    }


def _variables(kubernetes: Part, around: RunValues) -> Iterator[dict[str, Any]]:
    for part, (source, reference) in VARIABLES.items():
        for entry in kubernetes.get(part, []):
            name = _name(entry.get(f"{source}NameParameter", {}), around) or entry.get(f"{source}Name", "")
            for pair in entry.get("keyToEnv", []):
                key = pair.get(f"{source}Key", "")
                given = {"name": name, "key": key, "optional": entry.get("optional", False)}
                yield {"name": pair["envVar"], "valueFrom": {reference: given}}


def _name(source: Part, around: RunValues) -> str:
    if "runtimeValue" in source:
        return str(source["runtimeValue"].get("constant", ""))
    return str(around.parameters.get(source.get("componentInputParameter", ""), ""))


def _resources(declared: Part) -> Mapping[str, Any]:
    accelerator = declared.get("accelerator", {})
    limits = {
        "cpu": declared.get("resourceCpuLimit"),
        "memory": declared.get("resourceMemoryLimit"),
        accelerator.get("resourceType", ""): accelerator.get("resourceCount"),
    }
    requests = {"cpu": declared.get("resourceCpuRequest"), "memory": declared.get("resourceMemoryRequest")}
    return {
        "limits": {key: value for key, value in limits.items() if value},
        "requests": {key: value for key, value in requests.items() if value},
    }
