"""The evaluation as a page: towns, a map, curves, labels to look at, scenes beside truth and predictions."""

from __future__ import annotations

from pathlib import Path

from components.core.project import Project, open_project
from components.core.reporting.page import Section, run_report, write_page
from components.evaluate.compared_scenes import compared_scenes
from components.evaluate.curve_section import curve_section
from components.evaluate.label_check.section import label_section
from components.evaluate.map_section import evaluation_map
from components.evaluate.panels import prediction_panels
from components.evaluate.result import EvaluationResult
from components.evaluate.town_table import evaluation_table


def write_report(
    result: EvaluationResult,
    html: Path | str,
    *,
    predictions: Path | str,
    truth: Path | str,
    unsplit: Path | str | None = None,
    workers: int = 0,
) -> None:
    """Show an evaluation.

    Args:
        result: The evaluation.
        html: Where the page appears when it is whole.
        predictions: The project that was evaluated, one figure an object.
        truth: The project with the true objects.
        unsplit: The predictions before they were split into objects; None where they were not.
        workers: Worker processes (0 = one per core). The page does not depend on it.

    Raises:
        DataError: If a project or its pixels cannot be read.
        StorageError: If a place cannot be written.
    """
    predicted, true = open_project(predictions), open_project(truth)
    whole = open_project(unsplit) if unsplit else None
    towns = evaluation_table(result.as_json(), "evaluation")
    scenes = _scenes(result, predicted, true, whole)
    sections = [towns, *_map(result, predicted, true, workers), *_curves(result), *_labels(result, true), scenes]
    subtitle = f"Class {result.rules.predicted_class} against {result.rules.truth_class}."
    write_page(html, run_report("Evaluation", subtitle, (), sections))


def _map(result: EvaluationResult, predictions: Project, truth: Project, workers: int) -> list[Section]:
    """Nothing where there is nothing to show."""
    found = evaluation_map(result, predictions, truth, workers)
    return [] if found is None else [found]


def _curves(result: EvaluationResult) -> list[Section]:
    """Nothing where no image has probabilities."""
    if result.overall.curves is None:
        return []
    return [
        curve_section(result.overall.curves, [(group.name, group.curves) for group in result.groups if group.curves])
    ]


def _labels(result: EvaluationResult, truth: Project) -> list[Section]:
    """Nothing where labels were not judged."""
    if result.labels is None:
        return []
    return [label_section(result.labels, truth, result.rules.truth_class)]


def _scenes(result: EvaluationResult, predictions: Project, truth: Project, unsplit: Project | None) -> Section:
    found = compared_scenes(
        truth,
        predictions if unsplit is None else unsplit,
        None if unsplit is None else predictions,
        [result.rules.truth_class],
        [result.rules.predicted_class],
        [group.name for group in result.groups],
    )
    return prediction_panels(found)
