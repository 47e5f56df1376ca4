"""The stage as a step of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from components.collect_predictions.collect_predictions import collect_predictions
from components.core.step import Artifact, Metrics, log_metrics, step


def run(parts: Sequence[Artifact], project: Artifact, predictions: Artifact, metrics: Metrics) -> None:
    """Run the stage; see `collect_predictions`.

    Args:
        parts: Projects of the inferred parts.
        project: The project whose images were looked at.
        predictions: Gets one project of what was found.
        metrics: Get the number of scenes, and megabytes read and written.
    """
    with step() as moved:
        scenes = collect_predictions([part.path for part in parts], project.path, predictions.path)
    log_metrics(metrics, {"scenes": scenes}, moved, predictions)
