"""What the DTL stages share: how a query is run and shown, by itself and as a step of a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from components.core.dtl.run import QueryRun, execute_query
from components.core.step import Artifact, Document, Echo, Metrics, document_text, path_of, step
from components.core.storage import check_file_writable, counted


def run_stage(
    query: str | Path,
    project: str | Path,
    output: str | Path,
    *,
    report: str | Path | None = None,
    seed: int = 0,
    workers: int = 1,
    max_bad: int | None = 0,
    allow_empty: bool = False,
    stage: str = "dtl",
) -> QueryRun:
    """Run a query on one project, and show what it did.

    Args:
        query: JSON text, or a file that holds it.
        project: Directory of the project that goes in.
        output: Directory of the project that comes out.
        report: HTML file of the query's graph and a contact sheet; None for none.
        seed: Random seed.
        workers: Worker processes (0 = one per core).
        max_bad: How many source items may be skipped; None for any number.
        allow_empty: Whether there may be no source item, or none that did not fail.
        stage: What the new project's history calls this run.

    Returns:
        The query and its counts.

    Raises:
        ConfigError: If the query is faulty or does not fit the project.
        DataError: If the project cannot be read, more than `max_bad` items are skipped, or no item is there or left.
        StorageError: If a place cannot be written, which is found out before the query runs.
    """
    if report is not None:
        check_file_writable(report)
    run = execute_query(
        query,
        [project],
        output,
        seed=seed,
        workers=workers,
        max_bad=max_bad,
        allow_empty=allow_empty,
        stage=stage,
    )
    if report is None:
        return run
    from components.core.dtl.report import write_report  # jinja2 and GDAL, once the work is done

    with counted() as moved:
        write_report(run, output, report)
    return replace(run, pictures=moved.traffic)


def run_as_step(
    stage: Callable[..., QueryRun],
    project: Artifact,
    output: Artifact,
    metrics: Metrics,
    report: Artifact | None,
    query: Document,
    *,
    echo: Echo,
    **options: Any,
) -> None:
    """Run a DTL stage as a step of a pipeline.

    Args:
        stage: Its function.
        project: The project that goes in.
        output: Gets the project that comes out.
        metrics: Get items in, out and skipped; megabytes read and written, and read for the report.
        report: Gets the query as a graph with item counts, and a contact sheet of the result; None for none.
        query: DTL query; empty for the stage's own.
        echo: Hears how many items went in and came out.
        options: Of the stage.

    Raises:
        FootprintsError: As the stage does.
    """
    with step(metrics) as numbers:
        done = stage(project.path, output.path, query=document_text(query), report=path_of(report), **options)
        numbers.update(done.scalars())
    output.metadata.update(done.counts())
    echo(f"{done.sentence()}, at {output.path}")
