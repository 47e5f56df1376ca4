"""Runs compiled pipelines as Kubeflow's backend does: from their YAML alone, each step by its container's command.

Nothing here knows a step or calls the SDK; what a step is given has the form that Kubeflow Pipelines 2.17 gives it, of
which `recorded` has examples. Local runners differ from it: they write the type of every artifact.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tests.pipelines.wiring import (
    OF_A_TASK,
    Artifacts,
    Given,
    Outputs,
    Spec,
    as_written,
    collected,
    filled,
    in_order,
    outputs_of,
    triggered,
)

LOGS = "executor-logs"
WITHOUT_A_FILE = {"system.Metrics", "system.ClassificationMetrics"}
"""Kinds of artifacts that are all metadata."""

SESSION = json.dumps({"Provider": "minio", "Params": {"endpoint": "seaweedfs.kubeflow:9000", "fromEnv": "false"}})

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class ArtifactRoot:
    """Where artifacts lie, under its three names.

    Attributes:
        uri: Prefix of their URIs.
        inside: The folder that a step finds them in.
        folder: The same folder here.
    """

    uri: str
    inside: str
    folder: Path

    def inside_path(self, uri: str) -> str:
        """The path of an artifact in a step."""
        return self.inside + uri.removeprefix(self.uri)

    def path_inside(self, place: str) -> Path:
        """The path here of what a step finds at a path."""
        return self.folder / place.removeprefix(self.inside).lstrip("/")

    def path(self, uri: str) -> Path:
        """The path of an artifact here."""
        return self.folder / uri.removeprefix(self.uri).lstrip("/")


@dataclass(frozen=True)
class Step:
    """A container that is to run.

    Attributes:
        name: Of its task, with those around it, such as "training/for-loop-1/infer-windows".
        image: The container's.
        command: Command and arguments as compiled.
        variables: Its environment.
        executor_input: What the component is given.
        optional: Artifacts that it may be given.
    """

    name: str
    image: str
    command: tuple[str, ...]
    variables: Mapping[str, str]
    executor_input: Mapping[str, Any]
    optional: frozenset[str]

    @property
    def command_line(self) -> list[str]:
        """Command and arguments with the executor input in its place."""
        given = json.dumps(self.executor_input)
        line = [given if word == "{{$}}" else word for word in self.command]
        assert not any("{{$" in word for word in line if word != given), f"{self.name}: a placeholder is left: {line}"
        return line

    @property
    def given(self) -> frozenset[str]:
        """Artifacts that it is given."""
        return frozenset(self.executor_input["inputs"].get("artifacts", ()))

    @property
    def output_file(self) -> str:
        """What the executor says at the end goes there, inside."""
        return str(self.executor_input["outputs"]["outputFile"])


class Backend:
    """Runs pipelines step by step, one at a time.

    Attributes:
        steps: Those that have run.
    """

    def __init__(self, root: ArtifactRoot, launch: Callable[[Step], None]) -> None:
        """Set up.

        Args:
            root: Where artifacts go.
            launch: Runs a step; raises if it fails.
        """
        self.steps: list[Step] = []
        self._root = root
        self._launch = launch
        self._numbers = itertools.count(1)

    def run(self, file: Path, arguments: Mapping[str, Any]) -> None:
        """Run a compiled pipeline.

        Args:
            file: Its YAML.
            arguments: Of the pipeline; others keep their defaults.
        """
        spec = next(yaml.load_all(file.read_text(encoding="utf-8"), _LOADER))
        unknown = arguments.keys() - spec["root"]["inputDefinitions"]["parameters"].keys()
        assert not unknown, f"{file.name} has no such parameters: {sorted(unknown)}"
        parameters = filled(spec["root"], as_written(dict(arguments)), file.stem)
        self._run_dag(spec, spec["root"], parameters, {}, f"{file.stem}.{next(self._numbers)}")

    def again(self, step: Step, without: str) -> None:
        """Run a step once more, without one of its artifacts."""
        inputs = dict(step.executor_input["inputs"])
        inputs["artifacts"] = {name: entry for name, entry in inputs["artifacts"].items() if name != without}
        name = f"{step.name}-without-{without}"
        moved = json.loads(json.dumps(step.executor_input["outputs"]).replace(step.name, name))
        self._execute(replace(step, name=name, executor_input={"inputs": inputs, "outputs": moved}))

    def _run_dag(
        self, spec: Spec, component: Spec, parameters: dict[str, Any], artifacts: dict[str, Artifacts], place: str
    ) -> Outputs:
        dag, done = component["dag"], dict[str, Outputs | None]()
        for name, task in in_order(dag["tasks"]):
            assert task.keys() <= OF_A_TASK, f"{place}/{name}: unknown to these tests: {task.keys() - OF_A_TASK}"
            if any(done[needed] is None for needed in task.get("dependentTasks", ())):
                done[name] = None
                continue
            given = Given(parameters, artifacts, done)
            done[name] = self._run_task(spec, task, given, f"{place}/{name}")
        return outputs_of(dag.get("outputs", {}), done)

    def _run_task(self, spec: Spec, task: Spec, given: Given, place: str) -> Outputs | None:
        component = spec["components"][task["componentRef"]["name"]]
        parameters, artifacts = given.inputs(task.get("inputs", {}))
        if not triggered(task.get("triggerPolicy", {}), parameters):
            return None
        if "parameterIterator" not in task:
            return self._run_component(spec, component, parameters, artifacts, place)
        iterator = task["parameterIterator"]
        source = iterator["items"]
        items = parameters[source["inputParameter"]] if "inputParameter" in source else json.loads(source["raw"])
        turns = [
            self._run_component(
                spec, component, parameters | {iterator["itemInput"]: item}, artifacts, f"{place}-{turn}"
            )
            for turn, item in enumerate(items)
        ]
        return collected(turns)

    def _run_component(
        self, spec: Spec, component: Spec, parameters: dict[str, Any], artifacts: dict[str, Artifacts], place: str
    ) -> Outputs:
        known = component.get("inputDefinitions", {}).get("artifacts", {})
        missing = [name for name, entry in known.items() if not entry.get("isOptional") and name not in artifacts]
        assert not missing, f"{place}: is not given {missing}"
        artifacts = {name: entries for name, entries in artifacts.items() if name in known}
        parameters = filled(component, parameters, place)
        if "dag" in component:
            return self._run_dag(spec, component, parameters, artifacts, place)
        container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
        return self._execute(
            Step(
                name=place,
                image=container["image"],
                command=(*container["command"], *container.get("args", ())),
                variables={entry["name"]: entry["value"] for entry in container.get("env", ())},
                executor_input={
                    "inputs": _without_empty(
                        artifacts={name: {"artifacts": artifacts[name]} for name in sorted(artifacts)},
                        parameterValues={name: parameters[name] for name in sorted(parameters)},
                    ),
                    "outputs": self._outputs_to_write(component.get("outputDefinitions", {}), place),
                },
                optional=frozenset(name for name, entry in known.items() if entry.get("isOptional")),
            )
        )

    def _outputs_to_write(self, definitions: Spec, place: str) -> dict[str, Any]:
        folder = f"{self._root.uri}/{place}"
        kinds = {name: entry["artifactType"] for name, entry in definitions.get("artifacts", {}).items()}
        kinds |= {LOGS: {"schemaTitle": "system.Artifact"}}
        entries = {
            name: {"artifacts": [{"name": name, "type": kinds[name], "uri": f"{folder}/{name}"}]}
            for name in sorted(kinds)
        }
        files = {
            name: {"outputFile": self._root.inside_path(f"{folder}/parameters/{name}")}
            for name in sorted(definitions.get("parameters", {}))
        }
        output_file = self._root.inside_path(f"{folder}/output_metadata.json")
        return _without_empty(parameters=files) | {"artifacts": entries, "outputFile": output_file}

    def _execute(self, step: Step) -> Outputs:
        self._launch(step)
        self.steps.append(step)
        file = self._root.path_inside(step.output_file)
        said = json.loads(file.read_text(encoding="utf-8"))
        written = step.executor_input["outputs"].get("parameters", {})
        files = {name: self._root.path_inside(entry["outputFile"]) for name, entry in written.items()}
        # As the launcher does: what the metadata do not say is read from its file.
        said_by_files = {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}
        result = Outputs(as_written(said_by_files | said.get("parameterValues", {})))
        for name, entry in step.executor_input["outputs"]["artifacts"].items():
            if name == LOGS:
                continue
            (promised,), (made,) = entry["artifacts"], said["artifacts"][name]["artifacts"]
            assert made["uri"] == promised["uri"], f"{step.name}: {name} was moved to {made['uri']}"
            if promised["type"]["schemaTitle"] not in WITHOUT_A_FILE:
                assert self._root.path(made["uri"]).exists(), f"{step.name}: {name} was not written"
            about = made["metadata"] | {"display_name": name, "store_session_info": SESSION}
            number = str(next(self._numbers))
            result.artifacts[name] = [{"name": number, "uri": made["uri"], "metadata": as_written(about)}]
        return result


def _without_empty(**entries: dict[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in entries.items() if entry}
