"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any, Protocol

from components.core.step import Artifact, Metrics, log_metrics, step
from components.evaluate.evaluate import evaluate
from components.evaluate.result import LABELS


class Confusion(Protocol):
    """A confusion matrix, which Kubeflow's page draws."""

    def log_confusion_matrix(self, categories: list[str], matrix: list[list[int]]) -> None:
        """Set it; a row a true class."""


def run(
    predictions: Artifact,
    truth: Artifact,
    evaluation: Artifact,
    metrics: Metrics,
    confusion: Confusion,
    report: Artifact,
    unsplit: Artifact | None,
    **options: Any,
) -> None:
    """Run the stage; see `evaluate`.

    Args:
        predictions: Project with the predicted objects.
        truth: Project with the true objects; may hold more images.
        evaluation: Gets a directory with metrics.json: all counts and measures, overall, by town and by image.
        metrics: Get the main figures; megabytes read and written.
        confusion: Gets pixels of background and building, by truth and prediction.
        report: Gets the table of towns, and scenes beside their truth and predictions.
        unsplit: The predictions before they were split into objects, for the report; None for none.
        options: Of the stage.
    """
    with step() as moved:
        result = evaluate(predictions.path, truth.path, evaluation.path, **options)
        from components.evaluate.report import write_report  # jinja2, once the work is done

        write_report(
            result,
            report.path,
            predictions=predictions.path,
            truth=truth.path,
            unsplit=None if unsplit is None else unsplit.path,
        )
    log_metrics(metrics, result.scalars(), moved)
    confusion.log_confusion_matrix(list(LABELS), result.confusion())
