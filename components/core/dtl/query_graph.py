"""A query as a graph: a box a layer, its streams at the box's side, and how many items went along them."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from markupsafe import Markup

from components.core.dtl.action import NULL, QueryLayer
from components.core.dtl.engine import RunResult
from components.core.dtl.graph import Query
from components.core.dtl.layered_layout import Arrow, Layout, layered
from components.core.dtl.run import QueryRun
from components.core.reporting.page import Fact, Section, render
from components.core.reporting.text import thousands

MARGIN_PX = 10.0
PAD_PX = 10.0
TITLE_PX, TEXT_PX, LINE_PX, HEAD_PX, STREAM_PX = 13.0, 11.0, 15.0, 28.0, 19.0
RIGHTWARD_GAP_PX, DOWNWARD_GAP_PX = 58.0, 46.0
COMFORTABLE_PX = 1080.0
"""Left to right while it fits into this, else whichever direction is narrower."""

LINE_CHARACTERS, SUMMARY_LINES, NAME_CHARACTERS = 20, 3, 18
THINNEST_PX, THICKEST_PX = 1.2, 3.0

KINDS = {"data": "source", "supervisely": "sink", "save": "sink", "save_masks": "sink", "if": "choice"}
"""Actions that a reader looks for first; each kind has its colour."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What a layer sends on: its name, how many items, and the layers that read it, as places in the query's order.

    Where the query did not run, the number is None.
    """

    name: str
    count: int | None
    readers: tuple[int, ...]

    @property
    def label(self) -> str:
        """The name, short enough for the box."""
        return _shortened(self.name, NAME_CHARACTERS)

    @property
    def number(self) -> str:
        """The count, for the box; empty where it is not known."""
        return "" if self.count is None else thousands(self.count)

    @property
    def width(self) -> float:
        """Of its label and count, in px."""
        return _text_width(self.label, TEXT_PX) + _text_width(self.number, TITLE_PX) + 4


@dataclass(frozen=True, slots=True)
class LayerBox:
    """A layer as it is drawn, before it has a place."""

    action: str
    summary: str
    streams: tuple[Stream, ...]

    @property
    def kind(self) -> str:
        """What it is in the drawing's style."""
        return KINDS.get(self.action, "plain")

    @property
    def lines(self) -> list[str]:
        """Its settings, below the action."""
        return textwrap.wrap(
            self.summary, LINE_CHARACTERS, max_lines=SUMMARY_LINES, placeholder=" …", break_on_hyphens=False
        )

    def extent(self, is_downward: bool) -> tuple[float, float]:
        """Width and height in px: streams stand below the settings, in a downward graph side by side."""
        texts = [_text_width(self.action, TITLE_PX), *(_text_width(line, TEXT_PX) for line in self.lines)]
        streams = [stream.width for stream in self.streams]
        rows = len(streams) if not is_downward else min(1, len(streams))
        room = sum(streams) + 2 * PAD_PX * (len(streams) - 1) if is_downward else max(streams, default=0.0)
        return math.ceil(max(44.0, room, *texts)) + 2 * PAD_PX, HEAD_PX + LINE_PX * len(self.lines) + STREAM_PX * rows

    def offsets(self, is_downward: bool) -> list[float]:
        """Where each stream leaves, across, from the box's centre."""
        if not is_downward:
            first = self.extent(is_downward)[1] / 2 - STREAM_PX * (len(self.streams) - 0.5)
            return [first + STREAM_PX * place - 2 for place in range(len(self.streams))]
        widths = [stream.width + 2 * PAD_PX for stream in self.streams]
        return [end - width / 2 - sum(widths) / 2 for end, width in zip(accumulate(widths), widths, strict=True)]


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A layer's box in the picture, in px from the top left; `ports` are the (x, y) where its streams leave."""

    box: LayerBox
    left: float
    top: float
    width: float
    height: float
    ports: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class StreamCurve:
    """A stream on its way to a reader: the `d` of its path in the picture, and the width of the pen in px."""

    stream: Stream
    path: str
    pen: float


@dataclass(frozen=True, slots=True)
class GraphDrawing:
    """A drawn query, in px."""

    width: float
    height: float
    is_downward: bool
    boxes: tuple[PlacedBox, ...]
    curves: tuple[StreamCurve, ...]


def query_graph(run: QueryRun) -> Section:
    """The query as a graph, with the number of items in each stream."""
    boxes = layer_boxes(run.query, run.result)
    sent = [(box, stream.count or 0, stream.readers) for box in boxes for stream in box.streams]
    sink = next(place for place, box in enumerate(boxes) if box.kind == "sink")
    facts = (
        Fact("layers", str(len(boxes))),
        Fact("items read", thousands(sum(count for box, count, _ in sent if box.kind == "source"))),
        Fact("items saved", thousands(sum(count for _, count, readers in sent if sink in readers))),
    )
    lead = "Each box is a layer of the query; the number at a stream is how many items went along it."
    return Section("Query", lead, facts, graph_frame(boxes))


def graph_frame(boxes: Sequence[LayerBox]) -> Markup:
    """The drawing of a graph for a page, in a frame that scrolls it.

    Args:
        boxes: Every layer after those it reads from.
    """
    return _rendered("query_graph.html.j2", boxes)


def graph_drawing(boxes: Sequence[LayerBox]) -> Markup:
    """The drawing of a graph by itself, as SVG.

    Args:
        boxes: Every layer after those it reads from.
    """
    return _rendered("query_graph.svg.j2", boxes)


def _rendered(template: str, boxes: Sequence[LayerBox]) -> Markup:
    sizes = {"title_px": TITLE_PX, "text_px": TEXT_PX, "line_px": LINE_PX, "head_px": HEAD_PX, "pad_px": PAD_PX}
    return render(template, __package__, graph=draw_graph(boxes), **sizes)


def layer_boxes(query: Query, result: RunResult | None = None) -> list[LayerBox]:
    """The layers of a query, every layer after those it reads from.

    Args:
        query: Checked by `build_query`.
        result: Its counts; None where it did not run.
    """
    places = {layer.place: place for place, layer in enumerate(query.order)}

    def streams(layer: QueryLayer) -> Iterator[Stream]:
        for port, name in enumerate(() if layer is query.save_layer else layer.dst):
            readers = () if name == NULL else query.readers.get(name, ())
            count = None if result is None else result.emitted[layer.index, port]
            yield Stream(name, count, tuple(places[entry.place] for entry in readers))

    return [LayerBox(layer.action.name, _summary(layer, query), tuple(streams(layer))) for layer in query.order]


def _summary(layer: QueryLayer, query: Query) -> str:
    if layer in query.data_layers:
        return ", ".join(filter(None, [*layer.src, layer.action.summary()]))
    return layer.dst[0] if layer is query.save_layer else layer.action.summary()


def draw_graph(boxes: Sequence[LayerBox]) -> GraphDrawing:
    """Draw a graph from left to right, or downward where that would be too wide.

    Args:
        boxes: Every layer after those it reads from.
    """
    rightward = _drawn(boxes, is_downward=False)
    if rightward.width <= COMFORTABLE_PX:
        return rightward
    return min(rightward, _drawn(boxes, is_downward=True), key=lambda drawing: drawing.width)


def _drawn(boxes: Sequence[LayerBox], is_downward: bool) -> GraphDrawing:
    extents = [box.extent(is_downward)[:: -1 if is_downward else 1] for box in boxes]
    offsets = [box.offsets(is_downward) for box in boxes]
    sent = [
        (i, k, target) for i, box in enumerate(boxes) for k, out in enumerate(box.streams) for target in out.readers
    ]
    arrows = [Arrow(i, target, offsets[i][k]) for i, k, target in sent]
    layout = layered([across for _, across in extents], arrows)
    spans = _spans(layout, [along for along, _ in extents], DOWNWARD_GAP_PX if is_downward else RIGHTWARD_GAP_PX)
    most = max((stream.count or 0 for box in boxes for stream in box.streams), default=0) or 1

    def spot(along: float, across: float) -> tuple[float, float]:
        x, y = (across, along) if is_downward else (along, across)
        return x + MARGIN_PX, y + MARGIN_PX

    def placed(i: int) -> PlacedBox:
        (begin, end), centre, across = spans[layout.ranks[i]], layout.centres[i], extents[i][1]
        (left, top), (right, bottom) = spot(begin, centre - across / 2), spot(end, centre + across / 2)
        return PlacedBox(
            boxes[i], left, top, right - left, bottom - top, tuple(spot(end, centre + o) for o in offsets[i])
        )

    def curve(arrow: Arrow, stream: Stream, passing: Sequence[float]) -> StreamCurve:
        stops = [(spans[layout.ranks[arrow.source]][1], layout.centres[arrow.source] + arrow.offset)]
        for rank, across in enumerate(passing, start=layout.ranks[arrow.source] + 1):
            stops += [(spans[rank][0], across), (spans[rank][1], across)]
        stops.append((spans[layout.ranks[arrow.target]][0], layout.centres[arrow.target]))
        pen = THINNEST_PX + (THICKEST_PX - THINNEST_PX) * math.sqrt((stream.count or 0) / most)
        return StreamCurve(stream, _path([spot(*stop) for stop in stops], is_downward), pen)

    width, height = spot(spans[-1][1] if spans else 0.0, layout.extent)
    return GraphDrawing(
        width + MARGIN_PX,
        height + MARGIN_PX,
        is_downward,
        tuple(map(placed, range(len(boxes)))),
        tuple(
            curve(arrow, boxes[i].streams[k], passing)
            for arrow, (i, k, _), passing in zip(arrows, sent, layout.passing, strict=True)
        ),
    )


def _spans(layout: Layout, along: Sequence[float], gap: float) -> list[tuple[float, float]]:
    """First and last pixel of every rank."""
    spans: list[tuple[float, float]] = []
    for rank in range(max(layout.ranks, default=-1) + 1):
        begin = spans[-1][1] + gap if spans else 0.0
        spans.append((begin, begin + max(size for size, own in zip(along, layout.ranks, strict=True) if own == rank)))
    return spans


def _path(stops: Sequence[tuple[float, float]], is_downward: bool) -> str:
    """The `d` of an SVG path: curves between ranks, and straight lines through those that are passed."""
    pieces = [f"M{stops[0][0]:.1f} {stops[0][1]:.1f}"]
    for place, ((x, y), (goal_x, goal_y)) in enumerate(pairwise(stops)):
        middle_x, middle_y = (x + goal_x) / 2, (y + goal_y) / 2
        turns = (x, middle_y, goal_x, middle_y) if is_downward else (middle_x, y, middle_x, goal_y)
        numbers = (goal_x, goal_y) if place % 2 else (*turns, goal_x, goal_y)
        pieces.append(("L" if place % 2 else "C") + " ".join(f"{number:.1f}" for number in numbers))
    return "".join(pieces)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _text_width(text: str, size_px: float) -> float:
    """About how wide a text is in a sans-serif font, rather too wide than too narrow, in px."""
    return size_px * sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in "ijlIt.,:;'|!()[]{}f/ ":
        return 0.4
    return 0.95 if character in "mwMW@%^+=<>~" else 0.75 if character.isupper() else 0.64
