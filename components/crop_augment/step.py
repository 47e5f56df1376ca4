"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.dtl.stage import run_as_step
from components.core.step import Artifact, Document, Echo, Metrics, no_echo
from components.crop_augment.crop_augment import crop_augment


def run(
    project: Artifact,
    crops: Artifact,
    metrics: Metrics,
    report: Artifact | None,
    query: Document,
    *,
    echo: Echo = no_echo,
    **options: Any,
) -> None:
    """Run the stage; see `crop_augment`.

    Args:
        project: The tagged project.
        crops: The output project: a row for each crop, which refers to a window of the imagery.
        metrics: Items in, out and skipped; megabytes read and written, and read for the report.
        report: Page of the query as a graph with item counts, and a contact sheet of the result.
        query: DTL query; empty for the tutorial's.
        echo: Hears how many items went in and came out.
        options: Of the stage.
    """
    run_as_step(crop_augment, project, crops, metrics, report, query, echo=echo, **options)
