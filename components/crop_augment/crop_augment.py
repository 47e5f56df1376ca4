"""Cuts training crops out of the tagged images, mirrors them, and splits them into training and validation."""

from __future__ import annotations

from pathlib import Path

from components.core.documents.tutorial import CROP_AUGMENT_QUERY
from components.core.dtl.run import QueryRun
from components.core.dtl.stage import run_stage


def crop_augment(
    project: str | Path,
    crops: str | Path,
    *,
    query: str | Path = "",
    report: str | Path | None = None,
    seed: int = 0,
    workers: int = 1,
    max_bad: int = 0,
) -> QueryRun:
    """Run the stage's query.

    Args:
        project: Directory of the project that goes in.
        crops: Directory of the crops' project.
        query: JSON text or file; the tutorial's query where empty.
        report: HTML file of the query's graph and a contact sheet; None for none.
        seed: Random seed.
        workers: Worker processes (0 = one per core).
        max_bad: How many source items may be skipped.

    Returns:
        The query and its counts.

    Raises:
        ConfigError: If the query is faulty or does not fit the project.
        DataError: If the project cannot be read, or more than `max_bad` items are skipped.
    """
    return run_stage(
        query or CROP_AUGMENT_QUERY,
        project,
        crops,
        report=report,
        seed=seed,
        workers=workers,
        max_bad=max_bad,
        stage="crop_augment",
    )
