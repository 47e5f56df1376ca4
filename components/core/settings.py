"""JSON settings of stages: found, parsed and checked, with errors that name the place inside the document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.core.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def read_document(source: str | Path, where: str) -> Any:
    """Parse settings that are given as JSON text or as the path of a JSON file.

    Args:
        source: Text that starts with `{` or `[`, or a path.
        where: What the document is, such as "train.config"; starts every message.

    Returns:
        The parsed JSON.

    Raises:
        ConfigError: If the file is missing or the text is not JSON; the message says in which line.
    """
    text = str(source)
    if not text.lstrip().startswith(("{", "[")):
        if not text.strip():
            raise ConfigError(f"{where}: is empty; give JSON or the path of a JSON file")
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{where}: {text!r} is neither JSON nor a readable file ({error})") from error
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{where}: not JSON: {error}") from error


def check_document(model: type[Model], document: Any, where: str) -> Model:
    """Check a parsed document; what it leaves out keeps the model's defaults, at every depth.

    Args:
        model: The pydantic model that describes it.
        document: The parsed JSON.
        where: What the document is; starts every message.

    Returns:
        The checked settings.

    Raises:
        ConfigError: If a key is unknown or missing or a value breaks its rule; one clause for each, with its path.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ConfigError("; ".join(_clause(model, details, where) for details in error.errors())) from error


def _clause(model: type[BaseModel], details: ErrorDetails, where: str) -> str:
    place = _dotted(details["loc"])
    start = f"{where}: {place}" if place else where
    if details["type"] == "extra_forbidden":
        known = ", ".join(_fields_at(model, details["loc"][:-1]))
        return f"{start}: unknown key; known keys: {known}"
    if details["type"] == "missing":
        return f"{start}: missing; give it"
    message = details["msg"].removeprefix("Value error, ")
    return f"{start}: {details['input']!r}: {message[0].lower()}{message[1:]}"


def _dotted(location: Sequence[str | int]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Field names of the model that stands at a place inside another."""
    for part in location:
        field = model.model_fields.get(str(part))
        annotations = () if field is None else (field.annotation, *get_args(field.annotation))
        inner = [kind for kind in annotations if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if inner:
            model = inner[0]
    return list(model.model_fields)
