"""DTL queries as parameters: each by itself, and what may come out of them without any image being read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core.dtl.dry_run import Followed, follow
from components.core.dtl.engine import check_sources
from components.core.dtl.graph import Query, build_query
from components.core.dtl.possible import Possible
from components.core.dtl.query import read_query
from components.core.errors import ConfigError
from components.core.figures import Shape
from components.core.preflight.named_faults import NamedFaults
from components.core.project import ClassInfo, ProjectMeta
from components.core.settings import naming_file

IMPORTED_PROJECT, DATASET, CLASS_TITLE = "INRIA", "ds", "untitled"
"""What import_images calls the project, its dataset and its class where a pipeline runs it."""

QUERY = "query"
"""What messages about a query begin with."""

ADVICE = "change that condition"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class QueryParameter:
    """A query, and the parameter that it is given as.

    Attributes:
        key: Name of the parameter.
        query: The query.
        advice: What to do where no image passes it.
    """

    key: str
    query: Query
    advice: str = ADVICE


def read_query_parameter(
    faults: NamedFaults, key: str, source: str, default: Path | str, advice: str = ADVICE
) -> QueryParameter | None:
    """Read a query.

    Args:
        faults: Get what is wrong with it.
        key: Name of the parameter.
        source: JSON text or a file; empty for the default.
        default: The stage's own.
        advice: What to do where no image passes it.

    Returns:
        The query; None where it is broken.
    """
    with faults.of(key, head=QUERY), naming_file(source):
        return QueryParameter(key, build_query(read_query(source.strip() or default)), advice)
    return None


def imported(names: Iterable[str] | None = None, shape: Shape = Shape.BITMAP) -> Possible:
    """What import_images gives.

    Args:
        names: Of the images; None where they are not known.
        shape: Of the objects.
    """
    meta = ProjectMeta(IMPORTED_PROJECT, (ClassInfo.with_own_color(CLASS_TITLE, shape),))
    return Possible(meta, names=None if names is None else frozenset(names))


def passed(faults: NamedFaults, given: QueryParameter, project: Possible) -> Followed | None:
    """Follow a query that reads one project.

    Args:
        faults: Get projects and datasets that are not there, mappings that do not fit, and that no image passes.
        given: The query.
        project: What the stage before gives.

    Returns:
        What comes out; None where that cannot be said, or nothing can.
    """
    query = given.query
    with faults.of(given.key, head=QUERY):
        check_sources(query, {project.meta.name: lambda: [DATASET]})
        followed = follow(query, {project.meta.name: project})
        if followed.result is None:
            raise ConfigError(f"{QUERY}: no image can come out of it: {followed.why_nothing()}; {given.advice}")
        for layer in followed.shut:
            log.info("%s: one destination of %s receives no images", given.key, layer.place)
        return followed
    return None


def check_tagged(project: Possible, tags: Sequence[str], where: str, giver: str) -> None:
    """See that images may carry one of some tags.

    Args:
        project: What a query gives.
        tags: One of them is asked for.
        where: Who asks, for messages.
        giver: Who gives the project, for messages.

    Raises:
        ConfigError: If none can.
    """
    if not project.perhaps.intersection(tags):
        named = " or ".join(map(repr, tags))
        there = ", ".join(map(repr, sorted(project.perhaps))) or "none"
        raise ConfigError(f"{where}: {named} is a tag that {giver} gives to no image; tags that it gives: {there}")
