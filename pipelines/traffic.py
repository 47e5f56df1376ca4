"""How many bytes each stage of a finished local run read and wrote, from its metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.core.errors import DataError

COLUMNS = ("local_read_mb", "local_written_mb", "remote_read_mb", "remote_written_mb")
PICTURES = "report_read_mb"
"""The part of what a stage read that its report's pictures read."""


def traffic_table(run: Path) -> str:
    """A Markdown table of megabytes by stage, in the order that the stages ended.

    Args:
        run: Folder of a run, such as runs/latest.

    Raises:
        DataError: If no stage of that folder reported what it moved.
    """
    rows = sorted(_rows(run))
    if not rows:
        raise DataError(
            f"{run}: no stage reported what it moved; give the folder of a finished run, such as runs/latest"
        )
    lines = [
        "| stage | local read | of it for pictures | local written | store read | store written |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for _, stage, values in rows:
        read, written, *remote = (values[column] for column in COLUMNS)
        cells = (f"{value:,.1f}" for value in (read, values.get(PICTURES, 0.0), written, *remote))
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _rows(run: Path) -> Iterator[tuple[float, str, dict[str, Any]]]:
    for file in run.rglob("executor_output.json"):
        artifacts = json.loads(file.read_text(encoding="utf-8")).get("artifacts", {})
        for entry in artifacts.get("metrics", {}).get("artifacts", ()):
            if set(COLUMNS) <= entry.get("metadata", {}).keys():
                yield file.stat().st_mtime, file.parent.name.replace("-", "_"), entry["metadata"]
