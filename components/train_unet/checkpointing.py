"""When a training is saved, what of it, and how it is taken up again: at the very batch, with all that has a state."""

from __future__ import annotations

import logging
import multiprocessing
import random
import time
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, distributed

from components.core import storage
from components.core.cli import configure_logging
from components.core.errors import StorageError
from components.core.network.weights import load_pickle
from components.train_unet.checkpoint_store import CheckpointStore
from components.train_unet.dataset import UnreadableItem
from components.train_unet.history import History
from components.train_unet.module import SegmentationModule
from components.train_unet.stopping import EXIT_CODE, StopRequest

SAVE_EVERY_S = 300.0
"""A training that is killed without notice loses no more than this, and one step."""

log = logging.getLogger(__name__)


class _Wish(IntEnum):
    """What the processes of a training do after a batch; of several wishes the greatest counts."""

    GO_ON = 0
    SAVE = 1
    STOP = 2


class Checkpointing(pl.Callback):
    """Saves a training every few minutes, after each validation and at a SIGTERM; keeps the best weights.

    All processes of a training save at the same step, which the first one's clock or anyone's SIGTERM decides.

    Attributes:
        best: Weights of the lowest validation loss, as they were validated, on the CPU.
        validated: After how many training steps the last validation ended.
    """

    def __init__(
        self, store: CheckpointStore | None, stop: StopRequest, going_on: Path | None, result: Path, every_s: float
    ) -> None:
        """Choose places.

        Args:
            store: Where checkpoints go; None saves nothing.
            stop: Asked after every batch.
            going_on: The checkpoint that the training goes on from.
            result: Local file that gets the best weights and the history at the end.
            every_s: Seconds between checkpoints.
        """
        self.store = store
        self.stop = stop
        self.going_on = going_on
        self.result = result
        self.every_s = every_s
        self.best: dict[str, Tensor] = {}
        self.validated = 0
        self._tried_s = 0.0
        self._tried = (0, 0)
        self._saved_step = 0

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Hear of signals and show this package's lines of the log, in a process that the first one started, too."""
        self.stop.listen()
        if multiprocessing.parent_process() is not None:
            configure_logging()
            logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Take the training up where it stood; a round whose validation was cut off is validated."""
        self.stop.listen()  # Lightning's own answer would be to end the training as it stands
        if self.going_on is not None:
            self._restore(trainer, pl_module, load_pickle(self.going_on))
        self._tried, self._tried_s = self._position(pl_module), time.monotonic()
        self._saved_step = pl_module.start
        if pl_module.rounds.ends_after(pl_module.start) and self.validated != pl_module.start:
            trainer.validating = True
            trainer.fit_loop.epoch_loop.val_loop.run()
            trainer.training = True
            trainer.should_stop = pl_module.is_over

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        """Save, where it is time or a signal came."""
        self._answer(trainer, pl_module)

    def on_validation_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        """The same; a validation that is cut off begins anew."""
        self._answer(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Keep the weights where they are the best so far, and save."""
        self.validated = pl_module.steps_done
        history: History = pl_module.history
        if trainer.is_global_zero and history.best() is history.rows[-1]:
            self.best = {name: value.detach().cpu().clone() for name, value in pl_module.network.state_dict().items()}
        self._save(trainer, pl_module)
        if not pl_module.is_over:
            self._answer(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Hand the result to the process that started this one."""
        if trainer.is_global_zero:
            with storage.staged_file(self.result) as staged:
                torch.save({"best": self.best, "history": pl_module.history.as_dict()}, staged)

    def _answer(self, trainer: pl.Trainer, module: SegmentationModule) -> None:
        wish = self._agreed(trainer)
        if wish is _Wish.GO_ON:
            return
        if self._position(module) != self._tried:
            self._save(trainer, module)
            wish = max(wish, self._agreed(trainer))  # it takes a while, in which a signal may come
        if wish is _Wish.STOP:
            if trainer.is_global_zero:
                log.warning("SIGTERM: the training ends after step %s of %s%s", *self._said(module))
            raise SystemExit(EXIT_CODE)

    def _said(self, module: SegmentationModule) -> tuple[int, int, str]:
        if self.store is None:
            said = " and is lost, since no place for checkpoints is given"
        elif self._saved_step == module.steps_done:
            said = ", where it goes on when it is started again with the same config and data"
        else:
            said = f", and goes on after step {self._saved_step} when it is started again"
        return module.steps_done, module.rounds.total, said

    def _agreed(self, trainer: pl.Trainer) -> _Wish:
        """What all processes do: each has its own signals, and the first one the clock."""
        wish = _Wish.GO_ON
        if trainer.is_global_zero and self.store is not None and time.monotonic() - self._tried_s >= self.every_s:
            wish = _Wish.SAVE
        if self.stop.is_made:
            wish = _Wish.STOP
        if trainer.world_size == 1:
            return wish
        greatest = torch.tensor(int(wish), device=trainer.strategy.root_device)
        distributed.all_reduce(greatest, distributed.ReduceOp.MAX)
        return _Wish(int(greatest))

    def _position(self, module: SegmentationModule) -> tuple[int, int]:
        return module.steps_done, self.validated

    def _save(self, trainer: pl.Trainer, module: SegmentationModule) -> None:
        """Save; where that fails, the training goes on, since it may end well without another checkpoint."""
        if self.store is None:
            return
        module.check_finite()  # weights that a broken loss has spoilt are of no use to anybody
        content = self._state(trainer, module)
        if trainer.is_global_zero:
            began = time.monotonic()
            try:
                place = self.store.save(content)
            except StorageError as error:
                log.warning(
                    "no checkpoint after step %s; the training goes on, and would begin again after step %s: %s",
                    module.steps_done, self._saved_step, error,
                )  # fmt: skip
            else:
                self._saved_step = module.steps_done
                log.info(
                    "checkpoint after step %s of %s in %s, written in %.1f s",
                    module.steps_done, module.rounds.total, place, time.monotonic() - began,
                )  # fmt: skip
        trainer.strategy.barrier("checkpoint")
        self._tried, self._tried_s = self._position(module), time.monotonic()

    def _state(self, trainer: pl.Trainer, module: SegmentationModule) -> dict[str, Any]:
        """All that has a state; called in every process, as each has random numbers of its own."""
        states = [random_state(module.device)]
        if trainer.world_size > 1:
            states *= trainer.world_size
            distributed.all_gather_object(states, random_state(module.device))
        return {
            "step": module.steps_done,
            "validated": self.validated,
            "network": module.validated.trained_state(),
            "average": module.validated.average,
            "best": self.best,
            "optimizer": trainer.optimizers[0].state_dict(),
            "plateau": module.plateau.state_dict(),
            "scaler": trainer.precision_plugin.state_dict(),
            "measures": module.train_measures.metric_state,
            "history": module.history.as_dict(),
            "unreadable": {
                phase: [entry.as_row() for entry in budget.unreadable.values()]
                for phase, budget in module.budgets.items()
            },
            "random": states,
        }

    def _restore(self, trainer: pl.Trainer, module: SegmentationModule, state: Mapping[str, Any]) -> None:
        module.network.load_state_dict(state["network"])
        module.validated.restore(state["average"])
        trainer.optimizers[0].load_state_dict(state["optimizer"])
        module.plateau.load_state_dict(state["plateau"])
        trainer.precision_plugin.load_state_dict(state["scaler"])
        for name, value in state["measures"].items():
            setattr(module.train_measures, name, value.to(module.device))
        module.history = History.of_dict(state["history"])
        for phase, rows in state["unreadable"].items():
            module.budgets[phase].restore(UnreadableItem.of_row(*row) for row in rows)
        self.validated = state["validated"]
        if trainer.is_global_zero:
            self.best = state["best"]
        set_random_state(state["random"][trainer.global_rank], module.device)


def random_state(device: torch.device) -> dict[str, Any]:
    """The state of every generator of random numbers in this process, in plain values and tensors."""
    name, keys, *others = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "numpy": (name, np.asarray(keys).tolist(), *others),
        "python": random.getstate(),
    }


def set_random_state(state: Mapping[str, Any], device: torch.device) -> None:
    """Set what `random_state` gave."""
    torch.set_rng_state(state["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
