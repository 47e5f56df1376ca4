"""How well each town came out: one row a town, and one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.core.errors import DataError
from components.core.reporting.page import Fact, Section, render
from components.core.reporting.text import share_text, thousands


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
class ScoreColumn:
    """A column of the table: the field of `TownScores` it shows, its heading, and whether it has a bar."""

    key: str
    title: str
    has_bar: bool = False


COLUMNS = (
    ScoreColumn("iou", "IoU", has_bar=True),
    ScoreColumn("accuracy", "accuracy"),
    ScoreColumn("boundary", "boundary"),
    ScoreColumn("precision", "object precision"),
    ScoreColumn("recall", "object recall"),
    ScoreColumn("f1", "object F1", has_bar=True),
)


def town_table(
    towns: Sequence[TownScores], overall: TownScores, iou_threshold: float = 0.5, boundary_px: int | None = None
) -> Section:
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
    body = render("town_table.html.j2", __package__, towns=towns, overall=overall, columns=columns)
    return Section("Results by town", lead, facts, body)


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
        return town_table(towns, overall, float(metrics["iou_threshold"]), int(metrics["boundary_px"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{place}: holds no evaluation ({error!r}); evaluate again with this release") from error
