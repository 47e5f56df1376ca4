"""The stage as a step of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from components.core.step import Artifact, Echo, Metrics, no_echo, path_of, step
from components.evaluate.evaluate import METRICS_FILE, evaluate
from components.evaluate.result import LABELS, EvaluationResult


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
    report: Artifact | None,
    unsplit: Artifact | None,
    *,
    echo: Echo = no_echo,
    **options: Any,
) -> None:
    """Run the stage; see `evaluate`.

    Args:
        predictions: Project with the predicted objects.
        truth: Project with the true objects; may hold more images.
        evaluation: Output directory with metrics.json: all counts and measures, overall, by town and by image; and
            label_suggestions.gpkg: labels, and where they seem wrong.
        metrics: Main figures; megabytes read and written.
        confusion: Pixels of background and building, by truth and prediction.
        report: Page of the table of towns, a map of right, false and missed buildings, labels to look at, and scenes
            beside their truth and predictions.
        unsplit: The predictions before they were split into objects, for the report.
        echo: Hears a row of figures for each group.
        options: Of the stage.
    """
    with step(metrics) as numbers:
        result = evaluate(predictions.path, truth.path, evaluation.path, **options)
        numbers.update(result.scalars())
        if report is not None:
            from components.evaluate.report import write_report  # jinja2, once the work is done

            write_report(
                result,
                report.path,
                predictions=predictions.path,
                truth=truth.path,
                unsplit=path_of(unsplit),
                workers=options.get("workers", 0),
            )
    confusion.log_confusion_matrix(list(LABELS), result.confusion())
    for line in table(result):
        echo(line)
    echo(str(Path(evaluation.path) / METRICS_FILE))


def table(result: EvaluationResult) -> list[str]:
    """Lines of figures in percent: a row a group, the whole last."""
    lines = [f"{'':16}{'images':>8}{'IoU':>8}{'acc.':>8}{'obj. P':>8}{'obj. R':>8}{'obj. F1':>8}{'bound.':>8}"]
    for group in (*result.groups, result.overall):
        pixels, objects = group.counts.pixels, group.counts.objects
        measures: Sequence[float | None] = (
            pixels.iou,
            pixels.accuracy,
            objects.precision,
            objects.recall,
            objects.f1,
            group.counts.boundary.iou,
        )
        cells = "".join(f"{'–' if value is None else format(100 * value, '.2f'):>8}" for value in measures)
        lines.append(f"{group.name:16}{group.images:>8}{cells}")
    return lines
