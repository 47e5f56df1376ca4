"""How well each town came out: one row a town, and one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from components.core.errors import DataError
from components.core.reporting import palette
from components.core.reporting.drawing import calm_style, png_of, sheet_of, write
from components.core.reporting.page import Fact, Picture, render
from components.core.reporting.text import share_text, shortened, thousands

ROW_PX = 30.0
NAME_PX, COLUMN_PX = 150.0, 100.0
MARGIN_PX = 20.0
BAR_PX = 40.0


@dataclass(frozen=True, slots=True)
class TownScores:
    """Measures of one town; None where there was nothing to measure.

    Attributes:
        town: Its name.
        images: Number of images.
        iou: Building IoU, pooled over the pixels of all images, 0–1.
        accuracy: Share of pixels classed rightly, 0–1.
        boundary: Boundary measure, 0–1.
        precision: Share of predicted objects that match a true one (IoU ≥ 0.5), 0–1.
        recall: Share of true objects that match a predicted one, 0–1.
        f1: Harmonic mean of precision and recall, 0–1.
    """

    town: str
    images: int
    iou: float | None
    accuracy: float | None
    boundary: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None

    @classmethod
    def of_json(cls, group: Mapping[str, Any]) -> TownScores:
        """From a group of an evaluation's `metrics.json`.

        Raises:
            KeyError: If a measure is missing.
        """
        pixels, objects = group["pixels"], group["objects"]
        return cls(
            town=str(group["name"]),
            images=int(group["images"]),
            iou=pixels["iou"],
            accuracy=pixels["accuracy"],
            boundary=group["boundary"]["iou"],
            precision=objects["precision"],
            recall=objects["recall"],
            f1=objects["f1"],
        )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: the field it shows, its heading, and whether it has a bar."""

    key: str
    title: str
    has_bar: bool = False


COLUMNS = (
    Column("iou", "IoU", has_bar=True),
    Column("accuracy", "accuracy"),
    Column("boundary", "boundary"),
    Column("precision", "object precision"),
    Column("recall", "object recall"),
    Column("f1", "object F1", has_bar=True),
)


def town_table(
    towns: Sequence[TownScores], overall: TownScores, iou_threshold: float = 0.5, boundary_px: int | None = None
) -> Picture:
    """Show the measures of every town and of all together.

    Args:
        towns: One row each, in the order shown.
        overall: The last row.
        iou_threshold: From which IoU on an object counts as found.
        boundary_px: How far from an outline the boundary measure looks, in pixels; None where that is not known.
    """
    facts = (
        Fact("IoU", share_text(overall.iou), "pooled over all images"),
        Fact("accuracy", share_text(overall.accuracy), "share of pixels"),
        Fact("object F1", share_text(overall.f1), f"at IoU {iou_threshold:g}"),
        Fact("images", thousands(overall.images)),
    )
    lead = (
        "Building IoU and pixel accuracy are pooled over the pixels of all images of a town; "
        f"an object counts as found where it matches a true one with IoU of at least {iou_threshold:g}."
    )
    if boundary_px is not None:
        lead += f" The boundary measure is the IoU of the pixels within {boundary_px} px of an outline."
    columns = [column for column in COLUMNS if any(getattr(row, column.key) is not None for row in (*towns, overall))]
    body = render("towns.html.j2", towns=towns, overall=overall, columns=columns)
    return Picture("Results by town", lead, facts, body, partial(_png, tuple(towns), overall, tuple(columns)))


def evaluation_table(metrics: Mapping[str, Any], place: str = "metrics.json") -> Picture:
    """Show what an evaluation wrote.

    Args:
        metrics: Content of its `metrics.json`.
        place: The file, for messages.

    Raises:
        DataError: If a measure is missing.
    """
    try:
        towns = [TownScores.of_json(group) for group in metrics["groups"]]
        overall = replace(TownScores.of_json(metrics["overall"]), town="all together")
        return town_table(towns, overall, float(metrics["iou_threshold"]), int(metrics["boundary_px"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{place}: holds no evaluation ({error!r}); evaluate again with this release") from error


def _png(towns: Sequence[TownScores], overall: TownScores, columns: Sequence[Column]) -> bytes:
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
