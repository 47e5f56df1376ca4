"""Training curves: loss, overlap measures, accuracy and learning rate over the optimiser's steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from components.core.errors import DataError
from components.core.reporting import palette
from components.core.reporting.drawing import POINTS_A_PX, calm_style, figure_of, png_of, svg_of
from components.core.reporting.page import Fact, Picture, render
from components.core.reporting.text import share_text, thousands

CHART_WIDTH_PX, CHART_HEIGHT_PX = 560.0, 300.0
MOST_BORDERS = 60
DRAWN_POINTS = 300
"""A longer curve is drawn as the means of as many stretches."""

VALIDATION, TRAINING = "val", "train"
STYLES = {
    (TRAINING, "loss"): ("training", "#8fa3b5", 1.4),
    (VALIDATION, "loss"): ("validation", palette.ACCENT, 2.2),
    (VALIDATION, "iou"): ("IoU, validation", palette.ACCENT, 2.2),
    (TRAINING, "iou"): ("IoU, training", "#8fa3b5", 1.4),
    (VALIDATION, "dice"): ("Dice, validation", palette.BOTH, 2.2),
    (TRAINING, "accuracy"): ("training", "#8fa3b5", 1.4),
    (VALIDATION, "accuracy"): ("validation", palette.ACCENT, 2.2),
    (TRAINING, "lr"): ("learning rate", palette.MUTED, 1.8),
}
"""Label, colour and width in pixels of every curve."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """What was measured at one moment of a training.

    Attributes:
        step: Optimiser steps done.
        epoch: The same in epochs.
        phase: "train" or "val".
        loss: As it is minimised.
        accuracy: Share of pixels, 0–1.
        dice: 0–1.
        iou: 0–1.
        lr: Learning rate.
    """

    step: int
    epoch: float
    phase: str
    loss: float | None = None
    accuracy: float | None = None
    dice: float | None = None
    iou: float | None = None
    lr: float | None = None

    @classmethod
    def of_json(cls, row: Mapping[str, Any], place: str) -> HistoryRow:
        """From one row of a training's history; further keys are passed over.

        Raises:
            DataError: If `step`, `epoch` or `phase` is missing or a measure is no number; `place` names the row.
        """
        try:
            measures = {key: None if row.get(key) is None else float(row[key]) for key in MEASURES}
            return cls(int(row["step"]), float(row["epoch"]), str(row["phase"]), **measures)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{place}: {dict(row)!r} is no row of step, epoch, phase and measures ({error})") from error


MEASURES = ("loss", "accuracy", "dice", "iou", "lr")


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


def training_curves(history: Sequence[HistoryRow]) -> Picture:
    """Draw how a training went.

    Args:
        history: What was measured, in order; the best checkpoint is the validation with the lowest loss.
    """
    best = best_validation(history)
    facts = [Fact("steps", thousands(max((row.step for row in history), default=0)))]
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
    charts = _charts(history)
    body = (
        render("charts.html.j2", charts=[_chart_svg(chart, history, best) for chart in charts])
        if charts
        else render("empty.html.j2", text="Nothing was measured.")
    )
    return Picture("Training", lead, tuple(facts), body, partial(_png, tuple(history), best))


def best_validation(history: Sequence[HistoryRow]) -> HistoryRow | None:
    """The validation with the lowest loss, the first of equals; None where there is none."""
    measured = [row for row in history if row.phase == VALIDATION and _is_number(row.loss)]
    return min(measured, key=lambda row: row.loss or 0.0, default=None)


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _charts(history: Sequence[HistoryRow]) -> list[Chart]:
    return [chart for chart in CHARTS if any(_points(history, *curve) for curve in chart.curves)]


def _points(history: Sequence[HistoryRow], phase: str, measure: str) -> list[tuple[int, float]]:
    return [
        (row.step, getattr(row, measure)) for row in history if row.phase == phase and _is_number(getattr(row, measure))
    ]


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    if len(points) <= DRAWN_POINTS:
        return [(float(step), value) for step, value in points]
    stretches = np.array_split(np.array(points, np.float64), DRAWN_POINTS)
    return [(float(part[:, 0].mean()), float(part[:, 1].mean())) for part in stretches]


def _chart_svg(chart: Chart, history: Sequence[HistoryRow], best: HistoryRow | None) -> Markup:
    with calm_style():
        figure = figure_of(CHART_WIDTH_PX, CHART_HEIGHT_PX)
        axes = figure.add_axes((0.1, 0.14, 0.87, 0.7))
        _draw(axes, chart, history, best)
        return svg_of(figure)


def _png(history: Sequence[HistoryRow], best: HistoryRow | None) -> bytes:
    charts = _charts(history)
    rows = max(1, math.ceil(len(charts) / 2))
    with calm_style():
        figure = figure_of(2 * CHART_WIDTH_PX, rows * CHART_HEIGHT_PX + 20)
        for place, chart in enumerate(charts):
            left, bottom = 0.5 * (place % 2), 1 - (place // 2 + 1) / rows
            axes = figure.add_axes((left + 0.05, bottom + 0.14 / rows, 0.43, 0.7 / rows))
            _draw(axes, chart, history, best)
        return png_of(figure)


def _draw(axes: Axes, chart: Chart, history: Sequence[HistoryRow], best: HistoryRow | None) -> None:
    for phase, measure in chart.curves:
        points = _thinned(_points(history, phase, measure))
        if not points:
            continue
        label, color, width = STYLES[phase, measure]
        marker = "o" if len(points) <= 30 else ""
        steps, values = zip(*points, strict=True)
        axes.plot(steps, values, label=label, color=color, linewidth=width * POINTS_A_PX, marker=marker, markersize=2.4)
        if best is not None and phase == VALIDATION and _is_number(getattr(best, measure)):
            ring: dict[str, Any] = {
                "marker": "o",
                "markersize": 7,
                "markerfacecolor": palette.PAPER,
                "markeredgewidth": 1.6,
            }
            axes.plot(best.step, getattr(best, measure), color=color, linestyle="none", zorder=5, **ring)
    _draw_frame(axes, chart, history)


def _draw_frame(axes: Axes, chart: Chart, history: Sequence[HistoryRow]) -> None:
    """Title, legend, ticks, and the borders of epochs as faint lines."""
    axes.set_title(chart.title, loc="left", fontsize=13 * POINTS_A_PX, fontweight="bold", pad=22)
    legend = axes.legend(
        loc="lower left", bbox_to_anchor=(-0.012, 1.0), ncols=4, frameon=False, fontsize=11 * POINTS_A_PX,
        handlelength=1.2, columnspacing=1.4, borderaxespad=0.1,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_color(palette.MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#edf0f3", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=11 * POINTS_A_PX)
    last = max(row.step for row in history)
    axes.set_xlim(0, last * 1.02 or 1)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: thousands(round(step))))
    rates = [value for curve in chart.curves for _, value in _points(history, *curve)]
    if chart.is_logarithmic and min(rates) > 0:
        _draw_decades(axes, min(rates), max(rates))
    elif chart.is_share:
        low, _ = axes.get_ylim()
        axes.set_ylim(max(0.0, low), 1.0)
    else:
        axes.set_ylim(0, None)
    for border in _epoch_borders(history):
        axes.axvline(border, color="#edf0f3", linewidth=0.8, zorder=0)


def _draw_decades(axes: Axes, least: float, most: float) -> None:
    """A logarithmic axis from the power of ten below the least value to that above the largest."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.set_ylim(10 ** (math.floor(math.log10(least)) - 0.15), 10 ** (math.ceil(math.log10(most)) + 0.15))


def _epoch_borders(history: Sequence[HistoryRow]) -> list[int]:
    """Steps at which an epoch was full; none where the lines would fill the chart."""
    borders = sorted({row.step for row in history if row.epoch > 0 and row.epoch == round(row.epoch)})
    return borders if len(borders) <= MOST_BORDERS else []
