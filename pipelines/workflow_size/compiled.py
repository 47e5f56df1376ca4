"""A compiled pipeline as Kubeflow reads it: components, what they run, and the texts of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from pipelines.package import PipelinePackage

ROOT = "root"

RETRIES = {
    "retry-max-count": "maxRetryCount",
    "retry-backoff-duration": "backoffDuration",
    "retry-backoff-factor": "backoffFactor",
    "retry-backoff-max-duration": "backoffMaxDuration",
}
"""Names of what an executor is told of retries, and of the same in a compiled pipeline."""

Part = Mapping[str, Any]
"""A JSON object of the compiled pipeline."""


@dataclass(frozen=True)
class CompiledPipeline:
    """The parts of a compiled pipeline, numbers and retries as Kubeflow has them.

    Attributes:
        name: The pipeline's own.
        components: By name, the pipeline itself as `ROOT`.
        executors: What a component runs, by label.
        kubernetes: What Kubernetes is told about it, by the same label.
    """

    name: str
    components: Mapping[str, Part]
    executors: Mapping[str, Part]
    kubernetes: Mapping[str, Part]

    def component_of(self, task: Part) -> Part:
        """The component that a task is made of."""
        return self.components[task["componentRef"]["name"]]

    def arguments(self, given: Mapping[str, Any], typical: Callable[[str], Any]) -> dict[str, Any]:
        """The parameters of a run.

        Args:
            given: Those that are not the pipeline's defaults.
            typical: Gives a value of a type, for those that have no default.
        """
        declared = self.components[ROOT].get("inputDefinitions", {}).get("parameters", {})
        unset = {name: entry for name, entry in declared.items() if name not in given}
        return whole_numbers(given) | {name: _unset(entry, typical) for name, entry in unset.items()}

    def visited(self, name: str = ROOT) -> Iterator[str]:
        """Names of the components that are used, each once, those of a group's tasks before the group."""
        seen: set[str] = set()

        def visit(name: str) -> Iterator[str]:
            if name not in seen:
                seen.add(name)
                for _, task in sorted(tasks_of(self.components[name]).items()):
                    yield from visit(task["componentRef"]["name"])
                yield name

        return visit(name)


def compiled_pipeline(package: PipelinePackage) -> CompiledPipeline:
    """Take a package apart."""
    spec = whole_numbers(package.spec)
    pipeline = spec.get("pipeline_spec", spec)
    platform = spec.get("platform_spec", {}).get("platforms", {}).get("kubernetes", {})
    components = {**pipeline["components"], ROOT: pipeline["root"]}
    _inherit_retries(components, ROOT, None, set())
    return CompiledPipeline(
        name=package.name,
        components=components,
        executors=pipeline.get("deploymentSpec", {}).get("executors", {}),
        kubernetes=platform.get("deploymentSpec", {}).get("executors", {}),
    )


def _unset(declared: Part, typical: Callable[[str], Any]) -> Any:
    if "defaultValue" in declared or declared.get("isOptional"):
        return declared.get("defaultValue")
    return typical(declared["parameterType"])


def _inherit_retries(components: Part, name: str, policy: Part | None, seen: set[str]) -> None:
    if name in seen:
        return
    seen.add(name)
    for _, task in sorted(tasks_of(components[name]).items()):
        if policy is not None:
            task.setdefault("retryPolicy", policy)
        _inherit_retries(components, task["componentRef"]["name"], task.get("retryPolicy"), seen)


def tasks_of(component: Part) -> Mapping[str, dict[str, Any]]:
    """The tasks of a group by name; none of a component that runs a container."""
    tasks: Mapping[str, dict[str, Any]] = component.get("dag", {}).get("tasks", {})
    return tasks


def in_order(component: Part) -> list[tuple[str, Part]]:
    """The tasks of a group, each after those it depends on; without those that run at the exit of others."""
    tasks = {name: task for name, task in sorted(tasks_of(component).items()) if not is_exit(task)}
    order = TopologicalSorter({name: dependencies(task) for name, task in tasks.items()}).static_order()
    return [(name, tasks[name]) for name in order]


def dependencies(task: Part) -> list[str]:
    """Names of the tasks that come before."""
    names: list[str] = task.get("dependentTasks", [])
    return names


def is_exit(task: Part) -> bool:
    """Whether the task runs at the exit of those that come before, however they ended."""
    return task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"


def condition(task: Part) -> str:
    """The expression that says whether the task runs; empty where it always does."""
    text: str = task.get("triggerPolicy", {}).get("condition", "")
    return text


def retry_texts(task: Part) -> dict[str, str]:
    """What an executor is told of how often and when it is tried again; empty where that is never."""
    if not (policy := task.get("retryPolicy")):
        return {}
    texts = {name: str(policy.get(key, "")).removesuffix("s") for name, key in RETRIES.items()}
    return {name: text for name, text in texts.items() if text}


def label_texts(kubernetes: Part) -> dict[str, str]:
    """What an executor is told of annotations and labels of its pod: for each its key and its value."""
    metadata = kubernetes.get("podMetadata", {})
    texts: dict[str, str] = {}
    for kind in ("annotation", "label"):
        entries = sorted(metadata.get(f"{kind}s", {}).items())
        for number, pair in enumerate(entries, 1):
            suffix = f"-{number}" if len(entries) > 1 else ""
            texts |= {
                f"pod-metadata-{kind}-{part}{suffix}": text for part, text in zip(("key", "val"), pair, strict=True)
            }
    return texts


def executor_prefix(task: Part, kubernetes: Part) -> str:
    """Begins the names of the templates of steps that are alike in retries and in how their pods are labelled."""
    metadata = kubernetes.get("podMetadata", {})
    counts = [str(len(metadata.get(kind, {}))) for kind in ("annotations", "labels")]
    words = [*(["metadata", *counts] if metadata else []), *(["retry"] if task.get("retryPolicy") else [])]
    return "".join(f"{word}-" for word in words)


def whole_numbers(value: Any) -> Any:
    """A copy with 64 for each 64.0, as which YAML and JSON hold whole numbers."""
    if isinstance(value, Mapping):
        return {key: whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def json_text(value: Any) -> str:
    """JSON as Kubeflow's and Argo's encoder writes it: no blanks, keys in order, three characters escaped."""
    return plain_json_text(value).replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def plain_json_text(value: Any) -> str:
    """The same with nothing escaped that need not be, as for what an executor is given."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
