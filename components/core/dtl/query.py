"""From a query's text to checked layers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.core.documents.named import READY_MADE
from components.core.dtl.action import NULL, QueryLayer
from components.core.dtl.actions import ACTIONS
from components.core.dtl.actions.data import Data
from components.core.dtl.actions.save import Save
from components.core.dtl.places import at_layer, at_place
from components.core.errors import ConfigError
from components.core.faults import Faults
from components.core.json_text import parse_json
from components.core.settings import known_keys

_LayerName = Annotated[str, Field(min_length=1)]
_Seed = Annotated[int, Field(ge=0)] | None


class _LayerForm(BaseModel):
    """A layer as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: str
    src: list[str]
    dst: str | list[str]
    settings: dict[str, Any]
    name: _LayerName = ""
    seed: _Seed = None


def read_query(source: str | Path) -> list[Any]:
    """The layers of a query.

    Args:
        source: JSON text, a file that holds it, or the name of a ready-made query: by itself, or as the only entry of
            a JSON list, as a pipeline's parameter of that type holds it.

    Raises:
        ConfigError: If it cannot be read, is not JSON, or is not a list.
    """
    text: str | bytes = str(source)
    place = "query"
    if not str(text).lstrip().startswith(("[", "{")):
        place = str(text)
        text = _content(place)
    try:
        layers = parse_json(text)
    except UnicodeError as error:
        raise ConfigError(f"{place}: is not UTF-8 ({error}); save it in UTF-8") from error
    except ValueError as error:
        raise ConfigError(f"{place}: is not JSON ({error}); fix it there") from error
    if not isinstance(layers, list):
        raise ConfigError(f"{place}: is a JSON {type(layers).__name__}, and a query is a list of layers")
    if len(layers) == 1 and isinstance(layers[0], str):
        return _ready_made(layers[0], place)
    return layers


def _content(place: str) -> bytes:
    """Of a ready-made query or a file."""
    file = READY_MADE[place].file if place in READY_MADE else Path(place)
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{place}: cannot be read ({error.strerror}); give a file, the JSON text itself, or the name of a "
            f"ready-made query: {', '.join(READY_MADE)}"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{place!r}: is neither JSON nor the path of a file ({error}); give one of them") from error


def _ready_made(name: str, place: str) -> list[Any]:
    if name not in READY_MADE:
        raise ConfigError(
            f"{place}[0]: {name!r} is neither a layer nor a ready-made query; these are {', '.join(READY_MADE)}"
        )
    return read_query(name)


def parse_layers(layers: Iterable[Any]) -> list[QueryLayer]:
    """Check every layer by itself.

    Raises:
        ConfigError: With the path of what is wrong in each faulty layer: an unknown action, key or value, or a name
            that breaks the rules.
    """
    faults, parsed = Faults(), []
    for index, layer in enumerate(layers):
        with faults.caught(), at_place(f"query[{index}]", _action_of(layer)):
            parsed.append(parse_layer(index, layer))
    _check_own_names(parsed, faults)
    faults.raise_any()
    twins: Counter[tuple[str, ...]] = Counter()
    for place, layer in enumerate(parsed):
        like = (layer.action.name, *layer.dst)
        parsed[place] = replace(layer, twins=twins[like])
        twins[like] += 1
    return parsed


def _action_of(data: Any) -> str:
    """The action of a layer that may be faulty; empty where that is unknown."""
    name = data.get("action") if isinstance(data, dict) else None
    return name if isinstance(name, str) and name in ACTIONS else ""


def _check_own_names(layers: Iterable[QueryLayer], faults: Faults) -> None:
    """See that no two layers have one name: they would draw the same."""
    named: dict[str, QueryLayer] = {}
    for layer in layers:
        first = named.setdefault(layer.name, layer)
        if layer.name and first is not layer:
            with faults.caught(), at_layer(layer):
                raise ConfigError(f"{layer.place}.name: {layer.name!r} is the name of {first.place} too; give another")


def parse_layer(index: int, data: Any) -> QueryLayer:
    """Check a layer by itself.

    Raises:
        ConfigError: With the path of what is wrong.
    """
    place = f"query[{index}]"
    form = _validated(_LayerForm, data, place)
    kind = ACTIONS.get(form.action)
    if kind is None:
        raise ConfigError(f"{place}.action: {form.action!r} is not an action; actions are {', '.join(sorted(ACTIONS))}")
    settings = _validated(kind.settings_model, form.settings, f"{place}.settings")
    destinations = tuple([form.dst] if isinstance(form.dst, str) else form.dst)
    if len(destinations) != kind.ports:
        raise ConfigError(
            f"{place}.dst: {form.action!r} has {kind.ports} destination{'s' if kind.ports > 1 else ''}, "
            f"and {len(destinations)} are given; `null` discards"
        )
    layer = QueryLayer(index, kind(place, settings), tuple(form.src), destinations, form.name, form.seed)
    _check_names(layer)
    _check_draws(layer)
    return layer


def _check_names(layer: QueryLayer) -> None:
    if not layer.src:
        raise ConfigError(f"{layer.place}.src: is empty; name what the layer reads")
    for position, name in enumerate(layer.src):
        _check_source(layer, name, f"{layer.place}.src[{position}]")
    for name in layer.dst:
        if isinstance(layer.action, Save):
            if not name or name == NULL or name.startswith("$") or "/" in name:
                raise ConfigError(
                    f"{layer.place}.dst: {name!r} is not a project name; give a bare name such as INRIA_train"
                )
        elif name != NULL and not (name.startswith("$") and len(name) > 1):
            raise ConfigError(f"{layer.place}.dst: {name!r} is not a name; names start with `$`, and `null` discards")


def _check_draws(layer: QueryLayer) -> None:
    given = "name" if layer.name else "seed"
    if (layer.name or layer.seed is not None) and not layer.action.draws():
        what = "" if not layer.action.may_draw else " with these settings"
        raise ConfigError(
            f"{layer.place}.{given}: is for layers that decide by chance, and {layer.action.name!r} does not{what}; "
            "take it out"
        )


def _check_source(layer: QueryLayer, name: str, place: str) -> None:
    if isinstance(layer.action, Data):
        if name.count("/") != 1 or not all(name.split("/")) or name.startswith("*"):
            raise ConfigError(f"{place}: {name!r} is not of the form Project/dataset or Project/*")
    elif name == NULL:
        raise ConfigError(f"{place}: `null` discards and cannot be read; name another layer's dst")
    elif not (name.startswith("$") and len(name) > 1):
        raise ConfigError(f"{place}: {name!r} is not a name; names start with `$`")


def _validated(model: type[Any], data: Any, place: str) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError(*faults_of(model, error, place)) from error


def faults_of(model: type[BaseModel], error: ValidationError, place: str) -> list[str]:
    """The faults that pydantic found in a model, each with its path, value and rule."""
    lines = []
    for fault in error.errors():
        path = place + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in _path(fault["loc"]))
        lines.append(f"{path}: {_rule(model, fault)}")
    return list(dict.fromkeys(lines))


INSERTED = ("str", "list[str]", "dict[str,str]", "[key]")
"""What pydantic puts into the place of a fault, and is not a key."""


def _path(location: tuple[int | str, ...]) -> list[int | str]:
    """Without what pydantic puts in: types of a union, the key that chose a condition, and that a key is one."""
    pairs = zip((None, *location), location, strict=False)
    return [part for before, part in pairs if before != "condition" and not _is_type(part)]


def _is_type(part: int | str) -> bool:
    return isinstance(part, str) and (part in INSERTED or part.startswith("literal["))


def _rule(model: type[BaseModel], fault: Any) -> str:
    shown = json.dumps(fault["input"], ensure_ascii=False, default=str)
    value = shown if len(shown) <= 60 else shown[:57] + "…"
    messages = {
        "extra_forbidden": f"unknown key; {known_keys(model, fault['loc'] or ('',))}",
        "missing": "is missing; add it",
        "model_type": f"{value} is not a JSON object; write one, in braces",
        "value_error": fault["msg"].removeprefix("Value error, "),
        "condition": f"{value} {fault['msg']}",
    }
    return messages.get(fault["type"]) or f"{value}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
