"""How the tasks of a compiled pipeline hang together: what each is given, which come first, which do not run.

Written from the YAML alone, with the words of Kubeflow's pipeline specification. What of it is not understood here
fails, rather than being ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

Spec = Mapping[str, Any]
Artifacts = list[dict[str, Any]]

OF_A_TASK = {
    "cachingOptions",
    "componentRef",
    "dependentTasks",
    "inputs",
    "iteratorPolicy",
    "parameterIterator",
    "retryPolicy",
    "taskInfo",
    "triggerPolicy",
}
"""What is understood of a task, or does not matter here."""


@dataclass
class Outputs:
    """What a task gave."""

    parameters: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, Artifacts] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """What tasks of one graph may refer to."""

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, Artifacts]
    done: Mapping[str, Outputs | None]

    def inputs(self, wanted: Spec) -> tuple[dict[str, Any], dict[str, Artifacts]]:
        """What a task gets, without what is not there."""
        parameters = {name: self._parameter(entry) for name, entry in wanted.get("parameters", {}).items()}
        artifacts = {name: self._artifacts(entry) for name, entry in wanted.get("artifacts", {}).items()}
        return (
            {name: _replaced(value, parameters) for name, value in parameters.items() if value is not None},
            {name: entries for name, entries in artifacts.items() if entries is not None},
        )

    def _parameter(self, entry: Spec) -> Any:
        value = self._value(entry)
        selector = entry.get("parameterExpressionSelector")
        if selector is None:
            return value
        match = re.fullmatch(r'parseJson\(string_value\)\["(.+)"\]', selector)
        assert match, f"unknown to these tests: {selector}"
        return (json.loads(value) if isinstance(value, str) else value)[match[1]]

    def _value(self, entry: Spec) -> Any:
        if "componentInputParameter" in entry:
            return self.parameters.get(entry["componentInputParameter"])
        if "taskOutputParameter" in entry:
            source = entry["taskOutputParameter"]
            producer = self.done[source["producerTask"]]
            return producer.parameters[source["outputParameterKey"]] if producer else None
        assert "runtimeValue" in entry, f"unknown to these tests: {entry}"
        return as_written(entry["runtimeValue"]["constant"])

    def _artifacts(self, entry: Spec) -> Artifacts | None:
        """Artifacts of another task of the graph have an empty type, and those that come from outside have none."""
        if "componentInputArtifact" in entry:
            found = self.artifacts.get(entry["componentInputArtifact"])
            return found and [{key: artifact[key] for key in artifact if key != "type"} for artifact in found]
        source = entry["taskOutputArtifact"]
        producer = self.done[source["producerTask"]]
        found = producer.artifacts.get(source["outputArtifactKey"]) if producer else None
        return found and [artifact | {"type": {"instanceSchema": ""}} for artifact in found]


def _replaced(value: Any, parameters: Mapping[str, Any]) -> Any:
    """A task's parameter with others of its parameters in their places."""
    if not isinstance(value, str):
        return value
    value = value.replace("{{$.pipeline_job_name}}", "run-of-these-tests")
    text = re.sub(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}", lambda match: str(parameters[match[1]]), value)
    assert "{{$" not in text, f"unknown to these tests: {text}"
    return text


def as_written(value: Any) -> Any:
    """A value as it comes out of the backend: keys in alphabetical order, whole numbers without a fraction."""
    if isinstance(value, dict):
        return {key: as_written(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [as_written(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def filled(component: Spec, given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The parameters that a component knows, with its defaults for those that are not given."""
    known = component.get("inputDefinitions", {}).get("parameters", {})
    found = {
        name: given[name] if name in given else as_written(entry["defaultValue"])
        for name, entry in known.items()
        if name in given or "defaultValue" in entry
    }
    missing = [name for name, entry in known.items() if name not in found and not entry.get("isOptional")]
    assert not missing, f"{place}: is not given {missing}"
    return found


def in_order(tasks: Mapping[str, Spec]) -> Iterator[tuple[str, Spec]]:
    """Tasks after those that they depend on."""
    waiting = dict(tasks)
    while waiting:
        ready = [name for name, task in waiting.items() if not waiting.keys() & set(task.get("dependentTasks", ()))]
        assert ready, f"these tasks wait for each other: {sorted(waiting)}"
        for name in ready:
            yield name, waiting.pop(name)


def triggered(policy: Spec, parameters: Mapping[str, Any]) -> bool:
    """Whether a task's condition holds; conditions are in a language whose words differ from Python's."""
    assert policy.keys() <= {"condition"}, f"unknown to these tests: {policy}"
    words = {"&&": " and ", "||": " or ", "!": " not ", "true": "True", "false": "False"}
    pattern = r"'[^']*'|&&|\|\||!(?!=)|\btrue\b|\bfalse\b"
    condition = re.sub(pattern, lambda match: words.get(match[0], match[0]), policy.get("condition", "true"))
    names = {"inputs": SimpleNamespace(parameter_values=parameters), "int": int, "double": float, "string": str}
    return bool(eval(condition.strip(), {"__builtins__": {}}, names))


def outputs_of(wanted: Spec, done: Mapping[str, Outputs | None]) -> Outputs:
    """What a graph gives on: of several sources the first that has run."""
    result = Outputs()
    for name, entry in wanted.get("artifacts", {}).items():
        for source in entry["artifactSelectors"]:
            producer = done[source["producerSubtask"]]
            if producer and name not in result.artifacts:
                result.artifacts[name] = producer.artifacts[source["outputArtifactKey"]]
    for name, entry in wanted.get("parameters", {}).items():
        one_of = entry.get("valueFromOneof", {}).get("parameterSelectors")
        for source in one_of or [entry["valueFromParameter"]]:
            producer = done[source["producerSubtask"]]
            if producer and name not in result.parameters:
                result.parameters[name] = producer.parameters[source["outputParameterKey"]]
    return result


def collected(turns: list[Outputs]) -> Outputs:
    """What the turns of a loop gave, as lists."""
    result = Outputs()
    for turn in turns:
        for name, value in turn.parameters.items():
            result.parameters.setdefault(name, []).append(value)
        for name, entries in turn.artifacts.items():
            result.artifacts.setdefault(name, []).extend(entries)
    return result
