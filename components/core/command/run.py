"""Stages on the command line, run by the step that Kubeflow runs, with local paths for its artifacts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

from components.core.cli import run_main, write_metrics
from components.core.command.flags import LOGGED, stage_parser
from components.core.command.signature import ECHO, NAMES, Role, Signature, StageParameter, read_signature


@dataclass(frozen=True, slots=True)
class LocalArtifact:
    """A folder or file as an input or output of a step.

    Attributes:
        path: Where it lies.
        metadata: What the step says of it; nobody reads it here.
    """

    path: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Logged:
    """Numbers that a step logs.

    Attributes:
        values: By name.
    """

    values: dict[str, Any] = field(default_factory=dict)

    def log_metric(self, metric: str, value: float) -> None:
        """Take one of a step's metrics."""
        self.values[metric] = value

    def log_confusion_matrix(self, categories: list[str], matrix: list[list[int]]) -> None:
        """Take a confusion matrix; a row a true class."""
        self.values.update(categories=categories, matrix=matrix)


def stage_main(stage: str, argv: Sequence[str] | None = None, prog: str = "") -> int:
    """Run a stage on the command line.

    Args:
        stage: Its name.
        argv: The arguments; the process's own unless given.
        prog: What usage and errors call the command; `python -m components.STAGE` unless given.

    Returns:
        The exit status.
    """
    signature = read_signature(stage)
    parser = stage_parser(signature, prog or f"python -m components.{stage}")
    return run_main(partial(run_stage, signature), parser, argv)


def run_stage(signature: Signature, options: argparse.Namespace) -> None:
    """Run a stage, and print what it says at its end, or else its metrics.

    Args:
        signature: Of the stage.
        options: What its flags were given, by the names of its parameters.

    Raises:
        FootprintsError: As the stage does; a file for numbers that cannot be written is found out before it runs.
    """
    run = import_module(f"components.{signature.stage}.step").run
    from components.core.storage import check_file_writable  # with the stage, not before its flags are parsed

    given = {parameter.name: getattr(options, parameter.name) for parameter in signature.parameters}
    logged = {parameter.name: Logged() for parameter in signature.parameters if parameter.kind in LOGGED}
    files = {name: given[name] for name in logged if given[name] is not None}
    for file in files.values():
        check_file_writable(file)
    arguments = {parameter.name: _argument(parameter, given[parameter.name]) for parameter in signature.parameters}
    lines: list[str] = []
    callers = {ECHO: lines.append, NAMES: {parameter.name: parameter.flag for parameter in signature.parameters}}
    run(**arguments | logged | {name: value for name, value in callers.items() if name in signature.callers})
    # Of several processes that run a stage together, all but the first log no numbers.
    texts = {name: write_metrics(numbers.values, files.get(name)) for name, numbers in logged.items() if numbers.values}
    said = "".join(f"{line}\n" for line in lines) if ECHO in signature.callers else texts.get("metrics", "")
    sys.stdout.write(said)


def _argument(parameter: StageParameter, value: Any) -> Any:
    if parameter.role in (Role.VALUE, Role.OUTPUT_VALUE) or value is None:
        return value
    return [LocalArtifact(path) for path in value] if parameter.is_list else LocalArtifact(value)
