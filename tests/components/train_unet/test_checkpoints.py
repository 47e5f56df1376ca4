"""Checkpoints that a training finds in its folder: of its own, broken, or made to run code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from components.core.errors import DataError, StorageError
from components.train_unet.checkpoints import read_checkpoint
from components.train_unet.train_unet import train
from tests.components.train_unet.projects import TINY, block_project


class Evil:
    """Makes a folder where it is unpickled as it asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A project, and the folder of the checkpoints of a training on it."""
    folder = tmp_path_factory.mktemp("trained")
    project = block_project(folder / "project")
    train(project, folder / "model", config=TINY, work_dir=folder / "work")
    (checkpoints,) = (folder / "work").iterdir()
    return project, checkpoints


@pytest.mark.parametrize("name", ["best", "last"])
def test_what_a_training_wrote_is_read_without_running_code(trained: tuple[Path, Path], name: str) -> None:
    assert read_checkpoint(trained[1] / f"{name}.ckpt")["state_dict"]


def change(kind: str, file: Path, ran: Path) -> None:
    content = read_checkpoint(file)
    if kind == "evil":
        torch.save(content | {"plateau": Evil(ran)}, file)
    elif kind == "other":
        torch.save({"state_dict": {}}, file)
    else:
        os.truncate(file, int(float(kind) * file.stat().st_size))


@pytest.mark.parametrize("kind", ["evil", "other", "0", "0.5", "0.999"])
def test_a_checkpoint_that_cannot_be_used_says_what_to_do(
    trained: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    project, checkpoints = trained
    last = checkpoints / "last.ckpt"
    kept = last.read_bytes()
    change(kind, last, tmp_path / "ran")
    try:
        with pytest.raises(DataError, match=r"checkpoint .*last\.ckpt cannot be read \(it .*\); delete .*starts over"):
            train(project, tmp_path / "again", config=TINY, work_dir=checkpoints.parent)
    finally:
        last.write_bytes(kept)
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "again").exists()


def test_a_place_that_cannot_be_written_is_found_before_the_training(
    trained: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for places in (
        {"model_dir": tmp_path / "file" / "m"},
        {"model_dir": tmp_path / "m", "work_dir": tmp_path / "file"},
    ):
        with pytest.raises(StorageError, match=r"cannot write it: .*; a part of the path is a file"):
            train(trained[0], config=TINY, **places)
