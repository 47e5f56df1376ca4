"""Tables of a page: numbers to the right, text to the left, and no more rows than one reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from components.core.reporting.page import render
from components.core.reporting.text import thousands

MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: Heading, with the unit.
        is_text: Whether it is set to the left and wrapped, else to the right in one line.
        is_code: Whether it is set in a font for paths and digests.
    """

    title: str
    is_text: bool = False
    is_code: bool = False

    @property
    def classes(self) -> str:
        """CSS classes of its cells."""
        return " ".join(name for name, has in (("text", self.is_text), ("mono", self.is_code)) if has)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of two lines.

    Attributes:
        text: The first.
        note: The second, set small.
    """

    text: str
    note: str = ""


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str | Cell]],
    *,
    most: int = MOST_ROWS,
    noun: str = "rows",
    style: str = "",
    total: Sequence[str | Cell] | None = None,
) -> Markup:
    """Set a table.

    Args:
        columns: Without any title, the table has no head.
        rows: A cell a column; the first of them are shown.
        most: How many are shown.
        noun: What rows are, for the note that some are not shown.
        style: CSS class of the table: "wide" and "missing" for long names in the first column, "narrow" for few
            numbers, "about" for names and values.
        total: A last row of all others together, set apart; None for none.
    """
    shown = rows[:most] if total is None else [*rows[:most], total]
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in shown]
    note = f"The first {thousands(most)} of {thousands(len(rows))} {noun}." if len(rows) > most else ""
    has_head = any(column.title for column in columns)
    has_total = total is not None
    return render(
        "table.html.j2",
        columns=columns,
        rows=cells,
        note=note,
        style=style,
        has_head=has_head,
        has_total=has_total,
        zip=zip,
    )
