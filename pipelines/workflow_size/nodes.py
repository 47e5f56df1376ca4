"""The nodes in the status of a run's Workflow at its end, as Argo writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

SUCCEEDED, SKIPPED = "Succeeded", "Skipped"

SUFFIX = "x7k2q"
"""Kubernetes ends a Workflow's name with five characters."""

LOGS_FOLDER = "private-artifacts/kubeflow"

START = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS_A_NODE = 2

FNV_OFFSET, FNV_PRIME, FNV_BITS = 2166136261, 16777619, 0xFFFFFFFF
"""Of the hash of 32 bits, FNV-1a, that makes a node's id of its name."""


@dataclass(frozen=True)
class Parameter:
    """An input or output of a node.

    Attributes:
        name: As the template calls it.
        value: Its text.
        extra: What else is said of it: a default, or where it came from.
    """

    name: str
    value: str
    extra: dict[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """As Argo writes it."""
        return {"name": self.name, "value": self.value, **self.extra}


@dataclass(frozen=True)
class NodePlace:
    """Where a node stands.

    Attributes:
        boundary: Name of the node around it; empty for the outermost.
        task: Its own name there.
        after: Ids of the nodes that it follows.
    """

    boundary: str
    task: str
    after: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The node's name in full, which holds those around it."""
        return f"{self.boundary}.{self.task}" if self.boundary else self.task


class Nodes:
    """Nodes of one Workflow by id.

    Args:
        pipeline: Name of the pipeline.
    """

    def __init__(self, pipeline: str) -> None:
        self.workflow = f"{pipeline}-{SUFFIX}"
        self.by_id: dict[str, dict[str, Any]] = {}

    @property
    def pods(self) -> int:
        """How many of them are pods."""
        return sum(node["type"] == "Pod" for node in self.by_id.values())

    def id_of(self, name: str) -> str:
        """A node's id."""
        if name == self.workflow:
            return name
        digest = FNV_OFFSET
        for byte in name.encode():
            digest = (digest ^ byte) * FNV_PRIME & FNV_BITS
        return f"{self.workflow}-{digest}"

    def attempted(
        self,
        place: NodePlace,
        kind: str,
        template: str,
        inputs: Sequence[Parameter] = (),
        outputs: Sequence[Parameter] | None = None,
    ) -> str:
        """Add a node and its one attempt: Kubeflow's installation has every template retried.

        Args:
            place: Of the node.
            kind: "Pod" or "DAG".
            template: Name of its template.
            inputs: Texts that it is given.
            outputs: Texts that it gives.

        Returns:
            The attempt's id, which nodes that follow are tied to.
        """
        attempt = NodePlace(place.boundary, f"{place.task}(0)")
        texts: dict[str, Any] = {"inputs": {"parameters": [parameter.json() for parameter in inputs]}} if inputs else {}
        if kind == "Pod":
            texts["outputs"] = self._outputs(outputs or (), template, self.id_of(attempt.name))
        retry = self._add(place, "Retry", template, SUCCEEDED, {**texts, "children": [self.id_of(attempt.name)]})
        self._tie(place, retry)
        own = {"hostNodeName": "node1", "taskResultSynced": True} if kind == "Pod" else {}
        return self._add(attempt, kind, template, SUCCEEDED, {"nodeFlag": {"retried": True}, **texts, **own})

    def grouped(self, place: NodePlace, template: str) -> str:
        """Add the node that holds a loop's iterations; its id."""
        added = self._add(place, "TaskGroup", template, SUCCEEDED, {"nodeFlag": {}})
        self._tie(place, added)
        return added

    def skipped(self, place: NodePlace, template: str, message: str) -> str:
        """Add a node of what did not run; its id."""
        added = self._add(place, SKIPPED, template, SKIPPED, {"message": message, "nodeFlag": {}})
        self._tie(place, added)
        return added

    def end(self, group: str, outbound: Sequence[str]) -> None:
        """Note of a group, by its id, the nodes that it ends with."""
        self.by_id[group]["outboundNodes"] = list(outbound)

    def _tie(self, place: NodePlace, node: str) -> None:
        parents = list(place.after) or ([self.id_of(place.boundary)] if place.boundary else [])
        for parent in parents:
            self.by_id[parent].setdefault("children", []).append(node)

    def _add(self, place: NodePlace, kind: str, template: str, phase: str, texts: dict[str, Any]) -> str:
        number = len(self.by_id)
        started = START + timedelta(seconds=number * SECONDS_A_NODE)
        node = {
            "id": self.id_of(place.name),
            "name": place.name,
            "displayName": place.task,
            "type": kind,
            "templateName": template,
            "templateScope": f"local/{self.workflow}",
            "phase": phase,
            "startedAt": f"{started:%Y-%m-%dT%H:%M:%SZ}",
            "finishedAt": f"{started + timedelta(seconds=number % 60):%Y-%m-%dT%H:%M:%SZ}",
            **texts,
        }
        if place.boundary:
            node["boundaryID"] = self.id_of(place.boundary)
        if phase == SUCCEEDED:
            node["progress"] = f"{number % 7 + 1}/{number % 7 + 1}"
            node["resourcesDuration"] = {"cpu": number % 11, "memory": number % 499}
        self.by_id[node["id"]] = node
        return str(node["id"])

    def _outputs(self, outputs: Sequence[Parameter], template: str, pod: str) -> dict[str, Any]:
        number = pod.removeprefix(self.workflow)
        key = f"{LOGS_FOLDER}/{self.workflow}/{START:%Y/%m/%d}/{self.workflow}-{template}{number}/main.log"
        logs = {"artifacts": [{"name": "main-logs", "s3": {"key": key}}], "exitCode": "0"}
        return {"parameters": [parameter.json() for parameter in outputs], **logs} if outputs else logs
