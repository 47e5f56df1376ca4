"""What the DTL stages share: a default query, a picture, and their command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from components.core.cli import argument_parser, run_main, write_metrics
from components.core.dtl.run import QueryRun, execute_query
from components.core.storage import check_file_writable, check_writable, counted


def run_stage(
    query: str | Path,
    project: str | Path,
    output: str | Path,
    *,
    report: str | Path | None = None,
    seed: int = 0,
    workers: int = 1,
    max_bad: int = 0,
    allow_empty: bool = False,
    stage: str = "dtl",
) -> QueryRun:
    """Run a query on one project, and show what it did.

    Args:
        query: JSON text, or a file that holds it.
        project: Directory of the project that goes in.
        output: Directory of the project that comes out.
        report: HTML file of the query's graph and a contact sheet; None for none.
        seed: Of every random decision.
        workers: Processes; 0 for one a core.
        max_bad: Source items that may fail.
        allow_empty: Whether there may be no source item, or none that did not fail.
        stage: What the new project's history calls this run.

    Returns:
        The query and its counts.

    Raises:
        ConfigError: If the query is faulty or does not fit the project.
        DataError: If the project cannot be read, more than `max_bad` items failed, or no item is there or left.
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
    from components.core.dtl.report import write_report  # matplotlib and GDAL, once the work is done

    with counted() as moved:
        write_report(run, output, report)
    return replace(run, pictures=moved.traffic)


def add_stage_arguments(parser: argparse.ArgumentParser, output: str) -> None:
    """Add the arguments of a DTL stage.

    Args:
        parser: Gets them.
        output: Name of the project that comes out.
    """
    parser.add_argument("--project", required=True, help="directory of the project that goes in")
    parser.add_argument(f"--{output}", dest="output", required=True, help="directory of the project that comes out")
    parser.add_argument("--query", default="", help="JSON file or text; the tutorial's query unless given")
    parser.add_argument("--metrics", type=Path, help="JSON file of counts to write")
    parser.add_argument("--report", help="HTML file of the query's graph and a contact sheet")
    parser.add_argument("--pictures", type=Path, help="folder for the report's pictures as PNG")
    parser.add_argument("--seed", type=int, default=0, help="of every random decision")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 for one a core")
    parser.add_argument("--max-bad", type=int, default=0, help="source items that may fail")


def check_asked_for(options: argparse.Namespace) -> None:
    """See that what the arguments of `add_stage_arguments` ask for beside the project can be written.

    Raises:
        StorageError: If it cannot.
    """
    if options.metrics is not None:
        check_file_writable(options.metrics)
    if options.pictures is not None:
        check_writable(options.pictures)


def stage_main(
    name: str,
    description: str,
    default_query: Path,
    output: str,
    argv: Sequence[str] | None = None,
) -> int:
    """The command line of a DTL stage.

    Args:
        name: Of the stage.
        description: For the help.
        default_query: The query that runs unless another is given.
        output: Name of the project that comes out.
        argv: The arguments; the process's own unless given.

    Returns:
        The exit status.
    """
    parser = argument_parser(f"python -m components.{name}", description)
    add_stage_arguments(parser, output)

    def main(options: argparse.Namespace) -> None:
        check_asked_for(options)
        with counted() as moved:
            run = run_stage(
                options.query or default_query,
                options.project,
                options.output,
                report=options.report,
                seed=options.seed,
                workers=options.workers,
                max_bad=options.max_bad,
                stage=name,
            )
        if options.pictures:
            from components.core.dtl.report import write_pictures

            write_pictures(run, options.output, options.pictures)
        write_metrics(run.metrics() | moved.megabytes(), options.metrics)
        sys.stdout.write(f"{run.sentence()}, at {options.output}\n")

    return run_main(main, parser, argv)
