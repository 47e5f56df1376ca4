"""What Kubeflow made of a run: Argo's workflow, read as steps, their pods, and what each pod was given.

Kubeflow's first API still gives the whole workflow of a run (`GET /apis/v1beta1/runs/ID`). It says what the second one
leaves out: the pods that a step was tried in and why they wait, and in `pod-spec-patch` what Kubeflow's driver put into
a step's pod, that is limits, tolerations and the command with the artifacts' URIs.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from pipelines.placement import UNITS
from pipelines.workflow_size.compiled import json_text
from pipelines.workflow_size.size import compressed_bytes

LOST = frozenset({"Failed", "Error"})
DRIVER = "-driver"
EXECUTOR = "executor"
MAIN = "main"
"""Argo's name of the container that does the work."""

SHARDS_OF_A_LOOP = "iteration-count"
LOG = "executor-logs"
NODES = ("nodes", "compressedNodes")
UNSCHEDULABLE = "Unschedulable"

_TRY = re.compile(r"(?P<name>.+?)(?:\((?P<number>\d+)\))?")
_TURN = re.compile(r"iteration-iterations\((\d+):")
_QUANTITY = re.compile(r"(?P<number>[0-9.]+)(?P<unit>[a-zA-Z]*)")
_UNITS = {unit: Decimal(size) for unit, size in UNITS.items()} | {"m": Decimal("0.001")}


def quantity(text: str | float) -> Decimal:
    """A Kubernetes quantity as a number, so that "500m" and "0.5" are the same."""
    found = _QUANTITY.fullmatch(str(text))
    if found is None or found["unit"] not in _UNITS:
        raise ValueError(f"{text!r} is not a quantity that Kubernetes knows")
    return Decimal(found["number"]) * _UNITS[found["unit"]]


@dataclass(frozen=True)
class Given:
    """What a step's pod is made from: Kubeflow's patch of the pod, or the pod itself.

    Attributes:
        spec: As Kubernetes writes a pod's `spec`, or a part of it.
    """

    spec: Mapping[str, Any]

    @property
    def main(self) -> Mapping[str, Any]:
        """The container that does the work; empty where the driver has not said yet."""
        return next((entry for entry in self.spec.get("containers", ()) if entry["name"] == MAIN), {})

    @property
    def limits(self) -> Mapping[str, str]:
        """Of the container, by resource."""
        return self.main.get("resources", {}).get("limits", {})

    @property
    def requests(self) -> Mapping[str, str]:
        """Of the container, by resource."""
        return self.main.get("resources", {}).get("requests", {})

    @property
    def tolerations(self) -> list[Mapping[str, str]]:
        """Taints that the pod stands."""
        return self.spec.get("tolerations", [])

    @property
    def mounted(self) -> dict[str, str]:
        """Where the ConfigMaps and Secrets of the pod are mounted, by their names."""
        folders = {mount["name"]: mount["mountPath"] for mount in self.main.get("volumeMounts", ())}
        found = {}
        for volume in self.spec.get("volumes", ()):
            name = volume.get("configMap", {}).get("name") or volume.get("secret", {}).get("secretName")
            if name and volume["name"] in folders:
                found[name] = folders[volume["name"]]
        return found

    @cached_property
    def executor_input(self) -> Mapping[str, Any]:
        """What Kubeflow's driver found for the step: parameters, and artifacts with their URIs."""
        command = self.main.get("command", [])
        flag = "--executor_input"
        return json.loads(command[command.index(flag) + 1]) if flag in command else {}

    def input_metadata(self, name: str) -> Mapping[str, Any]:
        """What the step that made an input artifact wrote of it."""
        return _first(self.executor_input.get("inputs", {}), name).get("metadata", {})

    @property
    def all_outputs(self) -> dict[str, str]:
        """URI of each output artifact, by its name."""
        made = self.executor_input.get("outputs", {})
        return {name: _first(made, name)["uri"] for name in made.get("artifacts", {})}

    @property
    def outputs(self) -> dict[str, str]:
        """The same without the step's log, which Kubeflow's launcher writes under another name."""
        return {name: uri for name, uri in self.all_outputs.items() if name != LOG}


def _first(side: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return next(iter(side.get("artifacts", {}).get(name, {}).get("artifacts", ())), {})


@dataclass(frozen=True)
class Try:
    """One pod that a step, or what drives it, was tried in.

    Attributes:
        step: Name of the task, such as "train-unet"; "root" for the run itself.
        is_driver: Whether it is the pod with which Kubeflow prepares the step.
        turn: In a loop, which turn of it; else -1.
        number: Which try, from 0.
        node: Argo's id.
        pod: The pod's name.
        phase: "Pending", "Running", "Succeeded", "Failed" or "Error".
        message: Why it waits, or how it ended.
        given: What its pod is made from.
    """

    step: str
    is_driver: bool
    turn: int
    number: int
    node: str
    pod: str
    phase: str
    message: str
    given: Given = field(repr=False)

    @property
    def waits_for_a_node(self) -> bool:
        """Whether no node takes the pod."""
        return self.phase == "Pending" and self.message.startswith(UNSCHEDULABLE)

    @property
    def title(self) -> str:
        """For people, such as "infer-windows, turn 1"."""
        turn = f", turn {self.turn}" if self.turn >= 0 else ""
        return f"{'driver of ' if self.is_driver else ''}{self.step}{turn}"


@dataclass(frozen=True)
class Workflow:
    """A run as Argo has it.

    Attributes:
        name: Of the workflow.
        namespace: Where its pods are.
        phase: Such as "Running"; empty before anything began.
        message: Why it ended.
        tries: Every pod, in the order in which they began.
        shards: How many turns each loop has, by the loop's name.
        size_bytes: Of the workflow as Argo keeps it, its nodes compressed; see `python -m pipelines size`.
    """

    name: str
    namespace: str
    phase: str
    message: str
    tries: tuple[Try, ...]
    shards: Mapping[str, int]
    size_bytes: int

    def of(self, step: str) -> list[Try]:
        """The pods that did a step, or try to."""
        return [one for one in self.tries if one.step == step and not one.is_driver]

    def executors(self) -> Iterator[Try]:
        """The pods of all steps, without what drives them."""
        return (one for one in self.tries if not one.is_driver)

    def waiting(self) -> list[Try]:
        """Pods that Kubernetes has not started yet, with the reason."""
        return [one for one in self.tries if one.phase == "Pending" and one.message]

    def lost(self) -> list[Try]:
        """Pods that came to nothing."""
        return [one for one in self.tries if one.phase in LOST]

    @property
    def artifacts(self) -> dict[str, str]:
        """URI of each output artifact, by "step/output"; of a step in a loop, that of one turn."""
        return {f"{one.step}/{name}": uri for one in self.executors() for name, uri in one.given.outputs.items()}

    def folders_of_artifacts(self, run_id: str) -> set[str]:
        """Folders that hold all that the run's steps handed to Kubeflow."""
        uris = {uri for one in self.executors() for uri in one.given.all_outputs.values()}
        return {before + run_id for uri in uris for before, found, _ in [uri.partition(run_id)] if found}


def read_workflow(text: str) -> Workflow:
    """Read an Argo workflow from JSON."""
    content = json.loads(text)
    meta, status = content["metadata"], content.get("status", {})
    packed = status.get("compressedNodes")
    nodes = json.loads(gzip.decompress(base64.b64decode(packed))) if packed else status.get("nodes") or {}
    ordered = sorted(nodes.values(), key=lambda node: (node.get("startedAt") or "", node["name"]))
    pods = [node for node in ordered if node["type"] == "Pod"]
    return Workflow(
        name=meta.get("name", ""),
        namespace=meta.get("namespace", ""),
        phase=status.get("phase", ""),
        message=status.get("message", ""),
        tries=tuple(_try(node, meta.get("name", "")) for node in pods),
        shards=dict(_loops(pods)),
        size_bytes=_size_bytes(content, nodes),
    )


def _size_bytes(content: Mapping[str, Any], nodes: Mapping[str, Any]) -> int:
    status = {name: value for name, value in content.get("status", {}).items() if name not in NODES}
    return len(json_text({**content, "status": status}).encode()) + compressed_bytes(json_text(nodes).encode())


def _try(node: Mapping[str, Any], workflow: str) -> Try:
    *path, last = node["name"].split(".")
    name, number = _parts(last)
    is_driver = name.endswith(DRIVER)
    turn = next((int(found[1]) for part in reversed(path) if (found := _TURN.match(part))), -1)
    return Try(
        step=name.removesuffix(DRIVER) if is_driver else _parts(path[-1])[0],
        is_driver=is_driver,
        turn=turn,
        number=number,
        node=node["id"],
        pod=f"{workflow}-{node.get('templateName', '')}-{node['id'].rpartition('-')[2]}",
        phase=node.get("phase", ""),
        message=node.get("message", ""),
        given=Given({} if is_driver else json.loads(_parameter(node, "inputs", "pod-spec-patch") or "{}")),
    )


def _parts(name: str) -> tuple[str, int]:
    """A node's name and which try it is: Argo counts tries in brackets where it may try again."""
    found = _TRY.fullmatch(name)
    assert found is not None
    return found["name"], int(found["number"] or 0)


def _parameter(node: Mapping[str, Any], side: str, name: str) -> str:
    found = (entry for entry in node.get(side, {}).get("parameters", ()) if entry["name"] == name)
    return next(found, {}).get("value", "")


def _loops(pods: list[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Each loop's driver says how many turns there are."""
    for node in pods:
        *path, last = node["name"].split(".")
        count = _parameter(node, "outputs", SHARDS_OF_A_LOOP)
        if _parts(last)[0] == f"iteration{DRIVER}" and count:
            yield _parts(path[-1])[0], int(count)
