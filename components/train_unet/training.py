"""The training loop: Lightning's trainer, and how a killed training goes on."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from pytorch_lightning.strategies import DDPStrategy, Strategy
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from components.core import errors
from components.core.documents.training import TrainConfig
from components.core.network.segmentation import SegmentationNetwork
from components.core.network.weights import load_pickle
from components.core.storage import scratch_folder
from components.train_unet.checkpoint_store import Checkpoint, CheckpointStore
from components.train_unet.checkpointing import SAVE_EVERY_S, Checkpointing
from components.train_unet.data import Datasets, WindowData, rounds_of
from components.train_unet.devices import DevicePlan
from components.train_unet.history import History, LogProgress
from components.train_unet.launched import LaunchedEnvironment
from components.train_unet.module import SegmentationModule, is_over
from components.train_unet.peers import ALONE, Peers
from components.train_unet.sampling import Rounds
from components.train_unet.stopping import EXIT_CODE, StopRequest
from components.train_unet.tracking import RunTracking

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a training leaves behind.

    Attributes:
        network: With the weights of the lowest validation loss.
        history: Of the whole training.
    """

    network: SegmentationNetwork
    history: History

    @property
    def steps(self) -> int:
        """Training steps done."""
        return self.history.rows[-1].step


def fit(
    network: SegmentationNetwork,
    datasets: Datasets,
    config: TrainConfig,
    plan: DevicePlan,
    store: CheckpointStore | None = None,
    max_bad: int = 0,
    events: str = "",
    peers: Peers = ALONE,
) -> Fitted:
    """Train a network; goes on where a checkpoint stands.

    Args:
        network: The network, its weights set; it is trained in place or in a copy.
        datasets: What is learnt from and measured on.
        config: How.
        plan: Where.
        store: Of this training's checkpoints; None keeps none.
        max_bad: How many images may be unreadable, beside the items that the config allows.
        events: Folder or URI for TensorBoard's event files; empty for none.
        peers: The processes that train together, where they were started elsewhere; all but the first leave the block
            of `peers` when they have trained.

    Returns:
        The best network and the history.

    Raises:
        ConfigError: If the loss stops being a number.
        StorageError: If the place of checkpoints cannot be read.
        SystemExit: After a SIGTERM, once a checkpoint is written; with 143.
        TooManySkippedError: If more fail.
    """
    rounds = rounds_of(config, datasets.windows, plan.world)
    with StopRequest(passes_on=len(plan.devices) > 1) as stop, scratch_folder("fit") as scratch:
        found = _going_on(store, scratch, rounds, peers)
        start = int(found.content["step"]) if found else 0
        if found and start == found.content["validated"] > 0:
            history = History.of_dict(found.content["history"])
            if is_over(start, history, rounds, config):
                peers.leave_to_first()
                return _fitted(network, found.content)
        network.to(memory_format=torch.channels_last)  # the faster layout, on GPU and CPU alike
        module = SegmentationModule(network, config, rounds, max_bad)
        module.start = start
        module.budgets["train"].items.total = len(datasets.train)
        module.budgets["val"].items.total = len(datasets.val)
        data = WindowData(datasets, config, rounds, plan.accelerator == "gpu", start)
        result = scratch / "result.ckpt"
        saving = Checkpointing(store, stop, found.file if found else None, result, SAVE_EVERY_S)
        tracking = RunTracking(events, config.model_dump(mode="json"), scratch)
        del found  # the processes read it for themselves
        if stop.is_made:
            raise SystemExit(EXIT_CODE)
        with _quiet_lightning():
            trainer = _trainer(
                plan,
                len(rounds) - rounds.of(start),
                config.gradient_clip,
                [saving, tracking],
                scratch,
                finds_unused=not network.uses_all_weights,
                peers=peers,
            )
            try:
                trainer.fit(module, datamodule=data)
            except (ProcessRaisedException, ProcessExitedException) as error:
                if stop.is_made or getattr(error, "exit_code", None) == EXIT_CODE:
                    raise SystemExit(EXIT_CODE) from error
                raise own_error(error) from error
        peers.leave_to_first()
        return _fitted(network, load_pickle(result))


def _going_on(store: CheckpointStore | None, scratch: Path, rounds: Rounds, peers: Peers) -> Checkpoint | None:
    """The checkpoint that all processes go on from: the first one chooses it."""
    found = _newest(store, scratch, rounds) if peers.is_first else None
    place = peers.agree(found.place if found else "")
    return store.read(place, scratch) if store and place and not peers.is_first else found


def _newest(store: CheckpointStore | None, scratch: Path, rounds: Rounds) -> Checkpoint | None:
    if store is None:
        log.info("no place for checkpoints is given: a training that is killed starts over")
        return None
    found = store.newest(scratch)
    if found is None:
        log.info("there is no checkpoint of this training in %s: it starts at the beginning", store.place)
    else:
        done = found.content["step"]
        log.info("resuming from checkpoint %s, after step %s of %s", found.place, done, rounds.total)
    return found


def _trainer(
    plan: DevicePlan,
    rounds: int,
    gradient_clip: float,
    own: list[pl.Callback],
    scratch: Path,
    finds_unused: bool,
    peers: Peers,
) -> pl.Trainer:
    on_terminal = sys.stderr.isatty()
    return pl.Trainer(
        accelerator=plan.accelerator,
        devices=list(plan.devices) if plan.accelerator == "gpu" else len(plan.devices),
        num_nodes=plan.launched,
        strategy=_strategy(plan, finds_unused),
        plugins=[LaunchedEnvironment(peers)] if plan.launched > 1 else None,
        precision=plan.precision,
        max_epochs=rounds,
        gradient_clip_val=gradient_clip or None,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        benchmark=plan.accelerator == "gpu",
        callbacks=[TQDMProgressBar() if on_terminal else LogProgress(), *own],
        enable_checkpointing=False,
        enable_progress_bar=on_terminal,
        enable_model_summary=False,
        logger=False,
        default_root_dir=scratch,
    )


def _strategy(plan: DevicePlan, finds_unused: bool) -> Strategy | str:
    if plan.world == 1:
        return "auto"
    backend = "nccl" if plan.accelerator == "gpu" else "gloo"
    return DDPStrategy(
        # Spawned, not started as the same command again: a pipeline step must not run twice.
        start_method="spawn" if plan.launched == 1 else "popen",
        process_group_backend=backend,
        gradient_as_bucket_view=True,
        find_unused_parameters=finds_unused,
    )


def own_error(error: Exception) -> Exception:
    """The error of ours that ended a training process, which arrives as the text of a traceback."""
    found = re.search(r"^components\.core\.errors\.(\w+): (.+)", str(error), re.MULTILINE | re.DOTALL)
    kind = getattr(errors, found.group(1), None) if found else None
    return kind(found.group(2).strip()) if found and kind else error


def _fitted(network: SegmentationNetwork, result: Mapping[str, Any]) -> Fitted:
    network.load_state_dict(result["best"])
    return Fitted(network.eval(), History.of_dict(result["history"]))


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
