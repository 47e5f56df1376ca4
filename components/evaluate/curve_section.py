"""Threshold and reliability curves as a section of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from components.core.reliability import BestThreshold
from components.core.reporting import palette
from components.core.reporting.charts import ChartAxis, ChartLine, ChartMark, chart, charts
from components.core.reporting.page import Fact, Section
from components.core.reporting.reliability import DrawnReliability, reliability_diagram
from components.core.reporting.tables import Column, table
from components.core.reporting.text import counted_noun, share_text, thousands
from components.evaluate.curves import RELIABILITY_BINS, THRESHOLDS, Curves, Scores
from components.evaluate.object_colors import OBJECT_COLORS
from components.evaluate.object_sweep import OBJECT_THRESHOLDS

TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

ACROSS, UPWARD = ChartAxis.across(0.0, 1.0, TICKS), ChartAxis.upward(0.0, 1.0, TICKS)

MOST_TOWNS = len(OBJECT_COLORS)
"""Of which curves are drawn beside each other; of more the table has the figures."""

WIDE, NARROW = 2.2, 1.6

LEAD = (
    "Of {images} with probabilities beside them: what other thresholds would give, by the pixels whose probability of "
    "the class is above each. Objects are their connected components, whatever split the predictions went through. "
    "Rings mark the best threshold of a curve; it is best on these very images, so choose it on others, such as a "
    "training's validation. Reliability is the share of pixels that are of the class, by the probability of that: the "
    "nearer to the line, the better a probability can be believed; larger discs hold more pixels."
)


def curve_section(overall: Curves, towns: Sequence[tuple[str, Curves]]) -> Section:
    """Draw the curves.

    Args:
        overall: Of all images.
        towns: Of each town, by name.
    """
    drawn = _measures(overall) + _precision_and_recall(overall)
    shown = [(name, color, of) for (name, of), color in zip(towns, OBJECT_COLORS, strict=False)]
    by_town = shown if 1 < len(towns) <= MOST_TOWNS else []
    if by_town:
        drawn += _by_town("IoU by town", by_town, overall, _iou) + _by_town("Object F1 by town", by_town, overall, _f1)
    drawn += _reliability("Reliability", [("all together", palette.ACCENT, overall)])
    drawn += _reliability("Reliability by town", by_town)
    lead = LEAD.format(images=counted_noun(overall.images, "image"))
    return Section("Thresholds and probabilities", lead, _facts(overall), charts(drawn) + _table(overall, towns))


def _table(overall: Curves, towns: Sequence[tuple[str, Curves]]) -> Markup:
    """A row a town; nothing where there is none, as the section's figures say what is left."""
    if not towns:
        return Markup()
    titles = ("town", "images", *_threshold_titles(overall), "calibration error")
    rows = [_row(name, curves, overall.used) for name, curves in towns]
    total = _row("all together", overall, overall.used)
    return table([Column(title) for title in titles], rows, noun="towns", total=total)


def _threshold_titles(overall: Curves) -> tuple[str, ...]:
    used = () if overall.used is None else (f"IoU at {overall.used:.2f}, as used",)
    return (*used, "best threshold", "IoU there", "best for objects", "object F1 there")


def _facts(overall: Curves) -> tuple[Fact, ...]:
    facts = []
    if overall.used is not None:
        facts.append(Fact(f"IoU at {overall.used:.2f}", share_text(overall.iou_at(overall.used)), "the threshold used"))
    for name, best in (("IoU", overall.best_iou), ("object F1", overall.best_f1)):
        if best is not None:
            facts.append(Fact(f"greatest {name}", share_text(best.score), f"at {best.threshold:.2f}"))
    if overall.reliability is not None:
        bins = f"in {RELIABILITY_BINS} bins of probability"
        facts.append(Fact("calibration error", share_text(overall.reliability.error), bins))
    return tuple(facts)


def _measures(overall: Curves) -> list[Markup]:
    pixels, objects = overall.pixels, overall.objects
    lines = [
        _line("IoU", palette.ACCENT, WIDE, THRESHOLDS, pixels.iou, overall.best_iou),
        _line("object F1", palette.BOTH, NARROW, OBJECT_THRESHOLDS, objects.f1, overall.best_f1),
        _line("boundary IoU", palette.ACCENT_PALE, NARROW, THRESHOLDS, pixels.boundary_iou, overall.best_boundary),
    ]
    return _chart("IoU, objects and boundaries", lines, overall)


def _precision_and_recall(overall: Curves) -> list[Markup]:
    pixels, objects = overall.pixels, overall.objects
    lines = [
        _line("precision, pixels", palette.ACCENT, WIDE, THRESHOLDS, pixels.precision),
        _line("recall, pixels", palette.ACCENT_PALE, WIDE, THRESHOLDS, pixels.recall),
        _line("precision, objects", palette.BOTH, NARROW, OBJECT_THRESHOLDS, objects.precision),
        _line("recall, objects", palette.PREDICTION, NARROW, OBJECT_THRESHOLDS, objects.recall),
    ]
    return _chart("Precision and recall", lines, overall)


Line = Callable[[str, str, Curves], ChartLine]


def _iou(name: str, color: str, curves: Curves) -> ChartLine:
    return _line(name, color, NARROW, THRESHOLDS, curves.pixels.iou, curves.best_iou)


def _f1(name: str, color: str, curves: Curves) -> ChartLine:
    return _line(name, color, NARROW, OBJECT_THRESHOLDS, curves.objects.f1, curves.best_f1)


def _by_town(title: str, towns: Sequence[tuple[str, str, Curves]], overall: Curves, line: Line) -> list[Markup]:
    return _chart(title, [line(*town) for town in towns], overall)


def _chart(title: str, lines: Sequence[ChartLine], overall: Curves) -> list[Markup]:
    """The chart of lines that have points; none where nothing could be measured."""
    shown = [line for line in lines if line.points]
    marks = [] if overall.used is None else [ChartMark(overall.used, "used")]
    return [chart(title, shown, ACROSS, UPWARD, marks=marks, axis_title="threshold")] if shown else []


def _line(
    label: str,
    color: str,
    width: float,
    thresholds: Sequence[float],
    scores: Scores,
    best: BestThreshold | None = None,
) -> ChartLine:
    points = [
        (ACROSS.at(threshold), UPWARD.at(score))
        for threshold, score in zip(thresholds, scores, strict=True)
        if score is not None
    ]
    ring = None if best is None else (ACROSS.at(best.threshold), UPWARD.at(best.score))
    return ChartLine(label, color, width, tuple(points), ring)


def _reliability(title: str, drawn: Sequence[tuple[str, str, Curves]]) -> list[Markup]:
    told = [DrawnReliability(name, color, of.reliability) for name, color, of in drawn if of.reliability is not None]
    return [reliability_diagram(title, "probability of the class", told, TICKS)] if told else []


def _row(name: str, curves: Curves, used: float | None) -> list[str]:
    at_used = () if used is None else (share_text(curves.iou_at(used)),)
    best = (_best_cells(curves.best_iou), _best_cells(curves.best_f1))
    error = share_text(curves.calibration_error)
    return [name, thousands(curves.images), *at_used, *(cell for cells in best for cell in cells), error]


def _best_cells(best: BestThreshold | None) -> tuple[str, str]:
    return ("–", "–") if best is None else (f"{best.threshold:.2f}", share_text(best.score))
