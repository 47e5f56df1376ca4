"""What every step of a pipeline does around its stage: settings that are mounted, documents as JSON, metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from components.core.storage import counted
from components.core.storage.mounted import adopt_mounted_settings

Document = Sequence[Any] | Mapping[str, Any] | str
"""A query or config: parsed, as Kubeflow has it, or JSON text or the path of a file, as a command line has it."""

Echo = Callable[[str], None]
"""Hears a line that a stage says at its end."""


def no_echo(line: str) -> None:
    """Hear a line and pass it on to nobody: a step's page shows its artifacts and metrics instead."""


class Artifact(Protocol):
    """An input or output of a step, as far as stages know Kubeflow's."""

    path: str
    metadata: dict[str, Any]


class Metrics(Protocol):
    """A step's scalar metrics, which Kubeflow's page shows as a table."""

    def log_metric(self, metric: str, value: float) -> None:
        """Set one of them."""


@contextmanager
def step(metrics: Metrics | None = None, *artifacts: Artifact) -> Iterator[dict[str, float]]:
    """Run a stage as a step of a pipeline, and show its numbers once it has ended.

    Args:
        metrics: Get the numbers, and megabytes read and written; None for a step that shows none.
        artifacts: Get the numbers as metadata.

    Yields:
        Takes the stage's numbers, by name.

    Raises:
        StorageError: Mounted settings cannot be read.
    """
    adopt_mounted_settings()
    numbers: dict[str, float] = {}
    with counted() as moved:
        yield numbers
    for artifact in artifacts:
        artifact.metadata.update(numbers)
    if metrics is not None:
        for name, value in (numbers | moved.megabytes()).items():
            metrics.log_metric(name, value)


def path_of(artifact: Artifact | None) -> str | None:
    """Where an artifact lies that may be left out."""
    return None if artifact is None else artifact.path


def document_text(document: Document) -> str:
    """A query or config as stages take it.

    Args:
        document: As a pipeline's parameter holds it. Whole numbers may arrive as floats: Kubeflow's local runner gives
            512 as 512.0.

    Returns:
        JSON, or the file that is named; empty for an empty document, which stands for the stage's default.
    """
    if isinstance(document, str):
        return document
    return json.dumps(_whole(document), ensure_ascii=False) if document else ""


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _whole(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(entry) for entry in value]
    return value
