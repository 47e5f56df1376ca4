"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.step import Artifact, Metrics, document_text, log_metrics, step
from components.crop_augment.crop_augment import crop_augment


def run(
    project: Artifact, crops: Artifact, metrics: Metrics, report: Artifact, query: list[Any], **options: Any
) -> None:
    """Run the stage; see `crop_augment`.

    Args:
        project: The tagged project.
        crops: Gets the crops: rows that refer to windows of the imagery.
        metrics: Get items in, out and left out; megabytes read and written, and read for the report.
        report: Gets the query as a graph with item counts, and a contact sheet of the result.
        query: DTL query; empty for the tutorial's.
        options: Of the stage.
    """
    with step() as moved:
        done = crop_augment(project.path, crops.path, query=document_text(query), report=report.path, **options)
    log_metrics(metrics, done.metrics(), moved)
    crops.metadata.update(done.counts())
