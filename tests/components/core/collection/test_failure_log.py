from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.core.collection.failure_log import MOST_TRIES, FailureEntry, FailureLog
from components.core.collection.ledger import Collection, Mark

MARK = Mark("town-1d", "ab", "cd")
NOTE = FailureEntry("2026/täby.tif", "infer_windows", "its tiles are broken", 1, "run")


def test_a_note_is_read_as_it_was_written(tmp_path: Path) -> None:
    notes = FailureLog(Collection(str(tmp_path)))
    assert (notes.marks(), notes.read(MARK)) == (set(), None)

    notes.write(MARK, NOTE)

    assert (notes.marks(), notes.read(MARK)) == ({MARK}, NOTE)
    assert json.loads((tmp_path / "failures" / "town-1d.ab.cd.json").read_text())["key"] == "2026/täby.tif"
    notes.forget(MARK)
    notes.forget(MARK)
    assert notes.marks() == set()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key": 1}'])
def test_a_broken_note_is_none(tmp_path: Path, content: str) -> None:
    notes = FailureLog(Collection(str(tmp_path)))
    notes.write(MARK, NOTE)
    Path(notes.place(MARK)).write_text(content)
    assert notes.read(MARK) is None


def test_a_scene_is_hopeless_after_some_tries() -> None:
    hopeless = [
        FailureEntry("a.tif", "infer_windows", "", tries, "run").is_exhausted for tries in range(1, MOST_TRIES + 2)
    ]
    assert hopeless == [False] * (MOST_TRIES - 1) + [True] * 2
