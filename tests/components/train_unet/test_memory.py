"""Batches that do not fit into the memory: told with the batch that does, from training and from validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.core.documents.training import load_config
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.project import open_project
from components.train_unet.checkpoint_store import CheckpointStore
from components.train_unet.data import Datasets
from components.train_unet.dataset import WindowDataset
from components.train_unet.devices import DevicePlan
from components.train_unet.training import Fitted, fit
from tests.components.core.network.hungry import HungryUNet
from tests.components.train_unet.projects import SIDE, TINY, block_project

ONE = DevicePlan("cpu", (0,), "32-true", "the CPU")
TWO = DevicePlan("cpu", (0, 0), "32-true", "two processes on the CPU")


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Datasets:
    """Twelve items to learn from, six to measure on."""
    project = open_project(block_project(tmp_path_factory.mktemp("blocks"), 12, 6))
    values = {"untitled": 1}
    train, val = (WindowDataset(project, rows, values, Size(SIDE, SIDE)) for rows in (range(12), range(12, 18)))
    return Datasets(train, val)


def fitted(network: HungryUNet, datasets: Datasets, work_dir: Path, plan: DevicePlan = ONE, **config: Any) -> Fitted:
    return fit(network, datasets, load_config(TINY | {"epochs": 1} | config), plan, CheckpointStore(work_dir))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_training_batch_that_is_too_large(datasets: Datasets, tmp_path: Path, precision: Any) -> None:
    network = HungryUNet(learns=5, looks=12)
    plan = DevicePlan("cpu", (0,), precision, "the CPU")
    with pytest.raises(ConfigError) as caught:
        fitted(network, datasets, tmp_path, plan, batch_size={"train": 12, "val": 6})
    assert str(caught.value) == (
        "train.config: batch_size.train: a batch of 12 does not fit into the memory of the device (the CPU); smaller "
        "batches were tried, with 2% of the memory kept free: use at most 5"
    )
    assert network.seen == [12, 6, 3, 4, 5]
    fitted(HungryUNet(learns=5, looks=12), datasets, tmp_path / "again", plan, batch_size={"train": 5, "val": 6})


def test_a_validation_batch_that_is_too_large(datasets: Datasets, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"^train.config: batch_size.val: a batch of 6 does not fit .* use at most 2$"
    ):
        fitted(HungryUNet(learns=12, looks=2), datasets, tmp_path, batch_size={"train": 12, "val": 6})


def test_not_even_one_item_fits(datasets: Datasets, tmp_path: Path) -> None:
    said = "not even 1 fits: use a smaller input_size or encoder, or a GPU with more memory"
    with pytest.raises(ConfigError, match=said):
        fitted(HungryUNet(learns=0, looks=0), datasets, tmp_path)


def test_the_error_of_a_training_process_arrives(datasets: Datasets, tmp_path: Path) -> None:
    """Each of two processes tries by itself: neither waits for gradients of the other."""
    with pytest.raises(
        ConfigError, match=r"^train.config: batch_size.train: a batch of 6 does not fit .* use at most 2$"
    ):
        fitted(HungryUNet(learns=2, looks=12), datasets, tmp_path, TWO, batch_size={"train": 6, "val": 6})
