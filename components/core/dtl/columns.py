"""A query over columns instead of elements: the same rows, in a fraction of the time, where no layer needs more.

Rows that may not be passed on unread go through the query one by one, as items.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from components.core.dtl.action import NULL, Context
from components.core.dtl.actions.data import Data
from components.core.dtl.flow import ElementColumns, Flow, Integers
from components.core.dtl.graph import Query
from components.core.dtl.naming import Names
from components.core.dtl.runner import MOST_ELEMENTS, ItemOutcome, Runner, output_dataset, reads
from components.core.project import ManifestProject, Project


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of many source items.

    Attributes:
        rows: What came out, as rows of a manifest, but for names.
        wanted: The name that each is to have.
        items: How many source items entered.
        received: How many elements arrived at each layer, by its index.
        emitted: How many elements each layer gave, by (index, port).
        pixels: Of the source items, where they entered.
    """

    rows: pa.Table
    wanted: Sequence[str]
    items: int
    received: Counter[int] = field(default_factory=Counter)
    emitted: Counter[tuple[int, int]] = field(default_factory=Counter)
    pixels: int = 0

    def named(self, names: Names) -> pa.Table:
        """The rows with their final names."""
        final = names.final_names(self.rows["dataset"].to_pylist(), self.wanted)
        return _with_column(self.rows, "name", final)


def runs_in_columns(query: Query, projects: Mapping[str, Project]) -> bool:
    """Whether no layer looks at more than names, tags and sizes, or changes more than tags, and rows are at hand."""
    return all(layer.action.in_columns() for layer in query.layers) and all(
        isinstance(project, ManifestProject) for project in projects.values()
    )


def passages(
    query: Query, context: Context, projects: Sequence[Project]
) -> Iterator[tuple[int, Passage | ItemOutcome]]:
    """Run the items of projects through a query that `runs_in_columns`.

    Args:
        query: The query.
        context: Seed, and whether to count only.
        projects: That it reads, in order; manifests.

    Yields:
        How many source items it is about, and what became of them: of many at once, or of one.

    Raises:
        DataError: If a project cannot be read.
        ConfigError: If a pattern does not end on a name, or the query makes too many items of one.
    """
    from components.core.project.passthrough import pass_through  # Arrow's functions, once there are rows

    runner = Runner(query, context, list(projects))
    for number, project in enumerate(projects):
        if not isinstance(project, ManifestProject):
            raise TypeError(f"{project.place} holds no rows")
        start = 0
        for rows in project.tables():
            passage = _passage(query, context, project.meta.name, rows) if pass_through(rows) else None
            if passage is not None:
                yield len(rows), passage
            else:
                yield from ((1, runner.outcome(number, index)) for index in range(start, start + len(rows)))
            start += len(rows)


def _passage(query: Query, context: Context, project: str, rows: pa.Table) -> Passage | None:
    """What becomes of rows; None where they become so many at once that they are better taken one by one."""
    datasets = rows["dataset"].to_pylist()
    heights, widths = (np.asarray(rows[side].to_numpy(), np.int64) for side in ("height", "width"))
    batch = ElementColumns(project, datasets, rows["name"].to_pylist(), heights, widths)
    tags = [batch.tag_list(tuple(tags)) for tags in rows["tags"].to_pylist()]
    start = Flow(batch, np.arange(len(batch)), np.array(tags, np.int64))
    out = start
    entered = np.zeros(len(batch), np.bool_)
    received: Counter[int] = Counter()
    emitted: Counter[tuple[int, int]] = Counter()
    pools: dict[str, list[Flow]] = defaultdict(list)
    for layer in query.order:
        if isinstance(layer.action, Data):
            read = {dataset for dataset in set(datasets) if reads(layer, project, dataset)}
            arriving = start.where(np.array([dataset in read for dataset in datasets], np.bool_))
            entered[arriving.rows] = True
        else:
            arriving = Flow.joined(batch, [flow for name in dict.fromkeys(layer.src) for flow in pools[name]])
        if len(arriving) > MOST_ELEMENTS:
            return None
        received[layer.index] += len(arriving)
        if layer is query.save_layer:
            out = arriving.ordered_by_source()
            continue
        flow, ports = layer.action.apply_each(arriving, layer, context)
        for port in range(len(layer.dst)):
            emitted[layer.index, port] += int(np.count_nonzero(ports == port))
        for name in dict.fromkeys(layer.dst):
            if name != NULL and name in query.readers:
                pools[name].append(flow.where(np.array([name == other for other in layer.dst])[ports]))
    pixels = int((heights * widths)[entered].sum())
    return Passage(_rows(rows, out), out.names, int(np.count_nonzero(entered)), received, emitted, pixels)


def _rows(rows: pa.Table, out: Flow) -> pa.Table:
    """The rows of what comes out, still with the names that they had."""
    taken = _taken(rows, out.rows)
    outputs = {dataset: output_dataset(out.batch.project, dataset) for dataset in set(out.batch.datasets)}
    taken = _with_column(taken, "dataset", [outputs[dataset] for dataset in out.datasets])
    lists = list(out.batch.tag_lists)
    return _with_column(taken, "tags", [lists[index] for index in out.tags.tolist()])


def _taken(rows: pa.Table, indices: Integers) -> pa.Table:
    """Some rows, in this order."""
    if len(indices) == len(rows) and (np.diff(indices, prepend=-1) == 1).all():
        return rows
    return rows.take(pa.array(indices))


def _with_column(rows: pa.Table, name: str, values: Sequence[object]) -> pa.Table:
    place = rows.schema.get_field_index(name)
    kind = rows.schema.field(place)
    return rows.set_column(place, kind, pa.array(values, kind.type))
