"""The query language as one JSON Schema, for editors; it refuses what the engine refuses, where a schema can say so."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from components.core.attribute_docs import attribute_docs
from components.core.dtl.action import Action
from components.core.dtl.actions import ACTIONS
from components.core.dtl.actions.data import Data
from components.core.dtl.actions.save import Save
from components.core.dtl.schema_rules import Rule, given, some_of, when

DIALECT = "https://json-schema.org/draft/2020-12/schema"

PLACE = "#/$defs/{model}"

SOURCE, DATASET = r"^\$[\s\S]+$", r"^[^*/][^/]*/[^/]+$"
"""What a layer reads: what other layers write, or, in a `data` layer, datasets of projects."""

TARGET, PROJECT = r"^(null|\$[\s\S]+)$", r"^(?!null$)[^$/][^/]*$"
"""What a layer writes: a name, or, where it saves, a project."""

ABOUT = {
    "action": "What the layer does.",
    "src": "What the layer reads: names that other layers write; in a `data` layer Project/dataset or Project/*.",
    "dst": "What the layer writes: a name such as $crops, or null to discard; of a layer that saves the new project.",
    "settings": "Of the action.",
    "name": "What keys the layer's random decisions in place of its destinations; of one layer alone.",
    "seed": "Of the layer's random decisions, in place of the run's.",
}


def query_schema() -> dict[str, Any]:
    """The JSON Schema of a query, draft 2020-12."""
    _, models = models_json_schema(
        [(action.settings_model, "validation") for action in ACTIONS.values()], ref_template=PLACE
    )
    definitions = {name: _plain(schema) for name, schema in models["$defs"].items()}
    for model in _models({action.settings_model for action in ACTIONS.values()}):
        _describe(definitions[model.__name__], model)
    layers = {f"layer-{name}": _layer(action) for name, action in ACTIONS.items()}
    saving = [name for name, action in ACTIONS.items() if issubclass(action, Save)]
    return {
        "$schema": DIALECT,
        "title": "DTL query",
        "description": "A list of layers that say what becomes of annotated images.",
        "type": "array",
        "items": {"$ref": PLACE.format(model="layer")},
        "allOf": [
            {"contains": _is_action(Data.name)},
            {"contains": _is_action(*saving), "minContains": 1, "maxContains": 1},
        ],
        "$defs": {"layer": _any_layer(), **layers, **definitions},
    }


def query_schema_text() -> str:
    """The same as a file holds it."""
    return json.dumps(query_schema(), indent=2, ensure_ascii=False) + "\n"


def _any_layer() -> Rule:
    """What all layers have, and by which definition each is checked further."""
    actions = [{"const": name, "description": _about(action)} for name, action in ACTIONS.items()]
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "required": ["action", "src", "dst", "settings"],
        "properties": {
            "action": {"description": ABOUT["action"], "type": "string", "oneOf": actions},
            "src": {"description": ABOUT["src"], **texts, "minItems": 1},
            "dst": {"description": ABOUT["dst"], "anyOf": [{"type": "string"}, texts]},
            "settings": {"description": ABOUT["settings"], "type": "object"},
            "name": {"description": ABOUT["name"], "type": "string", "minLength": 1},
            "seed": {"description": ABOUT["seed"], "type": ["integer", "null"], "minimum": 0},
        },
        "allOf": [when(_is_action(name), {"$ref": PLACE.format(model=f"layer-{name}")}) for name in ACTIONS],
    }


def _layer(action: type[Action]) -> Rule:
    """What a layer of one action has."""
    target: Rule = {"type": "string", "pattern": PROJECT if issubclass(action, Save) else TARGET}
    listed = {"type": "array", "items": target, "minItems": action.ports, "maxItems": action.ports}
    result: Rule = {
        "description": _about(action),
        "properties": {
            "action": True,
            "src": {"items": {"pattern": DATASET if action is Data else SOURCE}},
            "dst": some_of(target, listed) if action.ports == 1 else listed,
            "settings": {"$ref": PLACE.format(model=action.settings_model.__name__)},
            **({"name": True, "seed": True} if action.may_draw else {}),
        },
        "additionalProperties": False,
    }
    if action.draws_where:
        has_either = some_of({"required": ["name"]}, given("seed"))
        result |= when(has_either, {"properties": {"settings": action.draws_where}})
    return result


def _is_action(*names: str) -> Rule:
    return {"type": "object", "required": ["action"], "properties": {"action": {"enum": list(names)}}}


def _about(action: type[Action]) -> str:
    return " ".join((inspect.getdoc(action) or "").split())


def _plain(schema: Any) -> Any:
    """Without the titles that are made from names and tell nothing more."""
    if isinstance(schema, dict):
        kept = {key: part for key, part in schema.items() if key != "title" or not isinstance(part, str)}
        return {key: _plain(part) for key, part in kept.items()}
    return [_plain(part) for part in schema] if isinstance(schema, list) else schema


def _models(found: set[type[BaseModel]]) -> Iterator[type[BaseModel]]:
    """Some models and all that they hold."""
    waiting, seen = list(found), set(found)
    while waiting:
        model = waiting.pop()
        yield model
        for field in model.model_fields.values():
            inner = set(_models_in(field.annotation)) - seen
            seen |= inner
            waiting += inner


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _describe(definition: Rule, model: type[BaseModel]) -> None:
    """Add what the source says of each field."""
    for name, text in attribute_docs(model).items():
        field = model.model_fields.get(name)
        if field is not None:
            definition["properties"][field.alias or name].setdefault("description", " ".join(text.split()))
