"""Operations as text in a manifest: versioned, and checked to the last number when it is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from components.core.geometry import FlipAxis
from components.core.imagery.operations import OPERATIONS, Operation
from components.core.json_text import parse_json

VERSION = 1

MOST_OPERATIONS = 64
"""Of an item."""

LONGEST_TEXT = 64 * 1024


def text_of_operations(operations: Sequence[Operation]) -> str | None:
    """The text; None where there is no operation."""
    if not operations:
        return None
    return json.dumps({"version": VERSION, "operations": [_data_of(operation) for operation in operations]})


def _data_of(operation: Operation) -> dict[str, Any]:
    values = {entry.name: getattr(operation, entry.name) for entry in fields(operation)}
    return {"name": operation.name, **values}


def operations_of_text(text: str | None) -> tuple[Operation, ...]:
    """The operations that a text says.

    Raises:
        ValueError: If it is of another version, says anything that no operation has, or is too long.
    """
    if text is None:
        return ()
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise ValueError(f"operations are no text of up to {LONGEST_TEXT} characters")
    data = parse_json(text)
    if not isinstance(data, dict) or data.keys() != {"version", "operations"}:
        raise ValueError("operations are no JSON object of a version and a list")
    if data["version"] != VERSION or isinstance(data["version"], bool):
        raise ValueError(f"operations of version {data['version']!r}, and this release reads {VERSION}")
    entries = data["operations"]
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_OPERATIONS:
        raise ValueError(f"operations are no list of 1 to {MOST_OPERATIONS}")
    return tuple(map(_operation_of, entries))


def _operation_of(data: Any) -> Operation:
    name = data.get("name") if isinstance(data, dict) else None
    kind = OPERATIONS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"{name!r} is not an operation; there are {', '.join(OPERATIONS)}")
    kinds = {entry.name: str(entry.type) for entry in fields(kind)}
    if data.keys() != {"name", *kinds}:
        raise ValueError(f"operation {name!r} has {', '.join(map(repr, data))}; it takes {', '.join(kinds)}")
    return kind(**{key: _value_of(data[key], kinds[key], f"{name}.{key}") for key in kinds})


def _value_of(value: Any, kind: str, place: str) -> Any:
    match kind, value:
        case "int", int() if not isinstance(value, bool):
            return value
        case "float", float() | int() if not isinstance(value, bool):
            return float(value)
        case "FlipAxis", str() if value in [str(axis) for axis in FlipAxis]:
            return FlipAxis(value)
        case "tuple[float, ...]", list():
            return tuple(_value_of(entry, "float", place) for entry in value)
    raise ValueError(f"{place}: {value!r} is not a {kind}")
