"""Where every box, edge and label of a query's graph is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from components.core.errors import ConfigError
from components.core.reporting.layering import Box, Drawing, Link, Placed, layered
from components.core.reporting.text import shortened, text_width, thousands, wrapped

MARGIN_PX = 10.0
RIGHTWARD_GAP_PX = 16.0
DOWNWARD_GAP_PX = 26.0
COMFORTABLE_WIDTH_PX = 1080.0
"""Left to right while it fits into this, else whichever direction is narrower."""

TITLE_PX = 13.0
TEXT_PX = 11.0
LINE_PX = 15.0
LINE_CHARACTERS = 20
SUMMARY_LINES = 3
NAME_CHARACTERS = 18
SINK_PX = 9.0
DROPPED_PULL = 0.1
PORT_PX = 12.0
THINNEST_PX, THICKEST_PX = 1.2, 3.0

KINDS = {"data": "source", "supervisely": "sink", "save": "sink", "save_masks": "sink", "if": "choice"}
"""Actions that a reader looks for first; each kind has its colour."""


@dataclass(frozen=True, slots=True)
class GraphLayer:
    """A layer of a query.

    Attributes:
        id: What edges refer to; unique in the graph.
        action: Its action, such as "if".
        summary: Its settings in a few words.
    """

    id: str
    action: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A stream of items.

    Attributes:
        source: `id` of the layer that gives them.
        target: `id` of the layer that takes them; None where they are dropped.
        name: Of the stream, such as "$crops".
        count: How many items went along it; None where that is not known.
    """

    source: str
    target: str | None
    name: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """A point of the picture, in pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Node:
    """A drawn layer: its rectangle, and its text by line."""

    layer: GraphLayer
    kind: str
    left: float
    top: float
    width: float
    height: float
    lines: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its action, short enough for the box."""
        return shortened(self.layer.action, LINE_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Curve:
    """A drawn edge.

    Attributes:
        edge: What it stands for.
        points: A start, then three points for every piece: two controls and the end (cubic Bézier).
        label: Middle of its label.
        label_width: Room of its label, in pixels.
        pen: Width of the line, in pixels.
    """

    edge: GraphEdge
    points: tuple[Spot, ...]
    label: Spot
    label_width: float
    pen: float

    @property
    def name(self) -> str:
        """The stream's name, short enough for the label."""
        return shortened(self.edge.name, NAME_CHARACTERS)

    @property
    def count(self) -> str:
        """The number of items, or nothing where it is not known."""
        return "" if self.edge.count is None else thousands(self.edge.count)

    @property
    def path(self) -> str:
        """The `d` of an SVG path."""
        spots = [f"{spot.x:.1f} {spot.y:.1f}" for spot in self.points]
        pieces = [f"C{','.join(spots[i : i + 3])}" for i in range(1, len(spots), 3)]
        return f"M{spots[0]}" + "".join(pieces)


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """Where everything of a graph is drawn, in pixels."""

    width: float
    height: float
    is_downward: bool
    nodes: tuple[Node, ...]
    curves: tuple[Curve, ...]


def plan_graph(layers: Sequence[GraphLayer], edges: Sequence[GraphEdge]) -> GraphPlan:
    """Decide where everything is drawn.

    Raises:
        ConfigError: If the edges form a loop.
    """
    rightward = _plan(layers, edges, is_downward=False)
    if rightward.width <= COMFORTABLE_WIDTH_PX:
        return rightward
    downward = _plan(layers, edges, is_downward=True)
    return min(rightward, downward, key=lambda plan: plan.width)


def _plan(layers: Sequence[GraphLayer], edges: Sequence[GraphEdge], is_downward: bool) -> GraphPlan:
    boxes: dict[Hashable, Box] = {}
    for layer in layers:
        width, height = _node_extent(layer)
        boxes[layer.id] = Box(height, width) if is_downward else Box(width, height)
    links = []
    for place, edge in enumerate(edges):
        _check(edge, boxes)
        if edge.target is None:
            boxes[place] = Box(SINK_PX, SINK_PX, DROPPED_PULL)
        links.append(Link(edge.source, place if edge.target is None else edge.target, _label_box(edge, is_downward)))
    drawing = layered(boxes, links, DOWNWARD_GAP_PX if is_downward else RIGHTWARD_GAP_PX)
    return GraphPlan(
        width=(drawing.across if is_downward else drawing.along) + 2 * MARGIN_PX,
        height=(drawing.along if is_downward else drawing.across) + 2 * MARGIN_PX,
        is_downward=is_downward,
        nodes=tuple(_node(layer, boxes[layer.id], drawing.boxes[layer.id], is_downward) for layer in layers),
        curves=_curves(edges, links, drawing, boxes, is_downward),
    )


def _check(edge: GraphEdge, boxes: dict[Hashable, Box]) -> None:
    for end in (edge.source, edge.target):
        if end is not None and end not in boxes:
            raise ConfigError(f"graph: edge {edge.name!r} refers to layer {end!r}, which is not given; give it too")


def _node_extent(layer: GraphLayer) -> tuple[float, float]:
    """Width and height of a layer's box, in pixels."""
    lines = wrapped(layer.summary, LINE_CHARACTERS, SUMMARY_LINES)
    title = text_width(shortened(layer.action, LINE_CHARACTERS), TITLE_PX)
    width = max([title, *(text_width(line, TEXT_PX) for line in lines)]) + 20
    return max(64.0, math.ceil(width)), 28.0 + LINE_PX * len(lines)


def _label_extent(edge: GraphEdge) -> tuple[float, float]:
    """Widths of a stream's name and of its count, in pixels."""
    name = text_width(shortened(edge.name, NAME_CHARACTERS), TEXT_PX)
    return name, 0.0 if edge.count is None else text_width(thousands(edge.count), TITLE_PX)


def _label_box(edge: GraphEdge, is_downward: bool) -> Box:
    name, count = _label_extent(edge)
    pull = DROPPED_PULL if edge.target is None else 1.0
    return Box(20.0, name + count + 16, pull) if is_downward else Box(max(name, count) + 8, 32.0, pull)


def _node(layer: GraphLayer, box: Box, placed: Placed, is_downward: bool) -> Node:
    """A layer's rectangle; in a column all are as wide as the widest, in a row each as wide as it needs."""
    if is_downward:
        left, top, width, height = placed.across - box.across / 2, placed.begin, box.across, box.along
    else:
        left, top, width, height = placed.begin, placed.across - box.across / 2, placed.end - placed.begin, box.across
    lines = wrapped(layer.summary, LINE_CHARACTERS, SUMMARY_LINES)
    return Node(layer, KINDS.get(layer.action, "plain"), left + MARGIN_PX, top + MARGIN_PX, width, height, lines)


def _curves(
    edges: Sequence[GraphEdge],
    links: Sequence[Link],
    drawing: Drawing,
    boxes: dict[Hashable, Box],
    is_downward: bool,
) -> tuple[Curve, ...]:
    most = max((edge.count or 0 for edge in edges), default=0)
    leaving = _ports([link.source for link in links], [chain[1].across for chain in drawing.chains], drawing, boxes)
    coming = _ports([link.target for link in links], [chain[-2].across for chain in drawing.chains], drawing, boxes)

    def spot(along: float, across: float) -> Spot:
        x, y = (across, along) if is_downward else (along, across)
        return Spot(x + MARGIN_PX, y + MARGIN_PX)

    curves = []
    for place, (edge, link, chain) in enumerate(zip(edges, links, drawing.chains, strict=True)):
        start = chain[0].begin + boxes[link.source].along if is_downward else chain[0].end
        stops = [(start, leaving[place])]
        for passed in chain[1:-1]:
            stops += [(passed.begin, passed.across), (passed.end, passed.across)]
        stops.append((chain[-1].begin, coming[place]))
        share = math.sqrt((edge.count or 0) / most) if most else 0.0
        curves.append(
            Curve(
                edge=edge,
                points=_bezier(stops, spot),
                label=spot((chain[1].begin + chain[1].end) / 2, chain[1].across),
                label_width=sum(_label_extent(edge)) + 12,
                pen=THINNEST_PX + (THICKEST_PX - THINNEST_PX) * share,
            )
        )
    return tuple(curves)


def _bezier(stops: Sequence[tuple[float, float]], spot: Callable[[float, float], Spot]) -> tuple[Spot, ...]:
    """A smooth line through (along, across) stops that leaves each in the direction of the ranks."""
    points = [spot(*stops[0])]
    for (begin, start), (end, goal) in pairwise(stops):
        middle = (begin + end) / 2
        points += [spot(middle, start), spot(middle, goal), spot(end, goal)]
    return tuple(points)


def _ports(
    keys: Sequence[Hashable], sides: Sequence[float], drawing: Drawing, boxes: dict[Hashable, Box]
) -> list[float]:
    """Where each edge meets the side of its box, across: in the order of the places that they come from."""
    ports = [0.0] * len(keys)
    for key in dict.fromkeys(keys):
        edges = sorted((i for i, other in enumerate(keys) if other == key), key=lambda i: sides[i])
        step = min(PORT_PX, boxes[key].across * 0.7 / len(edges))
        for place, edge in enumerate(edges):
            ports[edge] = drawing.boxes[key].across + (place - (len(edges) - 1) / 2) * step
    return ports
