"""Tags every image for training or testing, and with its town."""

from __future__ import annotations

from pathlib import Path

from components.core.documents.share import check_share_alone, share_query
from components.core.documents.tutorial import SPLIT_TAGGING_QUERY
from components.core.dtl.actions.split_blocks import SplitBlocks
from components.core.dtl.blocks import BETWEEN, FIRST, SECOND
from components.core.dtl.graph import build_query
from components.core.dtl.query import read_query
from components.core.dtl.run import QueryRun, predict_query
from components.core.dtl.stage import run_stage
from components.core.errors import ConfigError


def _check_both_sides(query: str, project: str | Path, seed: int, train_share: float) -> None:
    """Every image goes its way by chance; refuse a split with nothing on one side."""
    emitted = predict_query(query, [project], seed=seed).result.emitted
    train, test = emitted[1, 0], emitted[1, 1]
    if not train or not test:
        raise ConfigError(
            f"train_share: {train_share} with seed {seed} gives {train} images for training and {test} for testing; "
            "try another seed or share, or write a query"
        )


def _check_blocks(query: str | Path, project: str | Path, seed: int) -> None:
    """Where blocks of ground go their ways by chance, see that either side gets an image."""
    try:
        layers = build_query(read_query(query)).layers
    except ConfigError:
        return  # which the run tells with the place of each fault
    if not any(isinstance(layer.action, SplitBlocks) for layer in layers):
        return
    emitted = predict_query(query, [project], seed=seed).result.emitted
    for layer in layers:
        first, second, between = (emitted[layer.index, port] for port in (FIRST, SECOND, BETWEEN))
        if isinstance(layer.action, SplitBlocks) and first + second + between and not (first and second):
            raise ConfigError(
                f"{layer.place}.settings: blocks with seed {seed} give {first} images for the first side and {second} "
                f"for the second, and {between} lie between; use smaller blocks, a narrower gap, another seed or share"
            )


def split_tagging(
    project: str | Path,
    tagged: str | Path,
    *,
    query: str | Path = "",
    train_share: float = 0.0,
    project_name: str = "INRIA",
    report: str | Path | None = None,
    seed: int = 0,
    workers: int = 1,
    max_bad: int = 0,
) -> QueryRun:
    """Run the split-tagging query.

    Args:
        project: Directory of the imported project.
        tagged: Directory of the tagged project.
        query: JSON text or file; the tutorial's query where empty.
        train_share: Above 0, the ready-made one-branch query with this share runs instead.
        project_name: Name of the imported project, for the ready-made query.
        report: HTML file of the query's graph and a contact sheet; None for none.
        seed: Random seed.
        workers: Worker processes (0 = one per core).
        max_bad: How many source items may be skipped.

    Returns:
        The query and its counts.

    Raises:
        ConfigError: If the query is faulty or does not fit the project, or both a query and a share are given.
        DataError: If the project cannot be read, or more than `max_bad` items are skipped.
    """
    check_share_alone(train_share, query)
    if train_share:
        _check_both_sides(share_query(train_share, project_name), project, seed, train_share)
    chosen = share_query(train_share, project_name) if train_share else query or SPLIT_TAGGING_QUERY
    _check_blocks(chosen, project, seed)
    return run_stage(
        chosen,
        project,
        tagged,
        report=report,
        seed=seed,
        workers=workers,
        max_bad=max_bad,
        stage="split_tagging",
    )
