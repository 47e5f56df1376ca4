"""What the commands that run a pipeline on this machine share: runners, documents, and how faults are told."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from components.core.errors import InputsError
from components.core.faults import Faults
from components.core.settings import read_document
from pipelines.documents import laptop_documents, tutorial_documents

RUNNERS = ("subprocess", "docker")
DOCUMENTS = {"laptop": laptop_documents, "tutorial": tutorial_documents}


def own_document(options: argparse.Namespace, option: str) -> Any:
    """The document in a user's own file.

    Args:
        options: Of a command.
        option: The one that names the file.

    Returns:
        The parsed JSON; an empty list where no file is named.

    Raises:
        ConfigError: If the file cannot be read, or is no JSON.
    """
    file = getattr(options, option)
    return read_document(file, option) if file else []


def unchecked_document(options: argparse.Namespace, option: str, chosen: Any) -> str:
    """A document as a check takes it, which tells what is wrong with it.

    Args:
        options: Of a command.
        option: The one that names a file of the user's own.
        chosen: What stands in where it names none; empty for nothing.

    Returns:
        The file, or JSON text, or nothing.
    """
    return getattr(options, option) or (json.dumps(chosen) if chosen else "")


def flags_of(names: Mapping[str, str]) -> dict[str, str]:
    """What a command's user calls a step's inputs.

    Args:
        names: Of the command's options, by the inputs' names.
    """
    return {name: f"--{option.replace('_', '-')}" for name, option in names.items()}


def check_all(*checks: Callable[[], None]) -> None:
    """Run all checks, and name all that they find at once.

    Raises:
        InputsError: If they find anything.
    """
    faults = Faults()
    for check in checks:
        with faults.caught():
            check()
    if faults.found:
        raise InputsError(*faults.found)
