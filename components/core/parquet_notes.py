"""Notes that a run keeps for the next as Parquet; they can be deleted, and whoever needs them makes them again."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.core import storage


@dataclass(frozen=True, slots=True)
class Notes:
    """What a file of notes holds.

    Attributes:
        rows: By the names of columns.
        metadata: Of its schema.
    """

    rows: Sequence[dict[str, Any]] = ()
    metadata: Mapping[bytes, bytes] = field(default_factory=dict)


def read_notes(place: str) -> Notes:
    """What was noted; nothing where the file is missing or broken. Whether rows are as they should be is not looked at.

    Raises:
        StorageError: If it cannot be read.
    """
    if not storage.exists(place):
        return Notes()
    data = storage.read_bytes(place)
    try:
        table = pq.read_table(io.BytesIO(data))
        return Notes(table.to_pylist(), table.schema.metadata or {})
    except (pa.ArrowException, ValueError, OSError):  # the last of pages that are broken
        return Notes()


def notes_bytes(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> bytes:
    """Rows as a file of notes."""
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), written, compression="zstd")
    return written.getvalue()
