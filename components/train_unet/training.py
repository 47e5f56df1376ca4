"""The training loop: Lightning's trainer, its checkpoints, and how a killed training goes on."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from pytorch_lightning.strategies import DDPStrategy, Strategy
from torch.multiprocessing.spawn import ProcessRaisedException

from components.core import errors
from components.core.documents.training import TrainConfig
from components.core.network.segmentation import SegmentationNetwork
from components.train_unet.checkpoints import SafeCheckpoints, read_checkpoint
from components.train_unet.data import Datasets, WindowData, rounds_of
from components.train_unet.devices import DevicePlan
from components.train_unet.history import History, LogProgress
from components.train_unet.module import VAL_LOSS, SegmentationModule
from components.train_unet.sampling import Rounds

BEST = "best"
LAST = "last"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a training leaves behind.

    Attributes:
        network: With the weights of the lowest validation loss.
        history: Of the whole training.
        rounds: How it was cut.
    """

    network: SegmentationNetwork
    history: History
    rounds: Rounds


def fit(
    network: SegmentationNetwork,
    datasets: Datasets,
    config: TrainConfig,
    plan: DevicePlan,
    work_dir: Path,
    max_bad: int = 0,
) -> Fitted:
    """Train a network; goes on where `work_dir` holds a checkpoint.

    Args:
        network: The network, its weights set; it is trained in place or in a copy.
        datasets: What is learnt from and measured on.
        config: How.
        plan: Where.
        work_dir: Folder of this training alone, for checkpoints.
        max_bad: How many images may be unreadable, beside the items that the config allows.

    Returns:
        The best network and the history.

    Raises:
        ConfigError: If the loss stops being a number.
        DataError: If the checkpoint cannot be used.
        StorageError: If one cannot be written.
        TooManySkippedError: If more fail.
    """
    rounds = rounds_of(config, len(datasets.train), plan.world)
    network.to(memory_format=torch.channels_last)  # the faster layout, on GPU and CPU alike
    module = SegmentationModule(network, config, rounds, max_bad)
    module.budgets["train"].items.total = len(datasets.train)
    module.budgets["val"].items.total = len(datasets.val)
    data = WindowData(datasets, config, rounds, pin_memory=plan.accelerator == "gpu")
    last = work_dir / f"{LAST}.ckpt"
    if last.is_file():
        log.info("resuming from checkpoint %s", last)
    with _quiet_lightning():
        trainer = _trainer(plan, rounds, work_dir)
        try:
            trainer.fit(module, datamodule=data, ckpt_path=last if last.is_file() else None, weights_only=True)
        except ProcessRaisedException as error:
            raise own_error(error) from error
    return Fitted(_best_network(network, work_dir), _history(last), rounds)


def _trainer(plan: DevicePlan, rounds: Rounds, work_dir: Path) -> pl.Trainer:
    on_terminal = sys.stderr.isatty()
    callbacks: list[Callback] = [
        ModelCheckpoint(
            work_dir, BEST, monitor=VAL_LOSS, save_weights_only=True, save_on_train_epoch_end=True,
            enable_version_counter=False,
        ),
        ModelCheckpoint(work_dir, LAST, save_on_train_epoch_end=True, enable_version_counter=False),
        TQDMProgressBar() if on_terminal else LogProgress(),
    ]  # fmt: skip
    return pl.Trainer(
        accelerator=plan.accelerator,
        devices=list(plan.devices) if plan.accelerator == "gpu" else plan.world,
        strategy=_strategy(plan),
        plugins=[SafeCheckpoints()],
        precision=plan.precision,
        max_epochs=len(rounds),
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        benchmark=plan.accelerator == "gpu",
        callbacks=callbacks,
        enable_progress_bar=on_terminal,
        enable_model_summary=False,
        logger=False,
        default_root_dir=work_dir,
    )


def _strategy(plan: DevicePlan) -> Strategy | str:
    if plan.world == 1:
        return "auto"
    # Spawned, not started as the same command again: a pipeline step must not run twice.
    backend = "nccl" if plan.accelerator == "gpu" else "gloo"
    return DDPStrategy(start_method="spawn", process_group_backend=backend, gradient_as_bucket_view=True)


def own_error(error: ProcessRaisedException) -> Exception:
    """The error of ours that ended a training process, which arrives as the text of a traceback."""
    found = re.search(r"^components\.core\.errors\.(\w+): (.+)", str(error), re.MULTILINE | re.DOTALL)
    kind = getattr(errors, found.group(1), None) if found else None
    return kind(found.group(2).strip()) if found and kind else error


def _best_network(network: SegmentationNetwork, work_dir: Path) -> SegmentationNetwork:
    state = read_checkpoint(work_dir / f"{BEST}.ckpt")["state_dict"]
    prefix = "network."
    network.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
    return network.eval()


def _history(last: Path) -> History:
    return History.of_dict(read_checkpoint(last)["history"])


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep Lightning's advice on loaders and loggers out of the log: the config decides on both."""
    lightning = logging.getLogger("pytorch_lightning")
    level = lightning.level
    lightning.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning")
        try:
            yield
        finally:
            lightning.setLevel(level)
