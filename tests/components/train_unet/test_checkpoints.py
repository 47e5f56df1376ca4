"""What a training does with its checkpoints: which it goes on from, which not, and where none can be written."""

from __future__ import annotations

import json
import logging
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from components.core.command.run import stage_main
from components.core.documents.training import load_config
from components.core.errors import StorageError
from components.core.geometry import Size
from components.core.network.unetv2 import UNetV2
from components.core.project import open_project, write_manifest
from components.core.storage.mounted import DATA_ROOT_VARIABLE
from components.train_unet.checkpoint_store import CheckpointStore
from components.train_unet.checkpointing import Checkpointing
from components.train_unet.data import Datasets
from components.train_unet.dataset import Sample, WindowDataset
from components.train_unet.devices import DevicePlan
from components.train_unet.identity import LEFTOVER
from components.train_unet.stopping import EXIT_CODE
from components.train_unet.train_unet import train
from components.train_unet.training import fit
from tests.builders import bitmap_meta, noise, write_raster
from tests.components.train_unet.projects import SIDE, TINY, block_item, block_project
from tests.full_disk import leave_free

CONFIG = TINY | {"epochs": 3}
"""Nine steps; a checkpoint after each third."""

ONE = DevicePlan("cpu", (0,), "32-true", "the CPU")
TWO = DevicePlan("cpu", (0, 0), "32-true", "two processes on the CPU")


class Killed(BaseException):
    """Ends a training from outside."""


def die() -> None:
    raise Killed


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def after_step(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], pytest.MonkeyPatch]:
    """Do something after a training step, before anything is saved of it."""
    answer = Checkpointing.on_train_batch_end

    def install(step: int, act: Callable[[], None]) -> pytest.MonkeyPatch:
        def wrapped(saving: Checkpointing, trainer: Any, module: Any, *others: Any) -> None:
            if module.steps_done == step:
                act()
            answer(saving, trainer, module, *others)

        monkeypatch.setattr(Checkpointing, "on_train_batch_end", wrapped)
        return monkeypatch

    return install


AfterStep = Callable[[int, Callable[[], None]], pytest.MonkeyPatch]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """A project, and the weights of a training on it that was left alone."""
    folder = tmp_path_factory.mktemp("whole")
    project = block_project(folder)
    train(project, folder / "model", config=CONFIG)
    return project, weights(folder / "model")


@pytest.fixture
def killed(whole: tuple[Path, dict[str, Tensor]], tmp_path: Path, after_step: AfterStep) -> Path:
    """The place of checkpoints of a training that was killed after its eighth step."""
    patch = after_step(8, die)
    with pytest.raises(Killed):
        train(whole[0], tmp_path / "model", config=CONFIG, work_dir=tmp_path / "work")
    patch.undo()
    assert not (tmp_path / "model").exists()
    return tmp_path / "work"


def weights(model: Path) -> dict[str, Tensor]:
    return load_file(model / "model.safetensors")


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(value.equal(second[name]) for name, value in first.items())


def archives(place: Path) -> list[Path]:
    return sorted(place.rglob("*.ckpt"))


def matching(pattern: str, caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """The records whose message matches a pattern."""
    return [record for record in caplog.records if re.search(pattern, record.getMessage())]


@pytest.mark.parametrize("broken,start", [(1, "resuming from checkpoint .*, after step 3 of 9"), (2, "it starts")])
def test_a_training_goes_on_from_the_newest_that_is_whole(
    whole: tuple[Path, dict[str, Tensor]],
    killed: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    broken: int,
    start: str,
) -> None:
    for file in archives(killed)[-broken:]:
        os.truncate(file, file.stat().st_size // 2)
    with caplog.at_level(logging.INFO):
        train(whole[0], tmp_path / "model", config=CONFIG, work_dir=killed)
    assert len(matching("cannot be used: it has", caplog)) == broken
    assert len(matching(start, caplog)) == 1
    assert equal(weights(tmp_path / "model"), whole[1])


def test_what_an_earlier_release_did_not_know_of_its_best_validation_is_found_at_the_end(
    whole: tuple[Path, dict[str, Tensor]], killed: Path, tmp_path: Path
) -> None:
    """Its checkpoints say nothing of probabilities, and no later validation may be better than theirs."""
    expected = []
    for folder in ("with", "without"):
        work = tmp_path / folder
        shutil.copytree(killed, work)
        (place,) = {file.parent for file in archives(work)}
        store = CheckpointStore(place)
        found = store.newest(tmp_path)
        assert found is not None
        history = found.content["history"]
        for row in history["rows"]:
            row["loss"] /= 1000  # better than what comes
        if folder == "without":
            del history["calibrations"]
        store.save(found.content)
        result = train(whole[0], tmp_path / f"{folder}_model", config=CONFIG | {"calibrate": True}, work_dir=work)
        assert result.metrics["best_step"] <= 6, "before the release that goes on"
        expected.append(result)
    told = [result.metrics["calibration"] for result in expected]
    assert told[1]["temperature"] == pytest.approx(told[0]["temperature"])
    assert told[1]["plain"]["error"] == pytest.approx(told[0]["plain"]["error"], abs=1e-6)
    configs = [json.loads((Path(result.model) / "config.json").read_text()) for result in expected]
    assert configs[0] == configs[1] and configs[1]["thresholds"]


def test_a_network_that_draws_random_numbers_goes_on_from_where_it_was(tmp_path: Path, after_step: AfterStep) -> None:
    """One of segmentation_models_pytorch that leaves out parts of itself at random, with weights that it never uses."""
    project = block_project(tmp_path, 6, 2, side=64)
    config = CONFIG | {
        "architecture": "smp.Unet",
        "encoder": "timm-efficientnet-b0",
        "batch_size": {"train": 2, "val": 2},
    }
    config |= {"input_size": {"height": 64, "width": 64}, "epochs": 2, "ema_decay": 0.9, "recompute_statistics": 2}
    train(project, tmp_path / "whole", config=config)
    patch = after_step(5, die)
    with pytest.raises(Killed):
        train(project, tmp_path / "model", config=config, work_dir=tmp_path / "work")
    patch.undo()
    train(project, tmp_path / "model", config=config, work_dir=tmp_path / "work")
    assert equal(weights(tmp_path / "model"), weights(tmp_path / "whole"))


def test_images_that_changed_make_another_training(
    tmp_path: Path, after_step: AfterStep, caplog: pytest.LogCaptureFixture
) -> None:
    project = block_project(tmp_path)
    patch = after_step(5, die)
    with pytest.raises(Killed):
        train(project, tmp_path / "model", config=CONFIG, work_dir=tmp_path / "work")
    patch.undo()
    write_raster(tmp_path / "block2.tif", noise(Size(SIDE, SIDE), 99))

    with caplog.at_level(logging.INFO):
        train(project, tmp_path / "model", config=CONFIG, work_dir=tmp_path / "work")

    (said,) = matching("They are not gone on from", caplog)
    assert said.levelno == logging.WARNING
    assert "another training on project 'blocks': its image or mask files have changed since" in said.getMessage()
    assert matching("it starts at the beginning", caplog)
    train(project, tmp_path / "fresh", config=CONFIG)
    assert equal(weights(tmp_path / "model"), weights(tmp_path / "fresh"))


def test_items_that_changed_make_another_training(
    whole: tuple[Path, dict[str, Tensor]], killed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = whole[0].parent
    items = [block_item(root, index, ("train",) if index < 11 else ("val",)) for index in range(16)]
    write_manifest(tmp_path / "project", bitmap_meta("blocks", tags=("train", "val")), items)
    with caplog.at_level(logging.INFO):
        train(tmp_path / "project", tmp_path / "model", config=CONFIG | {"epochs": 1}, work_dir=killed)
    (said,) = matching("They are not gone on from", caplog)
    assert said.levelno == logging.INFO
    assert "its training config and items and image or mask files differ" in said.getMessage()
    assert archives(killed), "they are there for the training that they belong to"


def test_what_is_done_with_the_network_afterwards_makes_no_other_training(
    whole: tuple[Path, dict[str, Tensor]], killed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        train(whole[0], tmp_path / "model", config=CONFIG | {"onnx": True, "calibrate": True}, work_dir=killed)
    assert not matching("it starts at the beginning", caplog)
    assert (tmp_path / "model" / "model.onnx").exists()


def test_checkpoints_of_a_training_that_was_given_up_are_removed(
    whole: tuple[Path, dict[str, Tensor]], killed: Path, tmp_path: Path
) -> None:
    (folder,) = killed.iterdir()
    copy = killed / "0123456789abcdef"
    shutil.copytree(folder, copy)
    (copy / "notes.txt").write_text("mine")
    for file in (*folder.iterdir(), *copy.iterdir()):
        old_s = time.time() - LEFTOVER.total_seconds() - 60
        os.utime(file, (old_s, old_s))
    train(whole[0], tmp_path / "model", config=CONFIG | {"epochs": 1}, work_dir=killed)
    assert list(killed.iterdir()) == [copy], "of a folder that holds something else nothing is removed"


def test_without_room_for_checkpoints_the_training_goes_on(
    whole: tuple[Path, dict[str, Tensor]], small_disk: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leave_free(small_disk, 1 << 20)
    train(whole[0], tmp_path / "model", config=CONFIG, work_dir=small_disk / "work")
    said = matching("no checkpoint after step [369]; the training goes on", caplog)
    assert len(said) == 3
    assert f"No space left on device on the disk of {small_disk}" in said[0].getMessage()
    assert equal(weights(tmp_path / "model"), whole[1])
    assert archives(small_disk) == []


def test_a_model_that_cannot_be_written_costs_no_training(
    whole: tuple[Path, dict[str, Tensor]], small_disk: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    leave_free(small_disk, 1 << 20)
    with pytest.raises(StorageError, match="No space left on device"):
        train(whole[0], small_disk / "model", config=CONFIG, work_dir=tmp_path / "work")
    assert not (small_disk / "model").exists(), "no model looks finished"
    leave_free(small_disk, 20 << 20)
    with caplog.at_level(logging.INFO):
        train(whole[0], small_disk / "model", config=CONFIG, work_dir=tmp_path / "work")
    assert matching("after step 9 of 9", caplog)
    assert not matching("validation after epoch", caplog), "nothing was left to do but to write it"
    assert equal(weights(small_disk / "model"), whole[1])


def test_checkpoints_lie_in_the_data_root(
    whole: tuple[Path, dict[str, Tensor]], tmp_path: Path, after_step: AfterStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--project", str(whole[0]), "--config", json.dumps(CONFIG), "--model", str(tmp_path / "model")]
    for name, more in (("given", ["--data-root", str(tmp_path / "given")]), ("own", [])):
        monkeypatch.setenv(DATA_ROOT_VARIABLE, str(tmp_path / "own"))
        with pytest.raises(SystemExit) as ended:
            after_step(4, terminate)
            stage_main("train_unet", flags + more)
        assert ended.value.code == EXIT_CODE == 143
        (folder,) = (tmp_path / name / "checkpoints").iterdir()
        assert CheckpointStore(folder).newest(tmp_path).content["step"] == 4  # type: ignore[union-attr]


def test_a_signal_to_a_training_without_a_place_ends_it_all_the_same(
    whole: tuple[Path, dict[str, Tensor]], tmp_path: Path, after_step: AfterStep, caplog: pytest.LogCaptureFixture
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    after_step(4, terminate)
    with pytest.raises(SystemExit, match="143"):
        train(whole[0], tmp_path / "model", config=CONFIG)
    assert matching("SIGTERM: the training ends after step 4 of 9 and is lost, since no place", caplog)
    assert not (tmp_path / "model").exists()
    assert signal.getsignal(signal.SIGTERM) is before


class RandomUNet(UNetV2):
    """Draws from every generator of random numbers that there is."""

    def forward(self, image: Tensor) -> Tensor:
        """As UNetV2's, of a noisy image."""
        if self.training:
            factor = random.random() + np.random.random()
            image = image.float() * factor + torch.rand_like(image, dtype=torch.float32)
        return super().forward(image)


def datasets_of(project: Path, kind: type[WindowDataset] = WindowDataset) -> Datasets:
    opened = open_project(project)
    values = {"untitled": 1}
    return Datasets(
        kind(opened, np.arange(12), values, Size(SIDE, SIDE)),
        WindowDataset(opened, np.arange(12, 16), values, Size(SIDE, SIDE)),
    )


def test_random_numbers_go_on_where_they_stood(
    whole: tuple[Path, dict[str, Tensor]], tmp_path: Path, after_step: AfterStep
) -> None:
    def trained(store: CheckpointStore | None) -> dict[str, Tensor]:
        for seeded in (torch.manual_seed, random.seed, np.random.seed):
            seeded(3)
        network = RandomUNet(2, "vgg16_bn_slim8")
        return fit(network, datasets_of(whole[0]), load_config(CONFIG), ONE, store).network.state_dict()

    expected = trained(None)
    store = CheckpointStore(tmp_path / "work")
    patch = after_step(5, terminate)
    with pytest.raises(SystemExit):
        trained(store)
    patch.undo()
    assert equal(trained(store), expected)


class Terminating(WindowDataset):
    """Sends a signal to the process that started this one when an item of its second batch is read."""

    read = 0

    def __getitem__(self, position: int) -> Sample:
        """As WindowDataset's, after the signal has come back."""
        self.read += 1
        if self.read == 3 and self.project.item(0).name == "block0":
            arrived: list[int] = []
            answer = signal.getsignal(signal.SIGTERM)
            assert callable(answer)
            signal.signal(signal.SIGTERM, lambda number, frame: (arrived.append(number), answer(number, frame)))  # type: ignore[arg-type]
            os.kill(os.getppid(), signal.SIGTERM)
            while not arrived:
                signal.sigtimedwait([], 0.01)
        return super().__getitem__(position)


def test_processes_that_train_together_end_together(whole: tuple[Path, dict[str, Tensor]], tmp_path: Path) -> None:
    store, config = CheckpointStore(tmp_path / "work"), load_config(TINY | {"batch_size": {"train": 2, "val": 2}})
    with pytest.raises(SystemExit, match="143"):
        fit(UNetV2(2, "vgg16_bn_slim8"), datasets_of(whole[0], Terminating), config, TWO, store)
    found = store.newest(tmp_path)
    assert found is not None
    assert (found.content["step"], found.content["validated"], len(found.content["random"])) == (2, 0, 2)

    fitted = fit(UNetV2(2, "vgg16_bn_slim8"), datasets_of(whole[0]), config, TWO, store)

    assert [row.step for row in fitted.history.rows if row.phase == "train"] == [1, 2, 3, 4, 5, 6]
    assert [row.step for row in fitted.history.rows if row.phase == "val"] == [3, 6]
