"""The table of towns as a PNG file."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from components.core.reporting import palette
from components.core.reporting.drawing import calm_style, png_of, sheet_of, write
from components.core.reporting.text import share_text, shortened, thousands
from components.core.reporting.towns import Column, TownScores

ROW_PX = 30.0
NAME_PX, COLUMN_PX = 150.0, 100.0
MARGIN_PX = 20.0
BAR_PX = 40.0


def towns_png(towns: Sequence[TownScores], overall: TownScores, columns: Sequence[Column]) -> bytes:
    """Draw the table of towns.

    Args:
        towns: One row each, in the order shown.
        overall: The last row.
        columns: What is shown of each.

    Returns:
        A PNG file.
    """
    width = 2 * MARGIN_PX + NAME_PX + COLUMN_PX * (1 + len(columns))
    with calm_style():
        figure, axes = sheet_of(width, 64 + ROW_PX * (len(towns) + 2))
        write(axes, MARGIN_PX, 32, "Results by town", 17, weight="bold")
        headings = ["images", *(column.title for column in columns)]
        for place, heading in enumerate(headings, start=1):
            right = MARGIN_PX + NAME_PX + COLUMN_PX * place
            write(axes, right, 70, heading.replace("object ", "object\n"), 10, color=palette.MUTED, ha="right")
        _draw_line(axes, 78, width, palette.FAINT)
        for place, row in enumerate((*towns, overall)):
            is_last = place == len(towns)
            base = 78 + ROW_PX * place
            _draw_line(axes, base + ROW_PX, width, palette.FAINT if place == len(towns) - 1 else palette.LINE)
            _draw_row(axes, row, base + 20, columns, "bold" if is_last else "normal")
        return png_of(figure)


def _draw_line(axes: Axes, y: float, width: float, color: str) -> None:
    axes.plot((MARGIN_PX, width - MARGIN_PX), (y, y), color=color, linewidth=0.7)


def _draw_row(axes: Axes, row: TownScores, base: float, columns: Sequence[Column], weight: str) -> None:
    write(axes, MARGIN_PX, base, shortened(row.town, 22), 12, weight=weight)
    right = MARGIN_PX + NAME_PX + COLUMN_PX
    write(axes, right, base, thousands(row.images), 12, ha="right", weight=weight)
    for column in columns:
        right += COLUMN_PX
        value = getattr(row, column.key)
        write(axes, right, base, share_text(value), 12, ha="right", weight=weight)
        if column.has_bar and value is not None:
            left = right - 46 - BAR_PX
            axes.add_patch(Rectangle((left, base - 8), BAR_PX, 7, facecolor="#eef1f4", edgecolor="none"))
            axes.add_patch(Rectangle((left, base - 8), BAR_PX * value, 7, facecolor=palette.ACCENT, edgecolor="none"))
