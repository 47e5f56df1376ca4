from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.core.errors import DataError
from components.core.project import ProjectMeta, manifest_writer, open_project
from components.core.project.history import HISTORY_FILE, StageRun, merged_histories, read_history, write_history
from components.core.skip_budget import Skipped

IMPORTED = StageRun("import_images", 3, 1.5, 0.25, (Skipped("town4", "it is broken"),))
INFERRED = StageRun("infer_windows", 3, 1.5, 2.0)


def test_a_project_says_what_led_to_it(tmp_path: Path) -> None:
    with manifest_writer(tmp_path / "project", ProjectMeta("towns", ())) as writer:
        writer.history = (IMPORTED, INFERRED)

    assert read_history(tmp_path / "project") == (IMPORTED, INFERRED)


def test_the_file_calls_them_as_earlier_versions_do(tmp_path: Path) -> None:
    write_history(tmp_path, (IMPORTED,))
    assert json.loads((tmp_path / HISTORY_FILE).read_text()) == [
        {
            "stage": "import_images",
            "scenes": 3,
            "megapixels": 1.5,
            "seconds": 0.25,
            "left_out": [{"name": "town4", "reason": "it is broken"}],
        }
    ]


def test_the_digest_does_not_depend_on_it(tmp_path: Path) -> None:
    for name, history in (("silent", ()), ("told", (IMPORTED,))):
        with manifest_writer(tmp_path / name, ProjectMeta("towns", ())) as writer:
            writer.history = history

    assert read_history(tmp_path / "silent") == ()
    assert open_project(tmp_path / "silent").digest() == open_project(tmp_path / "told").digest()


@pytest.mark.parametrize("text", ["{", "[{}]", '[{"stage": "x", "left_out": [{"who": 1}]}]'])
def test_a_broken_one_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    (tmp_path / HISTORY_FILE).write_text(text)

    with pytest.raises(DataError, match=HISTORY_FILE):
        read_history(tmp_path)


def test_shared_steps_are_told_once() -> None:
    other = StageRun("infer_windows", 2, 1.0, 1.0)

    assert merged_histories([(IMPORTED, INFERRED), (IMPORTED, other)]) == (IMPORTED, INFERRED, other)
