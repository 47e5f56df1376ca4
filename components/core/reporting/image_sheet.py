"""Small pictures side by side, as one PNG file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from components.core.reporting import palette
from components.core.reporting.drawing import calm_style, png_of, sheet_of, write
from components.core.reporting.encode import Pixels
from components.core.reporting.text import shortened, text_width

CELL_PX = 200.0
GAP_PX = 14.0
MARGIN_PX = 20.0
TITLE_PX = 17.0
NAME_PX = 11.5
NOTE_PX = 9.5
HEAD_PX = 48.0
LEGEND_PX = 24.0
CAPTION_LINE_PX = 14.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the small pictures.

    Attributes:
        pixels: (h, w, 3) uint8 RGB; None where there is none.
        name: Set below it.
        notes: Further lines below it.
        problem: Shown in the place of a missing picture.
    """

    pixels: Pixels | None
    name: str
    notes: tuple[str, ...] = ()
    problem: str = ""


def image_sheet_png(
    title: str,
    cells: Sequence[Cell | None],
    columns: int,
    legend: Sequence[tuple[str, str]] = (),
    cell_px: float = CELL_PX,
) -> bytes:
    """Draw small pictures row by row.

    Args:
        title: Heading.
        cells: The pictures; None leaves a place empty.
        columns: How many a row.
        legend: Names and their "#rrggbb".
        cell_px: Side of the square that each picture is fitted into.

    Returns:
        A PNG file.
    """
    rows = max(1, math.ceil(len(cells) / columns))
    lines = 1 + max((len(cell.notes) for cell in cells if cell), default=0)
    row_px = cell_px + 6 + lines * CAPTION_LINE_PX + GAP_PX
    head = HEAD_PX + (LEGEND_PX if legend else 0)
    width = max(2 * MARGIN_PX + columns * (cell_px + GAP_PX) - GAP_PX, 420.0)
    with calm_style():
        figure, axes = sheet_of(width, head + rows * row_px + MARGIN_PX - GAP_PX)
        fitting = int((width - 2 * MARGIN_PX) / (0.62 * TITLE_PX))
        write(axes, MARGIN_PX, 32, shortened(title, fitting), TITLE_PX, weight="bold")
        _draw_legend(axes, legend, width)
        if not cells:
            write(axes, MARGIN_PX, head + 16, "There is nothing to show.", NAME_PX, color=palette.MUTED)
        for place, cell in enumerate(cells):
            if cell is None:
                continue
            left = MARGIN_PX + place % columns * (cell_px + GAP_PX)
            _draw_cell(axes, cell, left, head + place // columns * row_px, cell_px)
        axes.set_aspect("auto")
        axes.set_xlim(0, width)
        axes.set_ylim(head + rows * row_px + MARGIN_PX - GAP_PX, 0)
        return png_of(figure)


def _draw_legend(axes: Axes, legend: Sequence[tuple[str, str]], width: float) -> None:
    left = MARGIN_PX
    for name, color in legend:
        room = text_width(shortened(name, 40), NAME_PX) + 36
        if left + room > width:
            return
        axes.add_patch(Rectangle((left, HEAD_PX - 3), 11, 11, facecolor=color, edgecolor="none"))
        write(axes, left + 17, HEAD_PX + 7, shortened(name, 40), NAME_PX)
        left += room


def _draw_cell(axes: Axes, cell: Cell, left: float, top: float, side: float) -> None:
    if cell.pixels is None:
        axes.add_patch(Rectangle((left, top), side, side, facecolor="#eef1f4", edgecolor="none"))
        problem = shortened(cell.problem, int(side / (0.6 * NOTE_PX)))
        write(axes, left + side / 2, top + side / 2, problem, NOTE_PX, ha="center", color=palette.MUTED)
    else:
        height, width = cell.pixels.shape[:2]
        scale = side / max(height, width)
        box = (left, left + width * scale, top + height * scale, top)
        axes.imshow(cell.pixels, extent=box, interpolation="antialiased", zorder=1)
    base = top + side + 16
    write(axes, left, base, shortened(cell.name, int(side / (0.62 * NAME_PX))), NAME_PX, weight="bold")
    for line, note in enumerate(cell.notes, start=1):
        text = shortened(note, int(side / (0.58 * NOTE_PX)))
        write(axes, left, base + line * CAPTION_LINE_PX, text, NOTE_PX, color=palette.MUTED)
