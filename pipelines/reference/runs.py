"""The pipelines' parameters, and the flags of the commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pipelines.__main__ import COMMANDS
from pipelines.package import read_package
from pipelines.reference import markdown

PIPELINES = ("training", "sample_training", "detection")

KINDS = {
    "STRING": "text",
    "NUMBER_INTEGER": "whole number",
    "NUMBER_DOUBLE": "number",
    "BOOLEAN": "true or false",
    "LIST": "list",
    "STRUCT": "mapping",
}

MUST_BE_GIVEN = "Must be given: "
"""How the description of such a parameter begins, which Kubeflow's page does not say otherwise."""


def pipelines() -> str:
    """Every pipeline with its parameters, as it is compiled."""
    return markdown.sections(part for name in PIPELINES for part in _pipeline(name))


def _pipeline(name: str) -> Iterator[str]:
    package = read_package(name)
    spec = package.spec.get("pipeline_spec", package.spec)
    yield f"## {name}"
    yield markdown.text(spec["pipelineInfo"]["description"].split("\n\n")[0])
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    rows = (
        (markdown.code(key), KINDS[entry["parameterType"]], _default(entry), _description(entry))
        for key, entry in sorted(parameters.items(), key=lambda pair: (_is_given(pair[1]), pair[0]))
    )
    yield markdown.table(("parameter", "type", "default", "what it is"), rows)


def _description(entry: dict[str, Any]) -> str:
    words = entry["description"].removeprefix(MUST_BE_GIVEN)
    return markdown.text(words[0].upper() + words[1:])


def _is_given(entry: dict[str, Any]) -> bool:
    return bool(entry.get("isOptional"))


def _default(entry: dict[str, Any]) -> str:
    if not _is_given(entry):
        return "must be given"
    default = entry.get("defaultValue")
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return markdown.value(default)


def commands() -> str:
    """Every command of `python -m pipelines` with its flags."""
    return markdown.sections(part for name in COMMANDS for part in _command(name))


def _command(name: str) -> Iterator[str]:
    module = import_module(f"pipelines.{name}_cli")
    parser = argparse.ArgumentParser(add_help=False)
    module.add_flags(parser)
    yield f"## {name}"
    yield f"`python -m pipelines {name}`: {markdown.text(COMMANDS[name])}."
    rows = [
        (markdown.code(", ".join(action.option_strings) or action.dest), _flag_default(action), _about(action))
        for action in parser._actions
        if action.help != argparse.SUPPRESS
    ]
    yield markdown.table(("flag", "default", "what it does"), rows)


def _flag_default(action: argparse.Action) -> str:
    if action.required:
        return "must be given"
    default = action.default
    if default is None or default == [] or isinstance(action, argparse._StoreTrueAction):
        return ""
    return markdown.value(default if isinstance(default, bool | int | float) else str(default))


def _about(action: argparse.Action) -> str:
    choices = f" (one of {', '.join(map(str, action.choices))})" if action.choices else ""
    return markdown.text((action.help or "").replace("%%", "%") + choices)
