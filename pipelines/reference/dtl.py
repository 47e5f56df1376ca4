"""The actions and conditions of the query language."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from components.core.documents.named import READY_MADE
from components.core.dtl.actions import ACTIONS
from components.core.dtl.conditions import CONDITIONS
from components.core.dtl.differences import DIFFERENCES
from pipelines.reference import markdown
from pipelines.reference.configs import default_in_words
from pipelines.reference.models import settings_of

DESTINATIONS = {1: "one destination", 2: "two destinations", 3: "three destinations"}


def ready_made() -> str:
    """The queries that a name stands for."""
    rows = ((markdown.code(name), markdown.text(query.about)) for name, query in READY_MADE.items())
    return markdown.table(("name", "what it does"), rows)


def actions() -> str:
    """Every action: what it does, how many destinations it has, and its settings."""
    return markdown.sections(part for name in ACTIONS for part in _action(name))


def _action(name: str) -> Iterator[str]:
    action = ACTIONS[name]
    yield f"### {markdown.code(name)}"
    chance = " Its layer may have a `name` and a `seed`." if action.may_draw else ""
    yield f"{markdown.text(inspect.getdoc(action) or '')} It has {DESTINATIONS[action.ports]}.{chance}"
    if "condition" in action.settings_model.model_fields:
        yield "Its one setting is `condition`, which holds exactly one of the [conditions](#conditions)."
    elif action.settings_model.model_fields:
        yield _settings(action.settings_model)
    else:
        yield "It has no settings: `{}`."


def _settings(model: type[BaseModel]) -> str:
    rows = (
        (
            markdown.code(setting.key),
            setting.kind,
            default_in_words(setting),
            markdown.text(setting.about),
        )
        for setting in settings_of(model)
    )
    return markdown.table(("setting", "type", "default", "what it does"), rows)


def conditions() -> str:
    """Every condition of `if`, with the keys that it takes."""
    rows = ((markdown.code(key), _keys(model), _about(model)) for key, model in CONDITIONS.items())
    return markdown.table(("condition", "keys", "what it asks"), rows)


def differences() -> str:
    """What is otherwise than in 2018, on purpose."""
    rows = ((markdown.text(entry.topic), markdown.text(entry.then), markdown.text(entry.now)) for entry in DIFFERENCES)
    return markdown.table(("what", "the 2018 engine", "here"), rows)


def _keys(model: type[BaseModel]) -> str:
    keys = []
    for setting in settings_of(model):
        default = "" if setting.is_required else f" (default {markdown.value(setting.default)})"
        keys.append(f"{markdown.code(setting.key)}: {setting.kind}{default}")
    return "; ".join(keys)


def _about(model: type[Any]) -> str:
    own = inspect.getdoc(model.holds) or ""
    return markdown.text(f"{inspect.getdoc(model)} {own}")
