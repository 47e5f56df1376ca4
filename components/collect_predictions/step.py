"""The stage as a step of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from components.collect_predictions.collect_predictions import collect_predictions
from components.core.step import Artifact, Echo, Metrics, no_echo, step


def run(
    parts: Sequence[Artifact], project: Artifact, predictions: Artifact, metrics: Metrics, *, echo: Echo = no_echo
) -> None:
    """Run the stage; see `collect_predictions`.

    Args:
        parts: Projects of the inferred parts.
        project: The project that inference ran on.
        predictions: The output project, with the masks of all parts.
        metrics: Number of scenes, and megabytes read and written.
        echo: Hears how many items there are, and where.
    """
    with step(metrics, predictions) as numbers:
        scenes = numbers["scenes"] = collect_predictions([part.path for part in parts], project.path, predictions.path)
    echo(f"{scenes} items, at {predictions.path}")
