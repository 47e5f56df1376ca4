"""Training curves: loss, overlap measures, accuracy and learning rate over the optimiser's steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from components.core.reporting import palette
from components.core.reporting.page import Fact, Section, render
from components.core.reporting.text import share_text, thousands
from components.train_unet.history import Row

WIDTH_PX, HEIGHT_PX = 560.0, 250.0
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 52.0, 545.0, 12.0, 224.0
"""Of the plane in which curves are drawn."""

TICKS = 6
MOST_BORDERS, MOST_DOTS = 60, 30
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
class Chart:
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
    Chart("Loss", ((TRAINING, "loss"), (VALIDATION, "loss"))),
    Chart("IoU and Dice", ((TRAINING, "iou"), (VALIDATION, "iou"), (VALIDATION, "dice")), is_share=True),
    Chart("Pixel accuracy", ((TRAINING, "accuracy"), (VALIDATION, "accuracy")), is_share=True),
    Chart("Learning rate", ((TRAINING, "lr"),), is_logarithmic=True),
)


@dataclass(frozen=True, slots=True)
class ChartAxis:
    """From values to pixels: `low` lies at `begin_px`, `high` at `end_px`."""

    low: float
    high: float
    begin_px: float
    end_px: float
    ticks: tuple[float, ...]
    is_logarithmic: bool = False

    def at(self, value: float) -> float:
        """Where a value lies, in px."""
        low, high = self.low, self.high
        if self.is_logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.begin_px + (value - low) / (high - low) * (self.end_px - self.begin_px)


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A drawn curve: its points (x, y) in px, and the ring at the best checkpoint, if it has one."""

    label: str
    color: str
    width: float
    points: tuple[tuple[float, float], ...]
    ring: tuple[float, float] | None

    @property
    def has_dots(self) -> bool:
        """Whether each point is marked."""
        return len(self.points) <= MOST_DOTS


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
    charts = [chart for chart in CHARTS if any(_points(rows, *curve) for curve in chart.curves)]
    body = (
        render("charts.html.j2", __package__, charts=[_drawn(chart, rows, best) for chart in charts])
        if charts
        else render("empty.html.j2", text="Nothing was measured.")
    )
    return Section("Training", lead, tuple(facts), body)


def _points(rows: Sequence[Row], phase: str, measure: str) -> list[tuple[float, float]]:
    points = ((float(row.step), float(getattr(row, measure))) for row in rows if row.phase == phase)
    return [(step, value) for step, value in points if math.isfinite(value)]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if len(points) <= DRAWN_POINTS:
        return points
    stretches = np.array_split(np.array(points, np.float64), DRAWN_POINTS)
    return [(float(part[:, 0].mean()), float(part[:, 1].mean())) for part in stretches]


def _drawn(chart: Chart, rows: Sequence[Row], best: Row | None) -> Markup:
    """A chart with its title and legend."""
    curves = {curve: points for curve in chart.curves if (points := _thinned(_points(rows, *curve)))}
    values = [value for points in curves.values() for _, value in points]
    last = max(row.step for row in rows)
    steps = ChartAxis(0.0, last * 1.02 or 1.0, LEFT_PX, RIGHT_PX, _ticks(0.0, last or 1.0, is_whole=True))
    measures = _measure_axis(chart, values)
    lines = []
    for (phase, measure), points in curves.items():
        at_best = getattr(best, measure) if phase == VALIDATION and best is not None else math.nan
        ring = (steps.at(best.step), measures.at(at_best)) if best is not None and math.isfinite(at_best) else None
        places = tuple((steps.at(step), measures.at(value)) for step, value in points)
        lines.append(ChartLine(*STYLES[phase, measure], places, ring))
    return render(
        "chart.html.j2",
        __package__,
        title=chart.title,
        lines=lines,
        steps=steps,
        measures=measures,
        borders=_epoch_borders(rows),
        width=WIDTH_PX,
        height=HEIGHT_PX,
    )


def _measure_axis(chart: Chart, values: Sequence[float]) -> ChartAxis:
    least, most = min(values), max(values)
    if chart.is_logarithmic and least > 0:
        first, last = math.floor(math.log10(least)), math.ceil(math.log10(most))
        decades = tuple(10.0**power for power in range(first, last + 1))
        return ChartAxis(10 ** (first - 0.15), 10 ** (last + 0.15), BOTTOM_PX, TOP_PX, decades, is_logarithmic=True)
    if chart.is_share:
        low, high = max(0.0, least - 0.05 * (most - least)), 1.0
    else:
        low, high = min(0.0, least), 1.05 * most if most > 0 else 1.0
    low = low if low < high else 0.0
    return ChartAxis(low, high, BOTTOM_PX, TOP_PX, _ticks(low, high))


def _ticks(low: float, high: float, is_whole: bool = False) -> tuple[float, ...]:
    """Round numbers in [low, high], `TICKS` of them at most."""
    power = 10.0 ** math.floor(math.log10((high - low) / TICKS))
    sizes = (size for size in (power, 2 * power, 2.5 * power, 5 * power, 10 * power) if (high - low) / size < TICKS)
    step = next(size for size in sizes if not is_whole or size == round(size))
    return tuple(step * count for count in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1))


def _epoch_borders(rows: Sequence[Row]) -> list[int]:
    """Steps at which an epoch was full; none where the lines would fill the chart."""
    borders = sorted({row.step for row in rows if row.epoch > 0 and row.epoch == round(row.epoch)})
    return borders if len(borders) <= MOST_BORDERS else []
