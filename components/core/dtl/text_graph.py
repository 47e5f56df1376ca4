"""A query's graph as text: a row for each layer, beside lanes that its streams run down along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from components.core.dtl.action import NULL, QueryLayer
from components.core.dtl.graph import Query

NODE, LANE, ACROSS, OVER = "●", "│", "─", "┼"
ENDS_RIGHT, ENDS_LEFT = "╯", "╰"
"""A stream that turns to a layer and ends there, in a lane to its right or left."""

ENDS_BETWEEN = "┴"
"""The same where another stream passes behind it."""

LEAVES_RIGHT, LEAVES_LEFT = "┤", "├"
"""A stream that a layer reads, in a lane to its right or left, and that goes on to others."""

BEGINS_RIGHT, BEGINS_LEFT = "╮", "╭"
"""A stream that a layer writes into a lane of its own."""


@dataclass
class _Lanes:
    """Which stream runs down which lane; None for a lane that is free."""

    streams: list[str | None] = field(default_factory=list)

    def free(self, beside: int) -> int:
        """The first free lane behind another one."""
        place = beside + 1
        while place < len(self.streams) and self.streams[place] is not None:
            place += 1
        return place

    def put(self, place: int, stream: str | None) -> None:
        """Let a stream run down a lane from here on; None ends it."""
        self.streams += [None] * (place + 1 - len(self.streams))
        self.streams[place] = stream

    def row(self, centre: int, mark: str, joins: dict[int, str]) -> str:
        """The lanes at a row in which something joins a centre from other lanes.

        Args:
            centre: The lane that all join.
            mark: What stands there.
            joins: What stands in each other lane that joins it.
        """
        first, last = min([centre, *joins]), max([centre, *joins])
        cells = []
        for place in range(max(len(self.streams), last + 1)):
            runs = place < len(self.streams) and self.streams[place] is not None
            across = first <= place <= last
            own = mark if place == centre else joins.get(place)
            if own in (ENDS_LEFT, ENDS_RIGHT) and place not in (centre, first, last):
                own = ENDS_BETWEEN
            cells.append(own or (OVER if runs and across else ACROSS if across else LANE if runs else " "))
            cells.append(ACROSS if first <= place < last else " ")
        return "".join(cells).rstrip()


def text_graph(query: Query) -> Iterator[tuple[str, QueryLayer | None]]:
    """The graph, from the top down.

    Args:
        query: Checked by `build_query`.

    Yields:
        The lanes of each row, and the layer that stands in it; None for a row in which streams only part or meet.
    """
    lanes = _Lanes()
    waiting = {name: len(reading) for name, reading in query.readers.items()}
    for layer in query.order:
        reads = [] if layer in query.data_layers else list(dict.fromkeys(layer.src))
        for name in reads:
            waiting[name] -= 1
        at = {name: lanes.streams.index(name) for name in reads if name in lanes.streams}
        ending = [place for name, place in at.items() if not waiting[name]]
        centre = min(ending) if ending else lanes.free(min(at.values(), default=-1))
        joins = {place: _turn(place, centre, ends=not waiting[name]) for name, place in at.items() if place != centre}
        yield lanes.row(centre, NODE, joins), layer
        for place in ending:
            lanes.put(place, None)
        yield from ((row, None) for row in _written(lanes, layer, centre, query))


def _written(lanes: _Lanes, layer: QueryLayer, centre: int, query: Query) -> Iterator[str]:
    """The row below a layer, where its streams do not simply run on."""
    names = [name for name in dict.fromkeys(layer.dst) if name != NULL and name in query.readers]
    names = [] if layer is query.save_layer else names
    new = [name for name in names if name not in lanes.streams]
    joins = {}
    for name in names:
        if name in lanes.streams:
            place = lanes.streams.index(name)
            joins[place] = _turn(place, centre, ends=False)
    before = _Lanes(list(lanes.streams))
    for number, name in enumerate(new):
        place = centre if number == 0 else lanes.free(centre)
        lanes.put(place, name)
        if place != centre:
            joins[place] = BEGINS_RIGHT if place > centre else BEGINS_LEFT
    if joins:
        runs_on = bool(new)
        right, left = any(place > centre for place in joins), any(place < centre for place in joins)
        yield before.row(centre, _fork(runs_on, left, right), joins)


def _fork(runs_on: bool, left: bool, right: bool) -> str:
    """What stands below a layer whose streams part to one side or both, and perhaps run on below it."""
    if runs_on:
        return OVER if left and right else LEAVES_RIGHT if left else LEAVES_LEFT
    return ENDS_BETWEEN if left and right else ENDS_RIGHT if left else ENDS_LEFT


def _turn(place: int, centre: int, ends: bool) -> str:
    if place > centre:
        return ENDS_RIGHT if ends else LEAVES_RIGHT
    return ENDS_LEFT if ends else LEAVES_LEFT
