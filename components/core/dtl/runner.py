"""One source item through the graph; what a worker does."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from components.core.dtl.action import NULL, Context, Element, QueryLayer, Source
from components.core.dtl.actions.data import Data
from components.core.dtl.graph import Query
from components.core.dtl.places import at_layer
from components.core.errors import ConfigError, FootprintsError
from components.core.project import Item, Project, open_project
from components.core.scene_errors import scene_errors, stops_all
from components.core.skip_budget import Skipped

MOST_ELEMENTS = 1_000_000
"""Elements that a name may hold of one source item: they wait in memory, and a short query could ask for 2^60."""


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """What became of one source item.

    Attributes:
        elements: What came out.
        received: How many elements arrived at each layer, by its index.
        emitted: How many elements each layer gave, by (index, port).
        pixels: Of the source item, where it entered.
        counted: False in a dry run where there may be more items, or fewer, anywhere in the query.
        skipped: Project, dataset and name of the item, and why nothing came out, where it failed.
    """

    elements: tuple[Element, ...] = ()
    received: Counter[int] = field(default_factory=Counter)
    emitted: Counter[tuple[int, int]] = field(default_factory=Counter)
    pixels: int = 0
    counted: bool = True
    skipped: Skipped | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A run of source items: those from `start` to before `stop` of one project."""

    project: int
    start: int
    stop: int


def start_runner(query: Query, context: Context, places: tuple[str, ...]) -> Callable[[Task], list[ItemOutcome]]:
    """Open the projects and give the function that runs a task."""
    runner = Runner(query, context, [open_project(place) for place in places])
    return lambda task: [runner.outcome(task.project, index) for index in range(task.start, task.stop)]


class Runner:
    """Runs source items through a query, one by one; an item that fails leaves nothing."""

    def __init__(self, query: Query, context: Context, projects: list[Project]) -> None:
        self._query = query
        self._context = context
        self._projects = projects

    def outcome(self, project: int, index: int) -> ItemOutcome:
        """Read one source item and run it.

        Raises:
            ConfigError: If the query itself is at fault, so that other items would fare no better.
        """
        opened = self._projects[project]
        label = opened.label(index)
        dataset = label.split("/")[0]
        if not any(reads(layer, opened.meta.name, dataset) for layer in self._query.data_layers):
            return ItemOutcome()
        try:
            with scene_errors(label):
                return self._run(opened, opened.item(index))
        except FootprintsError as error:
            if isinstance(error, ConfigError) or stops_all(error):
                raise
            return ItemOutcome(skipped=Skipped(f"{opened.meta.name}/{label}", str(error)))

    def _run(self, project: Project, item: Item) -> ItemOutcome:
        source = Source(project.meta.name, item.dataset, item.name)
        start = Element(replace(item, dataset=output_dataset(source.project, source.dataset)), source)
        outcome, counted = ItemOutcome(pixels=item.size.area), True
        pools: dict[str, list[Element]] = defaultdict(list)
        for layer in self._query.order:
            arriving = self._arriving(layer, start, project, pools)
            outcome.received[layer.index] += len(arriving)
            if layer is self._query.save_layer:
                outcome = replace(outcome, elements=tuple(arriving))
                continue
            with at_layer(layer), scene_errors(str(source)):
                for element in arriving:
                    for emission in layer.action.apply(element, layer, self._context):
                        outcome.emitted[layer.index, emission.port] += 1
                        _check_number(outcome.emitted[layer.index, emission.port], source)
                        counted &= emission.element.counted
                        name = layer.dst[emission.port]
                        if name != NULL and name in self._query.readers:
                            pools[name].append(emission.element)
        return replace(outcome, counted=counted)

    def _arriving(
        self, layer: QueryLayer, start: Element, project: Project, pools: dict[str, list[Element]]
    ) -> list[Element]:
        if isinstance(layer.action, Data):
            is_read = reads(layer, start.source.project, start.source.dataset)
            with at_layer(layer):
                return [layer.action.enter(start, project.meta)] if is_read else []
        return [element for name in dict.fromkeys(layer.src) for element in pools[name]]


def _check_number(elements: int, source: Source) -> None:
    if elements > MOST_ELEMENTS:
        raise ConfigError(
            f"makes more than {MOST_ELEMENTS:,} items of the one image {str(source)!r}; use larger windows, fewer "
            "copies, or fewer layers that are read twice over"
        )


def reads(layer: QueryLayer, project: str, dataset: str) -> bool:
    """Whether a data layer reads a dataset."""
    return f"{project}/*" in layer.src or f"{project}/{dataset}" in layer.src


def output_dataset(project: str, dataset: str) -> str:
    """The dataset of what comes out of a dataset."""
    return f"{project}__{dataset}"
