"""A query followed without any image: what can come out of it, and where nothing can pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from components.core.dtl.action import NULL, QueryLayer
from components.core.dtl.actions.data import Data
from components.core.dtl.engine import output_meta
from components.core.dtl.graph import Query
from components.core.dtl.possible import Possible
from components.core.project import ProjectMeta

SHOWN = 2
"""How many layers a message names that let nothing pass."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What was found.

    Attributes:
        result: What may come out; None where nothing can.
        meta: Of the project that comes out, empty or not.
        arriving: What may arrive at each layer, by its index; layers that nothing can reach are left out.
        shut: Layers that something may reach and that let none of it through to one of the names they write.
    """

    result: Possible | None
    meta: ProjectMeta
    arriving: Mapping[int, Possible]
    shut: tuple[QueryLayer, ...]

    def why_nothing(self) -> str:
        """Where everything ended, for a message."""
        shown = [
            f"{layer.place}: no image meets `{layer.action.summary()}`{layer.action.there(self.arriving[layer.index])}"
            for layer in self.shut[:SHOWN]
        ]
        others = len(self.shut) - len(shown)
        return "; ".join(shown) + (f"; nor what {others} more layers ask for" if others else "")


def follow(query: Query, projects: Mapping[str, Possible]) -> Followed:
    """Follow a query.

    What is said to be impossible is so for any images; whether what is possible happens, the images decide.

    Args:
        query: Checked by `build_query`.
        projects: What the projects hold, by name, of all that the query reads.

    Raises:
        ConfigError: If a mapping or setting does not fit the classes, or classes of one title differ in shape.
    """
    meta = output_meta(query, {name: project.meta for name, project in projects.items()})
    written: dict[str, Possible] = {}
    arriving: dict[int, Possible] = {}
    shut: list[QueryLayer] = []
    result: Possible | None = None
    for layer in query.order:
        if isinstance(layer.action, Data):
            sources = [projects[name.split("/")[0]] for name in layer.src]
        else:
            sources = [written[name] for name in layer.src if name in written]
        if not sources:
            continue
        arrived = arriving[layer.index] = _joined(sources)
        outcomes = layer.action.divide(arrived)
        if layer is query.save_layer:
            result = replace(arrived, meta=meta)
            continue
        ways = list(zip(layer.dst, outcomes, strict=True))
        for name, outcome in ways:
            if outcome is not None:
                written[name] = _joined([written[name], outcome] if name in written else [outcome])
        if any(outcome is None and name != NULL for name, outcome in ways):
            shut.append(layer)
    return Followed(result, meta, arriving, tuple(shut))


def _joined(several: Iterable[Possible]) -> Possible:
    return reduce(Possible.joined, several)
