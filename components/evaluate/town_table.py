"""How well each town came out: one row a town, and one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from components.core.errors import DataError
from components.core.reporting.page import Fact, Section, render
from components.core.reporting.text import share_text, thousands
from components.evaluate.counting import CountingRules


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
        polis_px: Mean PoLiS distance of matched polygons, in pixels.
        polis_m: The same in metres.
        complexity_iou: Their mean complexity-aware IoU, 0–1.
        n_ratio: Predicted vertices to true ones.
        max_tangent_angle_deg: Their mean max tangent angle, in degrees.
        ranges: Bootstrap intervals, by field.
    """

    town: str
    images: int
    iou: float | None
    accuracy: float | None
    boundary: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    polis_px: float | None = None
    polis_m: float | None = None
    complexity_iou: float | None = None
    n_ratio: float | None = None
    max_tangent_angle_deg: float | None = None
    ranges: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)

    @classmethod
    def of_json(cls, group: Mapping[str, Any]) -> TownScores:
        """From a group of an evaluation's `metrics.json`.

        Raises:
            KeyError: If a measure is missing.
        """
        pixels, objects, intervals = group["pixels"], group["objects"], group["intervals"]
        return cls(
            town=str(group["name"]),
            images=int(group["images"]),
            iou=pixels["iou"],
            accuracy=pixels["accuracy"],
            boundary=group["boundary"]["iou"],
            precision=objects["precision"],
            recall=objects["recall"],
            f1=objects["f1"],
            **{column.key: group["polygons"][column.key] for column in POLYGON_COLUMNS},
            ranges={field_name: intervals[name] for field_name, name in INTERVALS.items()},
        )


@dataclass(frozen=True, slots=True)
class ScoreColumn:
    """A column of a table.

    Attributes:
        key: The field of `TownScores` that it shows.
        title: Its heading.
        has_bar: Whether it has a bar.
        is_share: Whether it is a share, 0–1.
    """

    key: str
    title: str
    has_bar: bool = False
    is_share: bool = True

    def text(self, value: float | None) -> str:
        """What a cell says."""
        return share_text(value) if self.is_share or value is None else f"{value:.2f}"


COLUMNS = (
    ScoreColumn("iou", "IoU", has_bar=True),
    ScoreColumn("accuracy", "accuracy"),
    ScoreColumn("boundary", "boundary"),
    ScoreColumn("precision", "object precision"),
    ScoreColumn("recall", "object recall"),
    ScoreColumn("f1", "object F1", has_bar=True),
)

POLYGON_COLUMNS = (
    ScoreColumn("polis_px", "PoLiS, px", is_share=False),
    ScoreColumn("polis_m", "PoLiS, m", is_share=False),
    ScoreColumn("complexity_iou", "C-IoU"),
    ScoreColumn("n_ratio", "N ratio", is_share=False),
    ScoreColumn("max_tangent_angle_deg", "max tangent angle, °", is_share=False),
)

INTERVALS = {"iou": "iou", "accuracy": "accuracy", "boundary": "boundary_iou", "f1": "object_f1"}
"""Fields of `TownScores`, and what `metrics.json` calls their intervals."""


def town_table(
    towns: Sequence[TownScores], overall: TownScores, iou_threshold: float = 0.5, boundary: str | None = None
) -> Section:
    """Show the measures of every town and of all together.

    Args:
        towns: One row each, in the order shown.
        overall: The last row.
        iou_threshold: From which IoU on an object counts as found.
        boundary: How far from an outline the boundary measure looks, in words; None where that is not known.
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
    if boundary is not None:
        lead += f" The boundary measure is the IoU of the pixels within {boundary} of an outline."
    rows = (*towns, overall)
    if any(row.ranges.get(column.key) for row in rows for column in COLUMNS):
        lead += " Small figures are 95 % intervals over images (bootstrap)."
    tables = [table for table in (_shown(COLUMNS, rows), _shown(POLYGON_COLUMNS, rows)) if table]
    body = render("town_table.html.j2", __package__, towns=towns, overall=overall, tables=tables)
    return Section("Results by town", lead, facts, body)


def _shown(columns: Sequence[ScoreColumn], rows: Sequence[TownScores]) -> list[ScoreColumn]:
    """Columns that have a measure anywhere."""
    return [column for column in columns if any(getattr(row, column.key) is not None for row in rows)]


def evaluation_table(metrics: Mapping[str, Any], place: str = "metrics.json") -> Section:
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
        distance = CountingRules(boundary_px=int(metrics["boundary_px"]), boundary_m=float(metrics["boundary_m"]))
        return town_table(towns, overall, float(metrics["iou_threshold"]), distance.boundary_text())
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{place}: holds no evaluation ({error!r}); evaluate again with this release") from error
