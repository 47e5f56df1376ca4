from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.core.errors import StorageError
from components.core.storage import staged_file
from components.core.storage.atomic_directory import staged_directory


class Killed(BaseException):
    """Ends a block as Ctrl-C does."""


def test_a_directory_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "project"
    with staged_directory(target) as aside:
        (aside / "meta.json").write_text("{}")
        assert not target.exists()
    assert (target / "meta.json").read_text() == "{}"
    assert [path.name for path in target.parent.iterdir()] == ["project"]


def test_a_directory_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "project"
    target.mkdir()
    (target / "old").write_text("old")
    with staged_directory(target) as aside:
        (aside / "new").write_text("new")
        assert (target / "old").exists()
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


@pytest.mark.parametrize("error", [ValueError, Killed])
def test_a_failed_block_leaves_the_old_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "project"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(error), staged_directory(target) as aside:
        (aside / "half").write_text("half")
        raise error
    assert (target / "old").read_text() == "old"
    assert [path.name for path in tmp_path.rglob("*")] == ["project", "old"]


@pytest.mark.parametrize("error", [ValueError, Killed])
def test_a_failed_file_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "metrics.json"
    target.write_text("old")
    with pytest.raises(error), staged_file(target) as aside:
        aside.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.rglob("*")] == ["metrics.json"]


def test_a_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "metrics.json"
    for text in ("first", "second"):
        with staged_file(target) as aside:
            aside.write_text(text)
        assert target.read_text() == text
    assert [path.name for path in target.parent.iterdir()] == ["metrics.json"]


def test_a_directory_where_a_file_is_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project").write_text("a file")
    with pytest.raises(StorageError, match="is not a directory"), staged_directory(tmp_path / "project"):
        pass
    assert (tmp_path / "project").read_text() == "a file"
    with pytest.raises(StorageError, match=f"^{os.devnull}: is not a directory"), staged_directory(os.devnull):
        pass
    assert Path(os.devnull).is_char_device()


@pytest.mark.parametrize("stage", [staged_directory, staged_file])
def test_a_place_below_a_file_is_refused(tmp_path: Path, stage: object) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot (be written|write it)"), stage(tmp_path / "file" / "below"):  # type: ignore[operator]
        pass
