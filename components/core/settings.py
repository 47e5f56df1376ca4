"""JSON settings of stages: found, parsed and checked, with errors that name the file and the place inside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.core.errors import ConfigError
from components.core.json_text import parse_json

Model = TypeVar("Model", bound=BaseModel)


def file_of(source: object) -> str:
    """The file that settings come from; empty where they are JSON text, a parsed document, or nothing."""
    text = str(source).strip() if isinstance(source, str | Path) else ""
    return "" if text.startswith(("{", "[")) else text


@contextmanager
def naming_file(source: object) -> Iterator[None]:
    """Put the file that settings come from in front of the errors about them.

    Args:
        source: A file, or else what `file_of` gives no file for; then errors stay what they are.

    Raises:
        ConfigError: As the block does.
    """
    file = file_of(source)
    try:
        yield
    except ConfigError as error:
        if not file or str(error).startswith(f"{file}: "):
            raise
        raise ConfigError(*(f"{file}: {fault}" for fault in error.faults)) from error


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
    text, file = str(source), file_of(source)
    if not text.strip():
        raise ConfigError(f"{where}: is empty; give JSON or the path of a JSON file")
    with naming_file(source):
        try:
            return parse_json(Path(file).read_bytes() if file else text)
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"{where}: is neither JSON nor a readable file ({error})") from error
        except ValueError as error:
            raise ConfigError(f"{where}: not JSON: {error}") from error


def check_document(model: type[Model], document: Any, where: str, below: str = "") -> Model:
    """Check a parsed document; what it leaves out keeps the model's defaults, at every depth.

    Args:
        model: The pydantic model that describes it.
        document: The parsed JSON.
        where: What the document is; starts every message.
        below: The key whose value it is in a larger document; empty for none.

    Returns:
        The checked settings.

    Raises:
        ConfigError: If a key is unknown or missing or a value breaks its rule; one fault for each, with its path.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ConfigError(*(_clause(model, details, where, below) for details in error.errors())) from error


def _clause(model: type[BaseModel], details: ErrorDetails, where: str, below: str) -> str:
    place = _dotted([*filter(None, [below]), *details["loc"]])
    start = f"{where}: {place}" if place else where
    if details["type"] == "extra_forbidden":
        return f"{start}: unknown key; {known_keys(model, details['loc'])}"
    if details["type"] == "missing":
        return f"{start}: is missing; add it"
    message = details["msg"].removeprefix("Value error, ")
    return f"{start}: {details['input']!r}: {message[0].lower()}{message[1:]}"


def _dotted(location: Sequence[str | int]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def known_keys(model: type[BaseModel], location: Sequence[str | int]) -> str:
    """What may stand in place of an unknown key, for a message.

    Args:
        model: Of the whole document.
        location: Where the key stands, as pydantic tells it.

    Returns:
        The keys that there are, and which of them looks like the unknown one.
    """
    keys = _fields_at(model, location[:-1])
    alike = get_close_matches(str(location[-1]), keys, 1)
    return f"known keys: {', '.join(keys) or 'none'}" + "".join(f" (perhaps {key!r})" for key in alike)


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Field names of the model that stands at a place inside another; where several may, that which the place names."""
    models = [model]
    for part in location:
        fields = [kind.model_fields[part] for kind in models if isinstance(part, str) and part in kind.model_fields]
        inner = [kind for field in fields for kind in _models_of(field.annotation)]
        if inner:
            models = inner
        elif fields:
            models = [kind for kind in models if part in kind.model_fields]
    return list(dict.fromkeys(field.alias or name for kind in models for name, field in kind.model_fields.items()))


def _models_of(annotation: Any) -> list[type[BaseModel]]:
    """The models in an annotation, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_of(part)]
