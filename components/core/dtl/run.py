"""A query from its text to a project on disk: what the DTL stages and the command line call."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from components.core.dtl.action import Context
from components.core.dtl.columns import runs_in_columns
from components.core.dtl.engine import RunResult, name_projects, output_meta, run_query, run_query_in_columns
from components.core.dtl.graph import Query, build_query
from components.core.dtl.query import read_query
from components.core.errors import ConfigError
from components.core.project import Item, Project, ProjectMeta, manifest_writer, open_project
from components.core.project.history import StageRun, merged_histories, read_history
from components.core.settings import naming_file
from components.core.skip_budget import Skipped
from components.core.storage import Traffic, check_writable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueryRun:
    """A query that ran.

    Attributes:
        query: The query.
        meta: Of the project that came out.
        result: Counts and skipped items.
        pictures: Bytes moved to show it.
    """

    query: Query
    meta: ProjectMeta
    result: RunResult
    pictures: Traffic = field(default_factory=Traffic)

    def counts(self) -> dict[str, int]:
        """Items in, out, and skipped."""
        return {"items_in": self.result.read, "items": self.result.written, "skipped": len(self.result.skipped)}

    def scalars(self) -> dict[str, float]:
        """The counts, and how many of the megabytes that the stage reads are for the pictures of its report."""
        shown = self.pictures.megabytes()
        return {**self.counts(), "report_read_mb": round(shown["local_read_mb"] + shown["remote_read_mb"], 3)}

    def sentence(self) -> str:
        """What happened, in a line."""
        result = self.result
        skipped = f", {len(result.skipped)} skipped" if result.skipped else ""
        return f"{result.read} items in, {result.written} out{skipped}: project {self.meta.name!r}"


def execute_query(
    query: str | Path,
    projects: Sequence[str | Path],
    output: str | Path,
    *,
    seed: int = 0,
    workers: int = 1,
    max_bad: int | None = 0,
    allow_empty: bool = False,
    as_files: bool = False,
    stage: str = "dtl",
) -> QueryRun:
    """Run a query on projects and write the project that comes out.

    Args:
        query: JSON text, or a file that holds it.
        projects: Directories, manifests or Supervisely folders, at least those that the query names.
        output: Directory of the new project; it appears when it is whole.
        seed: Random seed.
        workers: Worker processes (0 = one per core); they change the time, never the result.
        max_bad: How many source items may be skipped; None for any number.
        allow_empty: Whether there may be no source item, or none that did not fail.
        as_files: Write the Supervisely folder format with real crops instead of a manifest, as `save` layers always
            do.
        stage: What the new project's history calls this run.

    Returns:
        The query, the new project's meta, and the counts.

    Raises:
        ConfigError: If the query is faulty or does not fit the projects.
        DataError: If a project cannot be read, more than `max_bad` items failed, or no item is there or left.
        StorageError: If `output` cannot be written, which is found out before the first item is read.
    """
    _check_places(projects, output)
    built, named, meta = _checked(query, projects)
    check_writable(output)
    result = RunResult()
    limits: dict[str, Any] = {"workers": workers, "max_bad": max_bad, "allow_empty": allow_empty}
    files = built.save_action.files(meta)
    if as_files or files is not None:
        from components.core.project.materialize import materialize

        materialize(output, meta, run_query(built, named, result, Context(seed), **limits), files)
    else:
        start = run_query_in_columns if runs_in_columns(built, named) else run_query
        history = merged_histories(read_history(project.place) for project in named.values())
        _write(output, meta, start(built, named, result, Context(seed), **limits), result, stage, history)
    run = QueryRun(built, meta, result)
    log.info("%s", run.sentence())
    return run


def _checked(query: str | Path, projects: Sequence[str | Path]) -> tuple[Query, dict[str, Project], ProjectMeta]:
    """A query that fits its projects, these by name, and the meta of what comes out."""
    with naming_file(query):
        built = build_query(read_query(query))
        named = name_projects(built, [open_project(place) for place in projects])
        return built, named, output_meta(built, {name: project.meta for name, project in named.items()})


def _write(
    output: str | Path,
    meta: ProjectMeta,
    entries: Iterable[Item | pa.Table],
    result: RunResult,
    stage: str,
    history: tuple[StageRun, ...],
) -> None:
    """Write the items as they come, and then what was done; `result` is complete by then."""
    began = time.monotonic()
    with manifest_writer(output, meta) as writer:
        for entry in entries:
            if isinstance(entry, Item):
                writer.add(entry)
            else:
                writer.add_rows(entry)
        skipped = tuple(Skipped(entry.name.rpartition("/")[2], entry.reason) for entry in result.skipped)
        seconds = round(time.monotonic() - began, 6)
        writer.history = (*history, StageRun(stage, result.read, round(result.pixels / 1e6, 6), seconds, skipped))


def _check_places(projects: Sequence[str | Path], output: str | Path) -> None:
    target = Path(os.path.realpath(output))
    for place in projects:
        source = Path(os.path.realpath(place))
        if target == source or target in source.parents or source in target.parents:
            raise ConfigError(f"output: {output} is, holds or lies in the project {place}; give another directory")


def predict_query(query: str | Path, projects: Sequence[str | Path], *, seed: int = 0) -> QueryRun:
    """Check a query against projects and count what it would give, without reading pixels or writing.

    Returns:
        As `execute_query`; `result.exact` says whether the counts are exact, `result.counted` whether they are bounds.

    Raises:
        ConfigError: If the query is faulty or does not fit the projects.
        DataError: If a project cannot be read.
    """
    built, named, meta = _checked(query, projects)
    result = RunResult()
    start = run_query_in_columns if runs_in_columns(built, named) else run_query
    for _ in start(built, named, result, Context(seed, dry=True), max_bad=None, allow_empty=True):
        pass
    return QueryRun(built, meta, result)
