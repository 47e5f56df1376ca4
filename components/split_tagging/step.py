"""The stage as a step of a pipeline."""

from __future__ import annotations

from typing import Any

from components.core.dtl.stage import run_as_step
from components.core.step import Artifact, Document, Echo, Metrics, no_echo
from components.split_tagging.split_tagging import split_tagging


def run(
    project: Artifact,
    tagged: Artifact,
    metrics: Metrics,
    report: Artifact | None,
    query: Document,
    *,
    echo: Echo = no_echo,
    **options: Any,
) -> None:
    """Run the stage; see `split_tagging`.

    Args:
        project: The imported project.
        tagged: The output project, tagged.
        metrics: Items in, out and skipped; megabytes read and written, and read for the report.
        report: Page of the query as a graph with item counts, and a contact sheet of the result.
        query: DTL query; empty for the tutorial's.
        echo: Hears how many items went in and came out.
        options: Of the stage.
    """
    run_as_step(split_tagging, project, tagged, metrics, report, query, echo=echo, **options)
