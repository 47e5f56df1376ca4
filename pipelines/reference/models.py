"""Settings as rows of a table: keys, types, rules, defaults and what they mean, from pydantic models."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.core.attribute_docs import attribute_docs

NOUNS = {bool: "true or false", int: "whole number", float: "number", str: "text", type(None): "null"}

RULES: tuple[tuple[type[Any], str, str], ...] = (
    (annotated_types.Ge, "ge", "≥ {}"),
    (annotated_types.Gt, "gt", "> {}"),
    (annotated_types.Le, "le", "≤ {}"),
    (annotated_types.Lt, "lt", "< {}"),
)

REQUIRED = object()
"""In place of the default of a key that must be given."""


@dataclass(frozen=True)
class Setting:
    """One key of settings.

    Attributes:
        key: With the keys that it stands below, joined by dots.
        kind: Type and rules, in words.
        default: The JSON value that it has where nobody gives it, or `REQUIRED`.
        about: What it means, or what the group means that it is in; may be empty.
    """

    key: str
    kind: str
    default: Any
    about: str

    @property
    def is_required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    def in_document(self, document: Mapping[str, Any]) -> Any:
        """The value that a document gives it; None where it leaves it out."""
        found: Any = document
        for part in self.key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return None
            found = found[part]
        return found


def settings_of(model: type[BaseModel], prefix: str = "", group: str = "") -> Iterator[Setting]:
    """The keys of a model; of those that hold others, these, and the key itself where it may be left out.

    Of a key that holds one of several models, the keys of each.

    Args:
        model: Its fields' docstrings describe them.
        prefix: What the keys stand below, with a dot at its end.
        group: Describes keys that have no docstring of their own.
    """
    about = attribute_docs(model)
    for name, field in model.model_fields.items():
        key, inner = prefix + (field.alias or name), _models_in(field.annotation)
        words = about.get(name) or group
        if not inner:
            yield Setting(key, _kind(field), _default(field), words)
            continue
        if type(None) in get_args(field.annotation):
            yield Setting(key, "object", _default(field), words)
        for kind in inner:
            yield from settings_of(kind, f"{key}.", about.get(name) or inspect.getdoc(kind) or "")


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """A model or several, one of which may stand there, also where it may be left out; none where anything else may."""
    found: list[type[Any]] = [entry for entry in (annotation, *get_args(annotation)) if isinstance(entry, type)]
    models: list[type[BaseModel]] = [entry for entry in found if issubclass(entry, BaseModel)]
    return models if set(found) <= {*models, type(None)} else []


def _kind(field: FieldInfo) -> str:
    rules = [
        form.format(getattr(rule, name)) for rule in field.metadata for kind, name, form in RULES if type(rule) is kind
    ]
    if any(isinstance(rule, annotated_types.MinLen) for rule in field.metadata):
        rules.append("not empty")
    return ", ".join([kind_in_words(field.annotation), *rules])


def kind_in_words(annotation: Any) -> str:
    """A type as a user of JSON knows it."""
    if annotation in NOUNS:
        return NOUNS[annotation]
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{json.dumps(entry)}`" for entry in inside)
    if origin is list:
        return f"list of {_plural(kind_in_words(inside[0]))}"
    if origin is dict:
        return f"mapping of {_plural(kind_in_words(inside[0]))} to {_plural(kind_in_words(inside[1]))}"
    if hasattr(annotation, "__metadata__"):
        return kind_in_words(inside[0])
    if inside:
        return " or ".join(dict.fromkeys(map(kind_in_words, inside)))
    raise TypeError(f"{annotation!r}: has no words here; add them to NOUNS")


def _plural(noun: str) -> str:
    return noun + "s" if noun in ("text", "number", "whole number") else noun


def _default(field: FieldInfo) -> Any:
    return REQUIRED if field.is_required() else field.get_default(call_default_factory=True)
