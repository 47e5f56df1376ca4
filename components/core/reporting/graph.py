"""A query as a graph: its layers, and how many items went along each edge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from markupsafe import Markup

from components.core.reporting.graph_plan import (
    KINDS,
    LINE_PX,
    SINK_PX,
    TEXT_PX,
    TITLE_PX,
    GraphEdge,
    GraphLayer,
    GraphPlan,
    plan_graph,
)
from components.core.reporting.page import Fact, Picture, render
from components.core.reporting.text import thousands


def query_graph(layers: Sequence[GraphLayer], edges: Sequence[GraphEdge]) -> str:
    """Draw a query as an SVG.

    Args:
        layers: In the query's order.
        edges: Streams between them; those without a target are drawn faintly.

    Returns:
        An SVG document; it stands alone, and inside a page.

    Raises:
        ConfigError: If the edges form a loop.
    """
    return _svg(plan_graph(layers, edges))


def graph_picture(layers: Sequence[GraphLayer], edges: Sequence[GraphEdge], title: str = "Query") -> Picture:
    """Draw a query as a picture for a report.

    Args:
        layers: In the query's order.
        edges: Streams between them.
        title: Heading.

    Raises:
        ConfigError: If the edges form a loop.
    """
    plan = plan_graph(layers, edges)
    kinds = {layer.id: layer.action for layer in layers}
    counted = all(edge.count is not None for edge in edges)
    into = [edge for edge in edges if edge.target is not None and KINDS.get(kinds[edge.target]) == "sink"]
    facts = [Fact("layers", str(len(layers)))]
    if edges and counted:
        firsts = {(e.source, e.name): e.count or 0 for e in edges if kinds[e.source] == "data"}
        facts.append(Fact("items read", thousands(sum(firsts.values()))))
        facts.append(Fact("items saved", thousands(sum(edge.count or 0 for edge in into))))
    lead = "Each box is a layer of the query; the number on an edge is how many items went along it."
    body = (
        render("graph.html.j2", svg=_svg(plan), width=round(plan.width))
        if layers
        else render("empty.html.j2", text="No layers.")
    )
    return Picture(title, lead, tuple(facts), body, partial(_png, plan))


def _svg(plan: GraphPlan) -> Markup:
    return render("graph.svg.j2", plan=plan, title_px=TITLE_PX, text_px=TEXT_PX, line_px=LINE_PX, sink_px=SINK_PX)


def _png(plan: GraphPlan) -> bytes:
    from components.core.reporting.graph_image import graph_png  # matplotlib, which pages do without

    return graph_png(plan)
