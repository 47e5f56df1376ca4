"""A run of a compiled pipeline from its first node to its last, with no step failing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.workflow_size.compiled import (
    ROOT,
    CompiledPipeline,
    Part,
    condition,
    dependencies,
    executor_prefix,
    in_order,
    is_exit,
    json_text,
    tasks_of,
)
from pipelines.workflow_size.drivers import (
    executor_inputs,
    group_driver_inputs,
    group_driver_outputs,
    pod_inputs,
    step_driver_inputs,
    step_driver_outputs,
)
from pipelines.workflow_size.nodes import NodePlace, Nodes, Parameter
from pipelines.workflow_size.pod_patch import Step, pod_patch
from pipelines.workflow_size.values import (
    ROOT_URI,
    Typical,
    Values,
    collected,
    group_outputs,
    step_outputs,
    task_inputs,
)

GROUP_DRIVER, STEP_DRIVER, IMPORTER = "system-dag-driver", "system-container-driver", "system-importer"
EXECUTOR, POD = "system-container-executor", "system-container-impl"

BRANCHES = "comp-condition-branches"
"""Begins the name of a group whose tasks exclude each other: If, Elif and Else."""

STEP_NODES, GROUP_NODES, LOOP_NODES, ITERATION_NODES = 6, 4, 5, 6
"""How many nodes each has, without what lies in it."""

FIRST_EXECUTION = 100

NOT_HELD, NO_ITEM = "when 'false != false' evaluated false", "Skipped, empty params"
"""What Argo says of a node that is skipped."""


@dataclass(frozen=True)
class Ended:
    """A task at its end.

    Attributes:
        outbound: Ids of the nodes that what follows is tied to.
        outputs: What it gave; None where it did not run.
    """

    outbound: Sequence[str]
    outputs: Values | None


@dataclass(frozen=True)
class Group:
    """A group that runs.

    Attributes:
        component: Name of its component.
        node: Name of its node.
        inputs: What it is given.
        execution: Kubeflow's number of it.
    """

    component: str
    node: str
    inputs: Values
    execution: int


class Run:
    """A run, as its nodes say when it has ended.

    Args:
        pipeline: The pipeline.
        shards: How many items every list has that a step gives, such as one that a loop goes over. With 0 nothing is
            new: a condition is false, and of conditions that exclude each other the one with the fewest nodes holds.
            Else a condition is true, and the one with the most nodes holds.
        arguments: The run's parameters, where they are not the pipeline's defaults.
    """

    def __init__(self, pipeline: CompiledPipeline, shards: int, arguments: Mapping[str, Any]) -> None:
        self.nodes = Nodes(pipeline.name)
        self._pipeline = pipeline
        self._shards = shards
        self._typical = Typical(pipeline.name, shards)
        self._executions = itertools.count(FIRST_EXECUTION)
        self._id = self._typical.uuid()
        self.arguments = pipeline.arguments(arguments, self._typical.parameter)
        self._start(Values(self.arguments))

    def _start(self, inputs: Values) -> None:
        outermost = self.nodes.attempted(NodePlace("", self.nodes.workflow), "DAG", "entrypoint")
        around = f"{self.nodes.workflow}(0)"
        texts = {"runtime-config": json_text({"parameterValues": inputs.parameters}), "driver-type": "ROOT_DAG"}
        execution, driver = self._group_driver(NodePlace(around, "root-driver"), ROOT, texts)
        place = NodePlace(around, "root", [driver])
        self.nodes.end(outermost, self._group(place, ROOT, inputs, execution).outbound)

    def _group(self, place: NodePlace, name: str, inputs: Values, execution: int) -> Ended:
        parent = Parameter("parent-dag-id", str(execution))
        added = self.nodes.attempted(place, "DAG", name, [parent])
        group = Group(name, f"{place.name}(0)", inputs, execution)
        component = self._pipeline.components[name]
        ended: dict[str, Ended] = {}
        for task_name, task in in_order(component):
            before = [ended[other] for other in dependencies(task)]
            here = NodePlace(group.node, task_name, [node for other in before for node in other.outbound])
            ended[task_name] = self._task(here, task, group, _given(ended))
        outputs = _given(ended)
        for task_name, task in tasks_of(component).items():
            if is_exit(task):
                self._exit(group, task_name, task, outputs)
        followed = {other for task in dict(in_order(component)).values() for other in dependencies(task)}
        self.nodes.end(added, [node for leaf in sorted(ended.keys() - followed) for node in ended[leaf].outbound])
        return Ended([added], group_outputs(component, outputs))

    def _exit(self, group: Group, name: str, task: Part, outputs: Mapping[str, Values]) -> None:
        for other in dependencies(task):
            hook = NodePlace(group.node, f"{other}.onExit", [self.nodes.id_of(f"{group.node}.{other}")])
            parent = Parameter("parent-dag-id", str(group.execution))
            added = self.nodes.attempted(hook, "DAG", f"exit-hook-{group.component}-{name}", [parent])
            self.nodes.end(added, self._task(NodePlace(f"{hook.name}(0)", name), task, group, outputs).outbound)

    def _task(self, place: NodePlace, task: Part, group: Group, outputs: Mapping[str, Values]) -> Ended:
        inputs = task_inputs(task, group.inputs, outputs)
        if "parameterIterator" in task:
            return self._loop(place, task, group.execution, inputs)
        if "executorLabel" in self._pipeline.component_of(task):
            return self._step(place, task, group, inputs)
        name = task["componentRef"]["name"]
        texts = {"task": json_text(task), "task-name": place.task, "parent-dag-id": str(group.execution)}
        execution, driver = self._group_driver(_driver(place), name, texts)
        here = NodePlace(place.boundary, place.task, [driver])
        if not self._holds(place.task, task, group):
            return Ended([self.nodes.skipped(here, name, NOT_HELD)], None)
        return self._group(here, name, inputs, execution)

    def _holds(self, name: str, task: Part, group: Group) -> bool:
        if not condition(task):
            return True
        if not group.component.startswith(BRANCHES):
            return self._shards > 0
        branches = tasks_of(self._pipeline.components[group.component])
        extreme = max if self._shards else min
        return name == extreme(sorted(branches), key=lambda branch: self._weight(branches[branch]))

    def _weight(self, task: Part) -> int:
        component = self._pipeline.component_of(task)
        if "executorLabel" in component:
            return STEP_NODES
        inner = sum(map(self._weight, tasks_of(component).values()))
        if "parameterIterator" in task:
            return LOOP_NODES + self._shards * (ITERATION_NODES + inner)
        return GROUP_NODES + inner

    def _loop(self, place: NodePlace, task: Part, parent: int, inputs: Values) -> Ended:
        component = task["componentRef"]["name"]
        around = Parameter("parent-dag-id", str(parent))
        added = self.nodes.attempted(place, "DAG", f"{component}-{place.task}-iterator", [around])
        inside = f"{place.name}(0)"
        texts = {"task": json_text(task), "task-name": place.task}
        items = self._items(task, inputs)
        execution, driver = self._group_driver(
            NodePlace(inside, "iteration-driver"), component, {**texts, around.name: around.value}, len(items)
        )
        here, template = NodePlace(inside, "iteration-iterations", [driver]), f"{component}-iteration"
        if not items:
            self.nodes.end(added, [self.nodes.skipped(here, template, NO_ITEM)])
            return Ended([added], Values())
        iterations = self.nodes.grouped(here, template)
        outbound, outputs = [], []
        for number, item in enumerate(items):
            own = {"parent-dag-id": str(execution), "iteration-index": str(number)}
            iteration = NodePlace(inside, f"{here.task}({number}:{number})", [iterations])
            attempt = self.nodes.attempted(iteration, "DAG", template, [Parameter(*pair) for pair in own.items()])
            given = Values({**inputs.parameters, task["parameterIterator"]["itemInput"]: item}, inputs.artifacts)
            ended = self._iteration(f"{iteration.name}(0)", component, {**texts, **own}, given)
            self.nodes.end(attempt, ended.outbound)
            outbound.append(attempt)
            outputs.append(ended.outputs or Values())
        self.nodes.end(added, outbound)
        return Ended([added], collected(outputs))

    def _iteration(self, node: str, component: str, texts: Mapping[str, str], inputs: Values) -> Ended:
        execution, driver = self._group_driver(NodePlace(node, "iteration-item-driver"), component, texts)
        return self._group(NodePlace(node, "iteration-item", [driver]), component, inputs, execution)

    def _items(self, task: Part, inputs: Values) -> list[Any]:
        source = task["parameterIterator"]["items"]
        value = json.loads(source["raw"]) if "raw" in source else inputs.parameters.get(source["inputParameter"])
        return value if isinstance(value, list) else self._typical.parameter("LIST")

    def _group_driver(
        self, place: NodePlace, component: str, texts: Mapping[str, str], iterations: int = 0
    ) -> tuple[int, str]:
        """Add the driver of a group; Kubeflow's number of the group, and the driver's node."""
        execution = next(self._executions)
        inputs = group_driver_inputs(self._pipeline.components[component], texts)
        outputs = group_driver_outputs(execution, iterations)
        return execution, self.nodes.attempted(place, "Pod", GROUP_DRIVER, inputs, outputs)

    def _step(self, place: NodePlace, task: Part, group: Group, inputs: Values) -> Ended:
        component = self._pipeline.component_of(task)
        executor = self._pipeline.executors[component["executorLabel"]]
        container = executor.get("container", executor)
        kubernetes = self._pipeline.kubernetes.get(component["executorLabel"], {})
        step = Step(
            pipeline=self._pipeline.name,
            run=self._id,
            execution=next(self._executions),
            component=component,
            container=container,
            kubernetes=kubernetes,
            inputs=inputs,
            around=group.inputs,
            folder="/".join((ROOT_URI, self._pipeline.name, self._id, place.task, self._typical.uuid())),
        )
        outputs = step_outputs(self._typical, component, step.folder)
        texts = step_driver_inputs(place.task, component, task, container, kubernetes, group.execution)
        if "importer" in executor:
            return Ended([self.nodes.attempted(place, "Pod", IMPORTER, texts)], outputs)
        holds = self._holds(place.task, task, group)
        patch = pod_patch(step) if holds else ""
        driver = self.nodes.attempted(_driver(place), "Pod", STEP_DRIVER, texts, step_driver_outputs(patch))
        here = NodePlace(place.boundary, place.task, [driver])
        prefix = executor_prefix(task, kubernetes)
        if not holds:
            return Ended([self.nodes.skipped(here, f"{prefix}{EXECUTOR}", NOT_HELD)], None)
        given = executor_inputs(task, kubernetes, patch)
        added = self.nodes.attempted(here, "DAG", f"{prefix}{EXECUTOR}", given)
        inside = NodePlace(f"{here.name}(0)", "executor")
        pod = self.nodes.attempted(inside, "Pod", f"{prefix}{POD}", pod_inputs(task, kubernetes, patch))
        self.nodes.end(added, [pod])
        return Ended([added], outputs)


def _driver(place: NodePlace) -> NodePlace:
    return NodePlace(place.boundary, f"{place.task}-driver", place.after)


def _given(ended: Mapping[str, Ended]) -> dict[str, Values]:
    """What the tasks gave that ran, by name."""
    return {name: task.outputs for name, task in ended.items() if task.outputs is not None}
