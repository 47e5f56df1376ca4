"""Drawing with matplotlib, without a display: PNG files, and SVG for pages."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from components.core.reporting import palette

DPI = 144
POINTS_A_PX = 0.72
"""Font sizes and line widths are given in pixels of a 100-dpi figure."""

_SETTINGS: Any = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": palette.INK,
    "text.parse_math": False,
    "axes.edgecolor": palette.FAINT,
    "axes.labelcolor": palette.MUTED,
    "axes.linewidth": 0.8,
    "xtick.color": palette.MUTED,
    "ytick.color": palette.MUTED,
    "svg.fonttype": "none",
    "svg.hashsalt": "footprints",
}


@contextmanager
def calm_style() -> Iterator[None]:
    """The look that every drawing shares; characters that the font lacks are drawn as boxes, without a warning."""
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def figure_of(width_px: float, height_px: float) -> Figure:
    """An empty figure of a size in pixels at 100 dpi."""
    figure = Figure(figsize=(width_px / 100, height_px / 100), facecolor=palette.PAPER)
    FigureCanvasAgg(figure)
    return figure


def sheet_of(width_px: float, height_px: float) -> tuple[Figure, Axes]:
    """A figure with one plane whose units are pixels, from the top left, row downward."""
    figure = figure_of(width_px, height_px)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width_px)
    axes.set_ylim(height_px, 0)
    axes.axis("off")
    return figure, axes


def write(axes: Axes, x: float, y: float, text: str, size_px: float = 11, **style: Any) -> Text:
    """Write user's text on a sheet, baseline at (x, y) in pixels; a dollar sign is a dollar sign."""
    style.setdefault("color", palette.INK)
    return axes.text(x, y, text, fontsize=size_px * POINTS_A_PX, parse_math=False, **style)


def png_of(figure: Figure) -> bytes:
    """A drawing as a PNG file."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI, metadata={"Software": None})
    return data.getvalue()


def svg_of(figure: Figure) -> Markup:
    """A drawing as an `<svg>` element for a page; the same drawing gives the same text."""
    data = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(data, format="svg", metadata=nothing)
    text = data.getvalue()
    element = text[text.index("<svg") :]
    return Markup(re.sub(r' xmlns(:\w+)?="[^"]*"', "", element))  # noqa: S704
