"""The spec of a run's Workflow, which holds each text of the pipeline once, however often it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.workflow_size.compiled import (
    CompiledPipeline,
    Part,
    executor_prefix,
    is_exit,
    json_text,
    label_texts,
    retry_texts,
    tasks_of,
)

SHARED_BYTES = 6600
"""Of the drivers' templates, of the outermost one, and of the settings beside templates."""

EXECUTOR_BYTES, RETRIED_BYTES, LABEL_BYTES = 2400, 1000, 460
"""Of the templates of all steps that are alike in retries and labels, and what retries and each label add."""

GROUP_BYTES = 180
"""Of a group's template without its tasks."""

STEP_TASK_BYTES, GROUP_TASK_BYTES, LOOP_TASK_BYTES = 820, 710, 2000
"""Of a task in its group's template, and of a loop's own templates, without the task's text."""

TOLD_BYTES, KUBERNETES_BYTES = 54, 110
"""Of a step's task in its group's template, for each text of retries and labels, and for what Kubernetes is told."""

EXIT_BYTES = 330
"""Of the template around a task that runs at the exit of another, and of the other's reference to it."""


def spec_bytes(pipeline: CompiledPipeline, arguments: Mapping[str, Any]) -> int:
    """Bytes of the spec.

    Args:
        pipeline: The pipeline.
        arguments: All parameters of the run.
    """
    used = list(pipeline.visited())
    kept = {key: text for name in used for key, text in _kept(pipeline, name)}
    tasks = [task for name in used for task in tasks_of(pipeline.components[name]).values()]
    parameters = [{"name": key, "value": text} for key, text in kept.items()]
    steps = [task for task in tasks if "executorLabel" in pipeline.component_of(task)]
    executors = {executor_prefix(task, _kubernetes(pipeline, task)): task for task in steps}
    return (
        SHARED_BYTES
        + _size(parameters)
        + _size(json_text({"parameterValues": arguments}))
        + sum(_task_bytes(pipeline, task) for task in tasks)
        + GROUP_BYTES * sum("dag" in pipeline.components[name] for name in used)
        + sum(_executor_bytes(pipeline, task) for task in executors.values())
    )


def _kept(pipeline: CompiledPipeline, name: str) -> Iterator[tuple[str, str]]:
    """The texts of a component, under names that two components share which run the same."""
    component = pipeline.components[name]
    label = component.get("executorLabel", "")
    executor = pipeline.executors.get(label, {})
    container = executor.get("container")
    key = hashlib.sha256(json_text(container).encode()).hexdigest() if container else name
    yield f"components-{key}", json_text(component)
    if executor:
        yield f"implementations-{key}", json_text(container or executor)
    if label in pipeline.kubernetes:
        yield f"kubernetes-{name}", json_text(pipeline.kubernetes[label])


def _task_bytes(pipeline: CompiledPipeline, task: Part) -> int:
    text = _size(json_text(task)) + EXIT_BYTES * is_exit(task)
    if "parameterIterator" in task:
        return LOOP_TASK_BYTES + 2 * text
    if "executorLabel" not in pipeline.component_of(task):
        return GROUP_TASK_BYTES + text
    kubernetes = _kubernetes(pipeline, task)
    entries = retry_texts(task) | label_texts(kubernetes)
    return STEP_TASK_BYTES + TOLD_BYTES * len(entries) + KUBERNETES_BYTES * bool(kubernetes) + text


def _executor_bytes(pipeline: CompiledPipeline, task: Part) -> int:
    labels = len(label_texts(_kubernetes(pipeline, task))) // 2
    return EXECUTOR_BYTES + RETRIED_BYTES * bool(retry_texts(task)) + LABEL_BYTES * labels


def _kubernetes(pipeline: CompiledPipeline, task: Part) -> Part:
    return pipeline.kubernetes.get(pipeline.component_of(task)["executorLabel"], {})


def _size(value: Any) -> int:
    return len(json_text(value).encode())
