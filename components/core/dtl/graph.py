"""The graph that a query's layers form."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from components.core.dtl.action import NULL, QueryLayer
from components.core.dtl.actions.data import Data
from components.core.dtl.actions.save import Save
from components.core.dtl.places import at_layer
from components.core.dtl.query import parse_layers
from components.core.errors import ConfigError


@dataclass(frozen=True)
class Query:
    """A checked query.

    Attributes:
        layers: As written.
        order: Every layer after those it reads from; otherwise as written.
        readers: The layers that read a name, in file order.
    """

    layers: tuple[QueryLayer, ...]
    order: tuple[QueryLayer, ...]
    readers: dict[str, tuple[QueryLayer, ...]]

    @cached_property
    def data_layers(self) -> list[QueryLayer]:
        """Where items enter."""
        return [layer for layer in self.layers if isinstance(layer.action, Data)]

    @cached_property
    def save_layer(self) -> QueryLayer:
        """Where items leave."""
        return next(layer for layer in self.layers if isinstance(layer.action, Save))

    @property
    def save_action(self) -> Save:
        """What the save layer does."""
        action = self.save_layer.action
        if not isinstance(action, Save):
            raise TypeError(f"{self.save_layer.place} does not save")
        return action

    @property
    def output_name(self) -> str:
        """Name of the project that comes out."""
        return self.save_layer.dst[0]

    @property
    def project_names(self) -> list[str]:
        """The projects that the data layers name, without repeats."""
        return list(dict.fromkeys(name.split("/")[0] for layer in self.data_layers for name in layer.src))


def build_query(layers: list[object]) -> Query:
    """Check a query as a whole.

    Args:
        layers: Its layers, parsed from JSON.

    Raises:
        ConfigError: If a layer is faulty, there is no data layer or not exactly one save layer, a name is read that
            no layer writes, layers form a loop, or the graph falls into pieces.
    """
    parsed = parse_layers(layers)
    _check_ends(parsed)
    readers: dict[str, list[QueryLayer]] = defaultdict(list)
    writers: dict[str, list[QueryLayer]] = defaultdict(list)
    for layer in parsed:
        for name in () if isinstance(layer.action, Data) else dict.fromkeys(layer.src):
            readers[name].append(layer)
        for name in () if isinstance(layer.action, Save) else dict.fromkeys(layer.dst):
            writers[name].append(layer)
    for name, reading in readers.items():
        if name not in writers:
            place = f"{reading[0].place}.src[{reading[0].src.index(name)}]"
            known = ", ".join(sorted(name for name in writers if name != NULL))
            with at_layer(reading[0]):
                raise ConfigError(f"{place}: no layer writes {name!r}; names are {known or 'none'}")
    order = _sorted(parsed, writers)
    _check_connected(parsed, writers)
    return Query(tuple(parsed), tuple(order), {name: tuple(reading) for name, reading in readers.items()})


def _check_ends(layers: list[QueryLayer]) -> None:
    if not any(isinstance(layer.action, Data) for layer in layers):
        raise ConfigError('query: has no `data` layer; begin with {"action": "data", "src": ["Project/*"], …}')
    saves = [layer.place for layer in layers if isinstance(layer.action, Save)]
    if len(saves) != 1:
        found = f"{len(saves)} layers that save ({', '.join(saves)})" if saves else "no `supervisely` layer"
        raise ConfigError(f"query: has {found}; exactly one saves the result")


def _sources(layer: QueryLayer, writers: dict[str, list[QueryLayer]]) -> list[QueryLayer]:
    if isinstance(layer.action, Data):
        return []
    return [writer for name in layer.src for writer in writers[name]]


def _sorted(layers: list[QueryLayer], writers: dict[str, list[QueryLayer]]) -> list[QueryLayer]:
    """Every layer after those it reads from (depth first, file order otherwise)."""
    order: list[QueryLayer] = []
    state: dict[int, str] = {}
    for start in layers:
        stack = [start]
        while stack:
            layer = stack[-1]
            waiting = [source for source in _sources(layer, writers) if state.get(source.index) != "done"]
            if state.get(layer.index) == "done" or not waiting:
                stack.pop()
                if state.get(layer.index) != "done":
                    state[layer.index] = "done"
                    order.append(layer)
                continue
            state[layer.index] = "open"
            if state.get(waiting[0].index) == "open":
                ring = " → ".join(entry.place for entry in stack if state.get(entry.index) == "open")
                with at_layer(waiting[0]):
                    raise ConfigError(
                        f"{waiting[0].place}: is fed from its own result (loop {ring}); read another name"
                    )
            stack.append(waiting[0])
    return order


def _check_connected(layers: list[QueryLayer], writers: dict[str, list[QueryLayer]]) -> None:
    neighbours: dict[int, set[int]] = defaultdict(set)
    for layer in layers:
        for source in _sources(layer, writers):
            neighbours[layer.index].add(source.index)
            neighbours[source.index].add(layer.index)
    seen, frontier = {layers[0].index}, [layers[0].index]
    while frontier:
        new = neighbours[frontier.pop()] - seen
        seen |= new
        frontier += new
    apart = [layer for layer in layers if layer.index not in seen]
    if apart:
        with at_layer(apart[0]):
            raise ConfigError("has no connection with query[0]; a query is one graph, so connect it or take it out")
