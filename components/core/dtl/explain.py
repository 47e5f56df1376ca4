"""A query explained: its graph, and in words what each layer does with its settings; faults where it has any."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.core.attribute_docs import attribute_docs
from components.core.dtl.action import NULL, QueryLayer
from components.core.dtl.actions import ACTIONS
from components.core.dtl.graph import Query, build_query
from components.core.dtl.query import parse_layer, read_query
from components.core.dtl.text_graph import text_graph
from components.core.errors import ConfigError
from components.core.settings import naming_file

WIDTH, INDENT = 100, "    "

_PLACE = re.compile(r"(?:.*: )?query\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class SettingWords:
    """A setting of a layer.

    Attributes:
        key: With the keys that it stands below, joined by dots.
        value: As JSON.
        is_default: Whether the query leaves it out.
        about: What it means; may be empty.
    """

    key: str
    value: str
    is_default: bool
    about: str


@dataclass(frozen=True, slots=True)
class LayerWords:
    """A layer in words.

    Attributes:
        title: Place, action, and what it reads and writes.
        about: What it does, a sentence or more each.
        settings: Its settings; none where they are faulty.
        faults: What is wrong with it.
    """

    title: str
    about: tuple[str, ...]
    settings: tuple[SettingWords, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A query in words.

    Attributes:
        query: The query; None where it has faults.
        layers: In the order of the file.
        faults: All of them, those of layers included.
    """

    query: Query | None
    layers: tuple[LayerWords, ...]
    faults: tuple[str, ...]

    @property
    def title(self) -> str:
        """What goes in and comes out."""
        if self.query is None:
            return f"{len(self.faults)} fault{'s' * (len(self.faults) > 1)} in a query of {len(self.layers)} layers"
        return f"{', '.join(self.query.project_names)} → {self.query.output_name}, {len(self.layers)} layers"

    def text(self) -> str:
        """All of it, for a terminal."""
        blocks = [self.title, *([] if self.query is None else ["\n".join(_graph(self.query))])]
        return "\n\n".join([*blocks, *("\n".join(_lines(layer)) for layer in self.layers)]) + "\n"


def explain(source: str | Path) -> Explanation:
    """Explain a query.

    Args:
        source: JSON text, a file, or the name of a ready-made query.

    Raises:
        ConfigError: If it cannot be read, or is not a list of layers. Other faults are part of the explanation.
    """
    with naming_file(source):
        layers = read_query(source)
    query: Query | None = None
    faults: tuple[str, ...] = ()
    try:
        with naming_file(source):
            query = build_query(layers)
    except ConfigError as error:
        faults = error.faults
    return Explanation(query, tuple(_layer_words(index, layer, faults) for index, layer in enumerate(layers)), faults)


def _layer_words(index: int, data: Any, faults: Sequence[str]) -> LayerWords:
    own = tuple(fault for fault in faults if (found := _PLACE.match(fault)) and int(found[1]) == index)
    try:
        layer = parse_layer(index, data)
    except ConfigError:
        action = ACTIONS.get(str(data.get("action"))) if isinstance(data, dict) else None
        title = f"query[{index}]" + (f" {action.name}" if action else "")
        return LayerWords(title, (_first_paragraph(action),) if action else (), (), own)
    return LayerWords(_title(layer), tuple(_about(layer)), tuple(_settings(layer.action.settings)), own)


def _title(layer: QueryLayer) -> str:
    written = ", ".join("discarded" if name == NULL else name for name in layer.dst)
    return f"{layer.place} {layer.action.name}: {', '.join(layer.src)} → {written}"


def _about(layer: QueryLayer) -> Iterator[str]:
    """What the layer does, and what its random decisions follow from."""
    yield _first_paragraph(type(layer.action))
    condition = getattr(layer.action.settings, "condition", None)
    if condition is not None:
        yes, no = ("are discarded" if name == NULL else f"go to {name}" for name in layer.dst)
        yield f"Items {yes} where this is true, and others {no}. {_first_paragraph(type(condition))}"
    if layer.action.draws():
        key = f"the name {layer.name!r}" if layer.name else f"the action and its destinations ({layer.key!r})"
        seed = "the run's seed" if layer.seed is None else f"its own seed {layer.seed}"
        by_source = getattr(condition, "group_by", "item") == "source"
        what = "the name of the image that the item came from" if by_source else "the item's name"
        yield f"Decides by chance, keyed by {seed}, {key}, and {what}."


def _first_paragraph(kind: type[Any]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def _settings(given: BaseModel, prefix: str = "", group: str = "") -> Iterator[SettingWords]:
    """Settings, those inside others by their whole path."""
    about = attribute_docs(type(given))
    for name, field in type(given).model_fields.items():
        key, value = prefix + (field.alias or name), getattr(given, name)
        words = " ".join((about.get(name) or group).split())
        if isinstance(value, BaseModel):
            inner = "" if name == "condition" else words or _first_paragraph(type(value))
            yield from _settings(value, f"{key}.", inner)
        elif value is not None or name in given.model_fields_set:
            yield SettingWords(key, json.dumps(value, ensure_ascii=False), name not in given.model_fields_set, words)


def _graph(query: Query) -> Iterator[str]:
    rows = list(text_graph(query))
    width = max(len(lanes) for lanes, _ in rows)
    for lanes, layer in rows:
        yield f"{lanes:<{width}}  {_title(layer)}" if layer else lanes


def _lines(layer: LayerWords) -> Iterator[str]:
    yield layer.title
    for about in layer.about:
        yield from textwrap.wrap(about, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
    for setting in layer.settings:
        default = " (unless given)" if setting.is_default else ""
        line = f"{setting.key}: {setting.value}{default}" + (f" – {setting.about}" if setting.about else "")
        yield from textwrap.wrap(
            line, WIDTH, initial_indent=f"{INDENT}- ", subsequent_indent=f"{INDENT}  ", break_on_hyphens=False
        )
    for fault in layer.faults:
        yield from textwrap.wrap(
            f"FAULT: {fault}", WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
        )


def write_drawing(explanation: Explanation, file: str | Path) -> None:
    """Draw a query as a file: an SVG where it is called so, or a page with the words beside the drawing.

    Raises:
        ConfigError: If the query has faults, or the file is called neither *.svg nor *.html.
        StorageError: If the file cannot be written.
    """
    from components.core.dtl.query_graph import graph_drawing, graph_frame, layer_boxes  # jinja2
    from components.core.reporting.page import Section, render, run_report, write_page

    if explanation.query is None:
        raise ConfigError(*explanation.faults)
    boxes = layer_boxes(explanation.query)
    if not str(file).lower().endswith((".svg", ".html", ".htm")):
        raise ConfigError(f"--drawing: {file}: drawings are SVG or HTML; call it *.svg or *.html")
    if str(file).lower().endswith(".svg"):
        write_page(file, graph_drawing(boxes))
        return
    lead = "Each box is a layer of the query, with the names that it writes."
    words = render("explained_layers.html.j2", __package__, layers=explanation.layers)
    sections = [Section("Graph", lead, (), graph_frame(boxes)), Section("Layers", "", (), words)]
    write_page(file, run_report(explanation.title, "", (), sections))
