"""Notes of a run for the next: whatever became of the file, there are none or all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from components.core.parquet_notes import Notes, notes_bytes, read_notes

SCHEMA = pa.schema([("name", pa.string()), ("number", pa.int64())])
ROWS = [{"name": f"scene {number}", "number": number} for number in range(500)]


def test_notes_come_back(tmp_path: Path) -> None:
    place = tmp_path / "notes.parquet"
    assert read_notes(str(place)) == Notes()
    place.write_bytes(notes_bytes(ROWS, SCHEMA.with_metadata({b"of": b"this"})))
    assert read_notes(str(place)) == Notes(ROWS, {b"of": b"this"})
    place.write_bytes(notes_bytes([], SCHEMA))
    assert read_notes(str(place)) == Notes([])


def test_broken_notes_are_none(tmp_path: Path) -> None:
    place, whole = tmp_path / "notes.parquet", notes_bytes(ROWS, SCHEMA)
    for broken in (b"", b"broken", whole[:-1], whole[len(whole) // 2 :], whole[:40] + bytes(40) + whole[80:]):
        place.write_bytes(broken)
        assert read_notes(str(place)) == Notes()
