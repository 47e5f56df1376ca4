"""Running a query over projects: the same result for any number of workers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import pyarrow as pa

from components.core.dtl.action import NULL, Context
from components.core.dtl.actions.data import Data
from components.core.dtl.columns import Passage, passages
from components.core.dtl.graph import Query
from components.core.dtl.naming import Names
from components.core.dtl.places import at_layer, at_place
from components.core.dtl.runner import ItemOutcome, Task, start_runner
from components.core.errors import ConfigError, DataError
from components.core.faults import Faults
from components.core.parallel import ordered_map, worker_count
from components.core.progress import progress
from components.core.project import Item, Project, ProjectMeta
from components.core.skip_budget import SkipBudget, Skipped

log = logging.getLogger(__name__)

TASK_ITEMS = 16
MANY_TASKS = 1024
"""Items share a task only where there are more of them: few items are whole scenes, and one may give a million rows,
which wait in memory until its task has ended."""


@dataclass
class RunResult:
    """What a run did; complete when its items have ended.

    Attributes:
        read: Source items that entered and came to an end.
        pixels: Of these source items.
        written: Items that came out; in a dry run at most so many, where they are counted.
        exact: Whether `written` is exact in a dry run: no condition on the way had to look at pixels.
        counted: Whether `written` is exact or too large in a dry run: no layer cut as many items as pixels would tell.
        received: How many elements arrived at each layer, by its index.
        emitted: How many elements each layer gave, by (index, port).
        skipped: Source items that failed.
    """

    read: int = 0
    pixels: int = 0
    written: int = 0
    exact: bool = True
    counted: bool = True
    received: Counter[int] = field(default_factory=Counter)
    emitted: Counter[tuple[int, int]] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)

    def add_passage(self, passage: Passage) -> None:
        """Count many source items."""
        self.received.update(passage.received)
        self.emitted.update(passage.emitted)
        self.written += len(passage.rows)
        self.read += passage.items
        self.pixels += passage.pixels

    def add(self, outcome: ItemOutcome) -> None:
        """Count one source item."""
        self.received.update(outcome.received)
        self.emitted.update(outcome.emitted)
        self.written += len(outcome.elements)
        self.counted &= outcome.counted
        self.exact &= outcome.counted and all(element.certain for element in outcome.elements)
        if outcome.skipped:
            self.skipped.append(outcome.skipped)
        elif outcome.received.total():
            self.read += 1
            self.pixels += outcome.pixels


def name_projects(query: Query, projects: Sequence[Project]) -> dict[str, Project]:
    """The projects that a query reads, by name, in its order.

    Raises:
        ConfigError: If a project is missing, two have one name, or a project lacks a dataset.
    """
    given: dict[str, Project] = {}
    for project in projects:
        other = given.setdefault(project.meta.name, project)
        if other is not project:
            raise ConfigError(
                f"project {project.meta.name!r} is given twice ({other.place}, {project.place}); give one"
            )
    check_sources(query, {name: partial(_datasets_of, project) for name, project in given.items()})
    return {name: given[name] for name in query.project_names}


def _datasets_of(project: Project) -> Iterator[str]:
    return (project.label(index).split("/")[0] for index in range(len(project)))


def check_sources(query: Query, datasets: Mapping[str, Callable[[], Iterable[str]]]) -> None:
    """See that the projects and datasets that a query reads are there.

    Args:
        query: The query.
        datasets: For each project that is there what gives the dataset of each of its items, perhaps repeatedly; for a
            project without items, which has no datasets to speak of, that is none.

    Raises:
        ConfigError: Naming each that is not.
    """
    faults = Faults()
    for layer in query.data_layers:
        for position, source in enumerate(layer.src):
            name, dataset = source.split("/")
            with faults.caught(), at_place(f"{layer.place}.src[{position}]", layer.action.name):
                _check_source(name, dataset, datasets)
    faults.raise_any()


def _check_source(name: str, wanted: str, datasets: Mapping[str, Callable[[], Iterable[str]]]) -> None:
    if name not in datasets:
        raise ConfigError(f"project {name!r} is not given; given: {', '.join(sorted(datasets)) or 'none'}")
    if wanted == "*":
        return
    present: dict[str, None] = {}
    for dataset in datasets[name]():
        present.setdefault(dataset)
        if wanted in present:
            return
    if present:
        raise ConfigError(
            f"project {name!r} has no item in a dataset {wanted!r}; its datasets are {', '.join(present)}, and "
            f"{name}/* takes all"
        )


def output_meta(query: Query, metas: Mapping[str, ProjectMeta]) -> ProjectMeta:
    """Name, classes and tags of the project that comes out.

    Args:
        query: The query.
        metas: Of the projects that it reads, by name.

    Raises:
        ConfigError: If a mapping or setting does not fit the classes, or classes of one title differ in shape.
    """
    arriving: dict[str, ProjectMeta] = {}
    result = ProjectMeta(query.output_name)
    for layer in query.order:
        if isinstance(layer.action, Data):
            names = dict.fromkeys(source.split("/")[0] for source in layer.src)
            with at_layer(layer):
                meta = _merged([layer.action.change_meta(metas[name]) for name in names])
        else:
            with at_layer(layer):
                meta = layer.action.change_meta(_merged([arriving[name] for name in layer.src]))
        if layer is query.save_layer:
            result = replace(meta, name=query.output_name)
        for name in layer.dst:
            with at_layer(layer):
                arriving[name] = _merged([arriving[name], meta]) if name in arriving else meta
    return result


def _merged(metas: Sequence[ProjectMeta]) -> ProjectMeta:
    merged = metas[0]
    for meta in metas[1:]:
        try:
            merged = merged.merged(meta)
        except DataError as error:
            raise ConfigError(*error.faults) from error
    return merged


def run_query(
    query: Query,
    projects: Mapping[str, Project],
    result: RunResult,
    context: Context,
    *,
    workers: int = 1,
    max_bad: int | None = 0,
    allow_empty: bool = False,
) -> Iterator[Item]:
    """Run a query, streaming what comes out.

    Args:
        query: Checked by `build_query`.
        projects: By name, as `name_projects` gives them.
        result: Filled while items stream.
        context: Seed, and whether to count only.
        workers: Worker processes (0 = one per core); they change the time, never the result.
        max_bad: How many source items may be skipped; None for any number.
        allow_empty: Whether there may be no source item, or none that did not fail.

    Yields:
        The items, ordered by source item, then by the save layer's sources.

    Raises:
        ConfigError: If `workers` or `max_bad` is negative, a pattern does not end on a name, or the query makes too
            many items of one.
        DataError: If there is no source item.
        TooManySkippedError: At the end, where more than `max_bad` source items are skipped, or all of them.
    """
    budget = SkipBudget(max_bad, noun="item", allow_empty=allow_empty)
    lengths = _checked_lengths(projects, allow_empty)
    workers = worker_count(workers, sum(lengths))
    per_task = max(1, min(TASK_ITEMS, sum(lengths) // max(MANY_TASKS, 8 * workers)))
    tasks = [
        Task(project, start, min(start + per_task, length))
        for project, length in enumerate(lengths)
        for start in range(0, length, per_task)
    ]
    opened = tuple(project.place for project in projects.values())
    results = ordered_map(start_runner, (query, context, opened), tasks, workers)
    names = Names()
    for outcome in progress((outcome for outcomes in results for outcome in outcomes), sum(lengths), "items"):
        _count(outcome, result, budget)
        yield from (names.final(element) for element in outcome.elements)
    _check_end(query, result, budget)


def run_query_in_columns(
    query: Query,
    projects: Mapping[str, Project],
    result: RunResult,
    context: Context,
    *,
    workers: int = 1,
    max_bad: int | None = 0,
    allow_empty: bool = False,
) -> Iterator[Item | pa.Table]:
    """Run a query that `runs_in_columns`; see `run_query`. One process does it, however many `workers` allow.

    Yields:
        What `run_query` does, most of it as rows of a manifest: many items at once, and no more of them in memory.

    Raises:
        ConfigError: See `run_query`.
        DataError: If there is no source item, or a project cannot be read.
        TooManySkippedError: At the end, where more than `max_bad` source items are skipped, or all of them.
    """
    budget = SkipBudget(max_bad, noun="item", allow_empty=allow_empty)
    total = sum(_checked_lengths(projects, allow_empty))
    worker_count(workers, total)
    names = Names()
    done = passages(query, context, list(projects.values()))
    for _, passage in progress(done, total, "items", size=lambda counted: counted[0]):
        if isinstance(passage, Passage):
            result.add_passage(passage)
            yield passage.named(names)
        else:
            _count(passage, result, budget)
            yield from (names.final(element) for element in passage.elements)
    _check_end(query, result, budget)


def _checked_lengths(projects: Mapping[str, Project], allow_empty: bool) -> list[int]:
    """How many items each project holds."""
    lengths = [len(project) for project in projects.values()]
    if not sum(lengths) and not allow_empty:
        places = ", ".join(f"{name!r} ({project.place})" for name, project in projects.items())
        raise DataError(f"project {places}: holds no item; give one that does, or allow an empty result")
    return lengths


def _count(outcome: ItemOutcome, result: RunResult, budget: SkipBudget) -> None:
    result.add(outcome)
    if outcome.skipped:
        budget.add(outcome.skipped)


def _check_end(query: Query, result: RunResult, budget: SkipBudget) -> None:
    _warn_of_empty_branches(query, result)
    budget.total = result.read + len(result.skipped)  # items that no data layer reads do not count
    budget.check("" if result.read else "or allow an empty result")


def _warn_of_empty_branches(query: Query, result: RunResult) -> None:
    for layer in query.data_layers:
        if not result.received[layer.index] and not result.skipped:
            log.warning("%s: there is no item in %s", layer.place, ", ".join(layer.src))
    for layer in query.layers:
        if "probability" not in layer.action.settings.model_dump().get("condition", {}):
            continue
        for port, name in enumerate(layer.dst):
            if name != NULL and result.received[layer.index] and not result.emitted[layer.index, port]:
                log.warning(
                    "%s: by chance none of %d items went to %s; use another seed or probability",
                    layer.place,
                    result.received[layer.index],
                    name,
                )
