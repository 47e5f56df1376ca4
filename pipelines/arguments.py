"""A run's arguments: read from a file and from flags, and checked against the pipeline's parameters."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.core.errors import ConfigError
from components.core.json_text import parse_json
from pipelines.package import PipelinePackage, PipelineParameter


@dataclass(frozen=True)
class Kind:
    """A type of parameter.

    Attributes:
        noun: What a value must be, for messages.
        accepts: Whether a parsed value is one.
        parse: Text of a flag to a value; raises ValueError.
    """

    noun: str
    accepts: Callable[[Any], bool]
    parse: Callable[[str], Any]


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


KINDS: Mapping[str, Kind] = {
    "STRING": Kind("text (in a file, in quotes or as a | block)", lambda value: isinstance(value, str), str),
    "NUMBER_INTEGER": Kind("a whole number", lambda value: isinstance(value, int) and _is_number(value), int),
    "NUMBER_DOUBLE": Kind("a finite number", _is_number, float),
    "BOOLEAN": Kind("true or false", lambda value: isinstance(value, bool), _truth),
    "LIST": Kind('a list, as a flag in JSON such as ["a", "b"]', lambda value: isinstance(value, list), parse_json),
    "STRUCT": Kind('a mapping, as a flag in JSON such as {"a": 1}', lambda value: isinstance(value, dict), parse_json),
}


def read_arguments(package: PipelinePackage, file: Path | None, flags: Sequence[str]) -> dict[str, Any]:
    """Collect a run's arguments.

    Args:
        package: The pipeline.
        file: YAML or JSON with one mapping of names to values, or None.
        flags: Texts "name=value", which go before the file.

    Returns:
        The arguments that were given; others keep the pipeline's defaults.

    Raises:
        ConfigError: A name is unknown, a value has the wrong type, or a parameter without default is missing;
            one clause for each.
    """
    given = {name: (value, f"{file}: {name}") for name, value in _document(file).items()}
    faults = []
    for flag in flags:
        name, equals, text = flag.partition("=")
        if not equals:
            faults.append(f"--param {flag}: must be name=value")
            continue
        parameter = package.parameters.get(name)
        given[name] = (_parsed(parameter, text) if parameter else text, f"--param {name}")
    faults += [fault for name, (value, place) in given.items() if (fault := _fault(package, name, value, place))]
    missing = [name for name, parameter in package.parameters.items() if parameter.required and name not in given]
    if missing:
        faults.append(f"{', '.join(missing)}: missing; give them in --params FILE or as --param NAME=VALUE")
    if faults:
        raise ConfigError("; ".join(faults))
    return {name: value for name, (value, _) in given.items()}


def _document(file: Path | None) -> Mapping[str, Any]:
    if file is None:
        return {}
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read; give a YAML or JSON file") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: is neither YAML nor JSON: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise ConfigError(f"{file}: must hold one mapping of parameter names to values")
    return document


class _Unparsed(str):
    """Text of a flag that is no value of its parameter's type."""


def _parsed(parameter: PipelineParameter, text: str) -> Any:
    try:
        return KINDS[parameter.kind].parse(text)
    except (KeyError, ValueError):
        return _Unparsed(text)


def _fault(package: PipelinePackage, name: str, value: Any, place: str) -> str | None:
    parameter = package.parameters.get(name)
    if parameter is None:
        known = ", ".join(package.parameters) or "none"
        return f"{place}: pipeline '{package.name}' has no such parameter; it has: {known}"
    kind = KINDS.get(parameter.kind)
    if kind is None:
        return f"{place}: parameters of type {parameter.kind} cannot be given"
    if isinstance(value, _Unparsed) or not kind.accepts(value) or not _is_json(value):
        return f"{place}: {reprlib.repr(value)} must be {kind.noun}"
    return None


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
