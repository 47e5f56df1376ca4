"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.step import Artifact, Metrics, document_text, log_metrics, step
from components.split_tagging.split_tagging import split_tagging


def run(
    project: Artifact, tagged: Artifact, metrics: Metrics, report: Artifact, query: list[Any], **options: Any
) -> None:
    """Run the stage; see `split_tagging`.

    Args:
        project: The imported project.
        tagged: Gets the tagged project.
        metrics: Get items in, out and left out; megabytes read and written, and read for the report.
        report: Gets the query as a graph with item counts, and a contact sheet of the result.
        query: DTL query; empty for the tutorial's.
        options: Of the stage.
    """
    with step() as moved:
        done = split_tagging(project.path, tagged.path, query=document_text(query), report=report.path, **options)
    log_metrics(metrics, done.metrics(), moved)
    tagged.metadata.update(done.counts())
