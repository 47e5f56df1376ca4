"""What tasks give each other in a run, with typical texts for what only a run knows."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.workflow_size.compiled import Part

TEXT = "s3://a-bucket-of-some-name/a/folder/of/some/depth/and-a-name"
"""For a text that nobody knows before the run: as long as a URI often is."""

ROOT_URI = "minio://mlpipeline/v2/artifacts"
"""Kubeflow's own place for artifacts."""

STORE_SESSION = json.dumps(
    {
        "Provider": "minio",
        "Params": {
            "accessKeyKey": "accesskey",
            "disableSSL": "true",
            "endpoint": "seaweedfs.kubeflow:9000",
            "fromEnv": "false",
            "maxRetries": "5",
            "region": "minio",
            "secretKeyKey": "secretkey",
            "secretName": "mlpipeline-minio-artifact",
        },
    },
    separators=(",", ":"),
)
"""What Kubeflow notes with each artifact of how to reach its store."""

LOGGED = 9
"""How many numbers a step typically logs with an artifact."""


@dataclass(frozen=True)
class RunValues:
    """Inputs or outputs by name.

    Attributes:
        parameters: As JSON values.
        artifacts: Each a list, of one where it was not collected from a loop.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, list[Part]] = field(default_factory=dict)


class Typical:
    """Typical texts, the same in every estimate.

    Args:
        seed: A number or text; another one gives others of the same length.
        shards: How many texts a list has that nobody knows before the run.
    """

    def __init__(self, seed: str, shards: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 — no secret
        self._shards = shards

    def below(self, limit: int) -> int:
        """A number from 0."""
        return self._random.randrange(limit)

    def uuid(self) -> str:
        """Such as Kubeflow puts into the URI of each output."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def parameter(self, kind: str) -> Any:
        """A value of one of Kubeflow's parameter types."""
        kinds: Mapping[str, Callable[[], Any]] = {
            "NUMBER_INTEGER": lambda: self.below(1000),
            "NUMBER_DOUBLE": lambda: self.below(1000) / 100,
            "BOOLEAN": lambda: True,
            "LIST": lambda: [f"{shard}/{self._shards}" for shard in range(1, self._shards + 1)],
            "STRUCT": lambda: {"value": TEXT},
        }
        return kinds.get(kind, lambda: TEXT)()

    def artifact(self, uri: str) -> Part:
        """An artifact as the next step is told of it."""
        logged = {f"counter_{number}": self.below(10_000) for number in range(LOGGED)}
        described = {"display_name": uri.rpartition("/")[2], "store_session_info": STORE_SESSION}
        return {
            "name": str(self.below(1000)),
            "type": {"instanceSchema": ""},
            "uri": uri,
            "metadata": {**described, **logged},
        }


def step_outputs(typical: Typical, component: Part, folder: str) -> RunValues:
    """What a step that runs a container gives.

    Args:
        typical: Gives the texts.
        component: Of the step.
        folder: URI of its outputs.
    """
    declared = component.get("outputDefinitions", {})
    return RunValues(
        {key: typical.parameter(entry["parameterType"]) for key, entry in declared.get("parameters", {}).items()},
        {key: [typical.artifact(f"{folder}/{key}")] for key in declared.get("artifacts", {})},
    )


def group_outputs(component: Part, outputs: Mapping[str, RunValues]) -> RunValues:
    """What a group gives, of what the tasks in it gave.

    Args:
        component: Of the group.
        outputs: Of its tasks that succeeded, by name.
    """
    declared = component["dag"].get("outputs", {})
    result = RunValues()
    for key, entry in declared.get("parameters", {}).items():
        selectors = entry.get("valueFromOneof", {}).get("parameterSelectors") or [entry["valueFromParameter"]]
        given, selector = _first(outputs, selectors)
        result.parameters[key] = given.parameters.get(selector["outputParameterKey"])
    for key, entry in declared.get("artifacts", {}).items():
        given, selector = _first(outputs, entry["artifactSelectors"])
        result.artifacts[key] = given.artifacts.get(selector["outputArtifactKey"], [])
    return result


def _first(outputs: Mapping[str, RunValues], selectors: Sequence[Part]) -> tuple[RunValues, Part]:
    """What the first of several tasks gave that ran; OneOf names one of each branch."""
    ran = (selector for selector in selectors if selector["producerSubtask"] in outputs)
    selector = next(ran, selectors[0])
    return _of(outputs, selector["producerSubtask"]), selector


def collected(iterations: list[RunValues]) -> RunValues:
    """What a loop gives: lists of what its iterations gave."""
    result = RunValues()
    for given in iterations:
        for key, value in given.parameters.items():
            result.parameters.setdefault(key, []).append(value)
        for key, artifacts in given.artifacts.items():
            result.artifacts.setdefault(key, []).extend(artifacts)
    return result


def task_inputs(task: Part, around: RunValues, outputs: Mapping[str, RunValues]) -> RunValues:
    """What a task is given.

    Args:
        task: The task.
        around: Inputs of the group that it lies in.
        outputs: Of the group's tasks that succeeded, by name.
    """
    result = RunValues()
    for key, source in task.get("inputs", {}).get("parameters", {}).items():
        if "runtimeValue" in source:
            result.parameters[key] = source["runtimeValue"].get("constant")
        elif "taskOutputParameter" in source:
            given = source["taskOutputParameter"]
            result.parameters[key] = _of(outputs, given["producerTask"]).parameters.get(given["outputParameterKey"])
        elif source.get("componentInputParameter") in around.parameters:
            result.parameters[key] = around.parameters[source["componentInputParameter"]]
        else:
            result.parameters[key] = TEXT
        if source.get("parameterExpressionSelector"):
            result.parameters[key] = TEXT
    for key, source in task.get("inputs", {}).get("artifacts", {}).items():
        if "taskOutputArtifact" in source:
            given = source["taskOutputArtifact"]
            result.artifacts[key] = _of(outputs, given["producerTask"]).artifacts.get(given["outputArtifactKey"], [])
        else:
            result.artifacts[key] = around.artifacts.get(source["componentInputArtifact"], [])
    return result


def _of(outputs: Mapping[str, RunValues], task: str) -> RunValues:
    return outputs.get(task, RunValues())
