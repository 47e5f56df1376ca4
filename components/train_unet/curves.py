"""Training curves: loss, overlap measures, accuracy and learning rate over the optimiser's steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from components.core.reporting import palette
from components.core.reporting.charts import ChartAxis, ChartLine, chart, charts, round_ticks
from components.core.reporting.page import Fact, Section, render
from components.core.reporting.text import share_text, thousands
from components.train_unet.history import Row

MOST_BORDERS = 60
DRAWN_POINTS = 300
"""A longer curve is drawn as the means of as many stretches."""

VALIDATION, TRAINING = "val", "train"
STYLES = {
    (TRAINING, "loss"): ("training", palette.ACCENT_PALE, 1.4),
    (VALIDATION, "loss"): ("validation", palette.ACCENT, 2.2),
    (VALIDATION, "iou"): ("IoU, validation", palette.ACCENT, 2.2),
    (TRAINING, "iou"): ("IoU, training", palette.ACCENT_PALE, 1.4),
    (VALIDATION, "dice"): ("Dice, validation", palette.BOTH, 2.2),
    (TRAINING, "accuracy"): ("training", palette.ACCENT_PALE, 1.4),
    (VALIDATION, "accuracy"): ("validation", palette.ACCENT, 2.2),
    (TRAINING, "lr"): ("learning rate", palette.MUTED, 1.8),
}
"""Label, colour and width in pixels of every curve."""


@dataclass(frozen=True, slots=True)
class TrainingChart:
    """One of the charts.

    Attributes:
        title: Heading.
        curves: (phase, measure) of each curve.
        is_share: Whether values lie in 0–1.
        is_logarithmic: Whether the axis is.
    """

    title: str
    curves: tuple[tuple[str, str], ...]
    is_share: bool = False
    is_logarithmic: bool = False


CHARTS = (
    TrainingChart("Loss", ((TRAINING, "loss"), (VALIDATION, "loss"))),
    TrainingChart("IoU and Dice", ((TRAINING, "iou"), (VALIDATION, "iou"), (VALIDATION, "dice")), is_share=True),
    TrainingChart("Pixel accuracy", ((TRAINING, "accuracy"), (VALIDATION, "accuracy")), is_share=True),
    TrainingChart("Learning rate", ((TRAINING, "lr"),), is_logarithmic=True),
)


def training_curves(rows: Sequence[Row], best: Row | None) -> Section:
    """Draw how a training went.

    Args:
        rows: What was measured, in order.
        best: The validation of the best checkpoint; None where there is none.
    """
    facts = [Fact("steps", thousands(max((row.step for row in rows), default=0)))]
    if best is not None:
        facts += [
            Fact("best validation loss", f"{best.loss:.4f}", f"epoch {best.epoch:g}, step {thousands(best.step)}"),
            Fact("IoU there", share_text(best.iou)),
            Fact("accuracy there", share_text(best.accuracy)),
        ]
    lead = (
        "Over optimiser steps, with a faint line at the end of every epoch; "
        "the ring marks the best checkpoint, chosen by validation loss."
    )
    drawn = [_drawn(shown, rows, best) for shown in CHARTS if any(_points(rows, *curve) for curve in shown.curves)]
    body = charts(drawn) if drawn else render("empty.html.j2", text="Nothing was measured.")
    return Section("Training", lead, tuple(facts), body)


def _points(rows: Sequence[Row], phase: str, measure: str) -> list[tuple[float, float]]:
    points = ((float(row.step), float(getattr(row, measure))) for row in rows if row.phase == phase)
    return [(step, value) for step, value in points if math.isfinite(value)]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= DRAWN_POINTS:
        return points
    stretches = np.array_split(np.array(points, np.float64), DRAWN_POINTS)
    return [(float(part[:, 0].mean()), float(part[:, 1].mean())) for part in stretches]


def _drawn(shown: TrainingChart, rows: Sequence[Row], best: Row | None) -> Markup:
    """A chart with its title and legend."""
    curves = {curve: points for curve in shown.curves if (points := _thinned(_points(rows, *curve)))}
    values = [value for points in curves.values() for _, value in points]
    last = max(row.step for row in rows)
    steps = ChartAxis.across(0.0, last * 1.02 or 1.0, round_ticks(0.0, last or 1.0, is_whole=True), is_whole=True)
    measures = _measure_axis(shown, values)
    lines = []
    for (phase, measure), points in curves.items():
        at_best = getattr(best, measure) if phase == VALIDATION and best is not None else math.nan
        ring = (steps.at(best.step), measures.at(at_best)) if best is not None and math.isfinite(at_best) else None
        places = tuple((steps.at(step), measures.at(value)) for step, value in points)
        lines.append(ChartLine(*STYLES[phase, measure], places, ring))
    return chart(shown.title, lines, steps, measures, _epoch_borders(rows))


def _measure_axis(shown: TrainingChart, values: Sequence[float]) -> ChartAxis:
    least, most = min(values), max(values)
    if shown.is_logarithmic and least > 0:
        first, last = math.floor(math.log10(least)), math.ceil(math.log10(most))
        decades = [10.0**power for power in range(first, last + 1)]
        return ChartAxis.upward(10 ** (first - 0.15), 10 ** (last + 0.15), decades, is_logarithmic=True)
    if shown.is_share:
        low, high = max(0.0, least - 0.05 * (most - least)), 1.0
    else:
        low, high = min(0.0, least), 1.05 * most if most > 0 else 1.0
    return ChartAxis.upward(low if low < high else 0.0, high)


def _epoch_borders(rows: Sequence[Row]) -> list[int]:
    """Steps at which an epoch was full; none where the lines would fill the chart."""
    borders = sorted({row.step for row in rows if row.epoch > 0 and row.epoch == round(row.epoch)})
    return borders if len(borders) <= MOST_BORDERS else []
