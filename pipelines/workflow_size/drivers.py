"""The texts that the nodes of drivers and executors hold, as inputs and as outputs."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.workflow_size.compiled import Part, json_text, label_texts, retry_texts
from pipelines.workflow_size.nodes import NodeParameter

GROUP_DEFAULTS = {
    "runtime-config": "",
    "task": "",
    "task-name": "",
    "parent-dag-id": "0",
    "iteration-index": "-1",
    "driver-type": "DAG",
}
"""What the driver of a group is told beside its component, with the defaults."""


def group_driver_inputs(component: Part, texts: Mapping[str, str]) -> list[NodeParameter]:
    """Of the driver of a group; `texts` are those that are not the defaults."""
    told = [
        NodeParameter(name, texts.get(name, default), {"default": default}) for name, default in GROUP_DEFAULTS.items()
    ]
    return [NodeParameter("component", json_text(component)), *told]


def group_driver_outputs(execution: int, iterations: int) -> list[NodeParameter]:
    """Of the driver of a group: Kubeflow's number of the group, and of a loop how often it goes round."""
    return [
        _from_file("execution-id", str(execution)),
        _from_file("iteration-count", str(iterations), "0"),
        _from_file("condition", "nil", "true"),
    ]


def step_driver_inputs(
    name: str, component: Part, task: Part, container: Part, kubernetes: Part, parent: int
) -> list[NodeParameter]:
    """Of the driver of a step.

    Args:
        name: The task's.
        component: The step's component.
        task: The task that it is made for.
        container: What it runs.
        kubernetes: What Kubernetes is told; may be empty.
        parent: Kubeflow's number of the group.
    """
    return [
        NodeParameter("component", json_text(component)),
        NodeParameter("task", json_text(task)),
        NodeParameter("container", json_text(container)),
        NodeParameter("task-name", name),
        NodeParameter("parent-dag-id", str(parent)),
        NodeParameter("iteration-index", "-1", {"default": "-1"}),
        NodeParameter("kubernetes-config", json_text(kubernetes) if kubernetes else "", {"default": ""}),
    ]


def step_driver_outputs(patch: str) -> list[NodeParameter]:
    """Of the driver of a step: its pod's text, above all."""
    return [
        _from_file("pod-spec-patch", patch, ""),
        _from_file("cached-decision", "false", "false"),
        _from_file("condition", "nil", "true"),
    ]


def executor_inputs(task: Part, kubernetes: Part, patch: str) -> list[NodeParameter]:
    """Of the node around a step's pod."""
    return [
        NodeParameter("pod-spec-patch", patch),
        NodeParameter("cached-decision", "false", {"default": "false"}),
        *(NodeParameter(name, text) for name, text in label_texts(kubernetes).items()),
        *(NodeParameter(name, text, {"default": "0"}) for name, text in retry_texts(task).items()),
    ]


def pod_inputs(task: Part, kubernetes: Part, patch: str) -> list[NodeParameter]:
    """Of a step's pod."""
    texts = label_texts(kubernetes) | retry_texts(task)
    return [NodeParameter("pod-spec-patch", patch), *(NodeParameter(name, text) for name, text in texts.items())]


def _from_file(name: str, value: str, default: str | None = None) -> NodeParameter:
    source = {"path": f"/tmp/outputs/{name}"} | ({} if default is None else {"default": default})  # noqa: S108
    return NodeParameter(name, value, {"valueFrom": source})
