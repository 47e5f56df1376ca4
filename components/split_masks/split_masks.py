"""Splits each scene's predicted mask into one object a building."""

from __future__ import annotations

from pathlib import Path

from components.core.documents.tutorial import SPLIT_MASKS_QUERY
from components.core.dtl.run import QueryRun
from components.core.dtl.stage import run_stage


def split_masks(
    project: str | Path,
    split: str | Path,
    *,
    query: str | Path = "",
    report: str | Path | None = None,
    seed: int = 0,
    workers: int = 1,
    max_bad: int | None = 0,
    allow_empty: bool = False,
) -> QueryRun:
    """Run the stage's query.

    Args:
        project: Directory of the project that goes in.
        split: Directory of the split project.
        query: JSON text or file; the tutorial's query where empty.
        report: HTML file of the query's graph and a contact sheet; None for none.
        seed: Random seed.
        workers: Worker processes (0 = one per core).
        max_bad: How many source items may be skipped.
        allow_empty: Whether there may be no source item, or none that did not fail.

    Returns:
        The query and its counts.

    Raises:
        ConfigError: If the query is faulty or does not fit the project.
        DataError: If the project cannot be read, more than `max_bad` items are skipped, or no item is there or left.
    """
    return run_stage(
        query or SPLIT_MASKS_QUERY,
        project,
        split,
        report=report,
        seed=seed,
        workers=workers,
        max_bad=max_bad,
        allow_empty=allow_empty,
        stage="split_masks",
    )
