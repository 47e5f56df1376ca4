"""A query from its text to a project on disk: what the DTL stages and the command line call."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.core.dtl.action import Context
from components.core.dtl.engine import RunReport, name_projects, output_meta, run_query
from components.core.dtl.graph import Query, build_query
from components.core.dtl.query import read_query
from components.core.errors import ConfigError
from components.core.project import ProjectMeta, materialize, open_project, write_manifest
from components.core.storage import Traffic

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueryRun:
    """A query that ran.

    Attributes:
        query: The query.
        meta: Of the project that came out.
        report: Counts and bad items.
        pictures: Bytes moved to show it.
    """

    query: Query
    meta: ProjectMeta
    report: RunReport
    pictures: Traffic = field(default_factory=Traffic)

    def counts(self) -> dict[str, int]:
        """Items in, out, and left out."""
        return {"items_in": self.report.read, "items": self.report.written, "left_out": len(self.report.bad)}

    def metrics(self) -> dict[str, float]:
        """The counts, and how many of the megabytes that the stage reads are for the pictures of its report."""
        shown = self.pictures.megabytes()
        return {**self.counts(), "report_read_mb": round(shown["local_read_mb"] + shown["remote_read_mb"], 3)}

    def sentence(self) -> str:
        """What happened, in a line."""
        report = self.report
        bad = f", {len(report.bad)} left out" if report.bad else ""
        return f"{report.read} items in, {report.written} out{bad}: project {self.meta.name!r}"


def execute_query(
    query: str | Path,
    projects: Sequence[str | Path],
    output: str | Path,
    *,
    seed: int = 0,
    workers: int = 1,
    max_bad: int | None = 0,
    as_files: bool = False,
) -> QueryRun:
    """Run a query on projects and write the project that comes out.

    Args:
        query: JSON text, or a file that holds it.
        projects: Directories, manifests or Supervisely folders, at least those that the query names.
        output: Directory of the new project; it appears when it is whole.
        seed: Of every random decision.
        workers: Processes, 0 for one a core; they change the time, never the result.
        max_bad: Source items that may fail; None for any number.
        as_files: Write the Supervisely folder format with real crops instead of a manifest.

    Returns:
        The query, the new project's meta, and the counts.

    Raises:
        ConfigError: If the query is faulty or does not fit the projects.
        DataError: If a project cannot be read, or more than `max_bad` items failed.
    """
    _check_places(projects, output)
    built = build_query(read_query(query))
    named = name_projects(built, [open_project(place) for place in projects])
    meta = output_meta(built, named)
    report = RunReport()
    items = run_query(built, named, report, Context(seed), workers=workers, max_bad=max_bad)
    write = materialize if as_files else write_manifest
    write(output, meta, items)
    run = QueryRun(built, meta, report)
    log.info("%s", run.sentence())
    return run


def _check_places(projects: Sequence[str | Path], output: str | Path) -> None:
    target = Path(output).resolve()
    for place in projects:
        source = Path(place).resolve()
        if target == source or target in source.parents or source in target.parents:
            raise ConfigError(f"output: {output} is, holds or lies in the project {place}; give another directory")


def predict_query(query: str | Path, projects: Sequence[str | Path], *, seed: int = 0) -> QueryRun:
    """Check a query against projects and count what it would give, without reading pixels or writing.

    Returns:
        As `execute_query`; `report.exact` says whether the counts are exact or upper bounds.

    Raises:
        ConfigError: If the query is faulty or does not fit the projects.
        DataError: If a project cannot be read.
    """
    built = build_query(read_query(query))
    named = name_projects(built, [open_project(place) for place in projects])
    meta = output_meta(built, named)
    report = RunReport()
    for _ in run_query(built, named, report, Context(seed, dry=True), max_bad=None):
        pass
    return QueryRun(built, meta, report)
