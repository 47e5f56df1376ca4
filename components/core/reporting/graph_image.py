"""A planned graph as a PNG file."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

from components.core.reporting import palette
from components.core.reporting.drawing import POINTS_A_PX, calm_style, png_of, sheet_of, write
from components.core.reporting.graph_plan import LINE_PX, SINK_PX, TEXT_PX, TITLE_PX, Curve, GraphPlan, Node

FILLS = {"source": "#e8f0f8", "sink": "#e5f4ee", "choice": "#fdf5e3", "plain": "#f5f7f9"}
STROKES = {"source": "#8fb2d3", "sink": "#84c3a9", "choice": "#dfc078", "plain": "#b9c4ce"}
EDGE = "#8494a5"
FAINT_EDGE = "#ccd3da"
FONT_SHARE = 0.9
"""DejaVu Sans is wider than the fonts of a browser."""


def graph_png(plan: GraphPlan) -> bytes:
    """Draw a planned graph.

    Returns:
        A PNG file.
    """
    with calm_style():
        figure, axes = sheet_of(plan.width, plan.height)
        for curve in plan.curves:
            _draw_curve(axes, curve, plan.is_downward)
        for node in plan.nodes:
            _draw_node(axes, node)
        return png_of(figure)


def _draw_curve(axes: Axes, curve: Curve, is_downward: bool) -> None:
    dropped = curve.edge.target is None
    color = FAINT_EDGE if dropped or curve.edge.count == 0 else EDGE
    style = "--" if curve.edge.count == 0 else "-"
    path = Path([(p.x, p.y) for p in curve.points], [Path.MOVETO] + [Path.CURVE4] * (len(curve.points) - 1))
    axes.add_patch(PathPatch(path, fill=False, edgecolor=color, linewidth=curve.pen * POINTS_A_PX, linestyle=style))
    end = curve.points[-1]
    if dropped:
        radius = SINK_PX / 2
        centre = (end.x, end.y + radius) if is_downward else (end.x + radius, end.y)
        axes.add_patch(Circle(centre, radius, facecolor=palette.PAPER, edgecolor=FAINT_EDGE, linewidth=0.9))
    else:
        back = (end.x, end.y - 1) if is_downward else (end.x - 1, end.y)
        head = {"arrowstyle": "-|>,head_length=0.35,head_width=0.17", "color": EDGE, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (end.x, end.y), back, arrowprops=head)
    _draw_label(axes, curve, is_downward, palette.FAINT if dropped else palette.MUTED)


def _draw_label(axes: Axes, curve: Curve, is_downward: bool, color: str) -> None:
    strong = palette.FAINT if curve.edge.target is None else palette.INK
    x, y = curve.label.x, curve.label.y
    small, large = TEXT_PX * FONT_SHARE, TITLE_PX * FONT_SHARE
    if not is_downward:
        write(axes, x, y - 5, curve.name, small, color=color, ha="center")
        write(axes, x, y + 14, curve.count, large, color=strong, ha="center", weight="bold")
        return
    half = curve.label_width / 2
    axes.add_patch(Rectangle((x - half, y - 9), 2 * half, 18, facecolor=palette.PAPER, edgecolor="none"))
    write(axes, x - half + 6, y + 4.5, curve.name, small, color=color)
    write(axes, x + half - 6, y + 4.5, curve.count, large, color=strong, ha="right", weight="bold")


def _draw_node(axes: Axes, node: Node) -> None:
    box = FancyBboxPatch(
        (node.left + 6, node.top + 6),
        node.width - 12,
        node.height - 12,
        boxstyle="round,pad=6,rounding_size=6",
        facecolor=FILLS[node.kind],
        edgecolor=STROKES[node.kind],
        linewidth=POINTS_A_PX,
    )
    axes.add_patch(box)
    middle = node.left + node.width / 2
    write(axes, middle, node.top + 19, node.title, TITLE_PX * FONT_SHARE, ha="center", weight="bold")
    for place, line in enumerate(node.lines, start=1):
        write(axes, middle, node.top + 19 + LINE_PX * place, line, TEXT_PX * FONT_SHARE, ha="center", color="#4a5764")
