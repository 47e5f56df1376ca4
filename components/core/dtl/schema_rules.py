"""Rules between the keys of settings, as JSON Schema says them: beside each check of the code that has one."""

from __future__ import annotations

from typing import Any

Rule = dict[str, Any]
"""Part of a JSON schema."""


def given(*keys: str) -> Rule:
    """All of some keys are there, and none of them is null."""
    return {"required": list(keys), "properties": {key: {"not": {"type": "null"}} for key in keys}}


def left_out(*keys: str) -> Rule:
    """Each of some keys is missing, or null."""
    return {"properties": {key: {"type": "null"} for key in keys}}


def both(*rules: Rule) -> Rule:
    """All of the rules hold."""
    return {"allOf": list(rules)}


def one_of(*rules: Rule) -> Rule:
    """Exactly one of the rules holds."""
    return {"oneOf": list(rules)}


def some_of(*rules: Rule) -> Rule:
    """At least one of the rules holds."""
    return {"anyOf": list(rules)}


def value(key: str, rule: Rule) -> Rule:
    """A rule about the value of a key, where that is there."""
    return {"properties": {key: rule}}


def when(condition: Rule, then: Rule) -> Rule:
    """A rule that holds where another one does."""
    return {"if": condition, "then": then}


def is_set(key: str, constant: Any) -> Rule:
    """A key is there and has a value."""
    return {"required": [key], "properties": {key: {"const": constant}}}
