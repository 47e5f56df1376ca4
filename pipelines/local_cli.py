"""What the commands that run a pipeline on this machine share: runners, documents, and how faults are reported."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from components.core.command.flags import add_flag
from components.core.command.signature import read_signature
from components.core.documents.named import BASE, READY_MADE, TRAINING_CONFIGS
from components.core.errors import InputsError
from components.core.faults import Faults
from components.core.settings import read_document
from pipelines.documents import laptop_documents, laptop_query, tutorial_documents, tutorial_query

Document = TypeVar("Document", list[Any], dict[str, Any])

ReadDocument = Callable[[argparse.Namespace, str, Any], Any]
"""How a user's own document is taken: `own_document` or `unread_document`."""

RUNNERS = ("subprocess", "docker")
DOCUMENTS = {"laptop": laptop_documents, "tutorial": tutorial_documents}
QUERIES = {"laptop": laptop_query, "tutorial": tutorial_query}
"""What gives a ready-made query by its name, for each choice of documents."""


def own_document(options: argparse.Namespace, option: str, otherwise: Any) -> Any:
    """The document in a user's own file, or the ready-made query or training config that is named.

    Args:
        options: Of a command.
        option: The one that names the file or query.
        otherwise: Where none is named.

    Raises:
        ConfigError: If the file cannot be read, or is not JSON.
    """
    source = getattr(options, option)
    if not source:
        return otherwise
    if option == "train_config" and source in TRAINING_CONFIGS:
        return {BASE: source}
    return _ready_made(options, option) or read_document(source, option)


def unread_document(options: argparse.Namespace, option: str, otherwise: Document) -> str:
    """The same for a check, which reads it and reports its faults.

    Args:
        options: Of a command.
        option: The one that names the file or query.
        otherwise: Where none is named; empty for nothing.

    Returns:
        The file, JSON text, or nothing.
    """
    source = getattr(options, option)
    document = otherwise if not source else _ready_made(options, option)
    return json.dumps(document) if document else source


def _ready_made(options: argparse.Namespace, option: str) -> Any:
    """The ready-made query that an option names, as large as the other documents; None where it names none."""
    name = getattr(options, option)
    return QUERIES[options.documents](name) if option.endswith("_query") and name in READY_MADE else None


def stage_flags(parser: argparse.ArgumentParser, stage: str) -> Callable[..., None]:
    """What adds flags that are a stage's parameters, with their defaults and help.

    Args:
        parser: Of the command; gets them.
        stage: Its name.

    Returns:
        Takes a parameter's name, and what of argparse's options is to be other than the stage says.
    """
    parameters = {parameter.name: parameter for parameter in read_signature(stage).parameters}

    def add(name: str, **otherwise: Any) -> None:
        add_flag(parser, parameters[name], **otherwise)

    return add


def flags_of(inputs: Iterable[str]) -> dict[str, str]:
    """What a command's user calls a step's inputs: the same, but for places, whose flags do not say that they are URIs.

    Args:
        inputs: Their names.
    """
    return {name: f"--{name.removesuffix('_uri').replace('_', '-')}" for name in inputs}


def check_all(*checks: Callable[[], None]) -> None:
    """Run all checks, and report all faults together.

    Raises:
        InputsError: If they find anything.
    """
    faults = Faults()
    for check in checks:
        with faults.caught():
            check()
    if faults.found:
        raise InputsError(*faults.found)
