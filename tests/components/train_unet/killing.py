"""Trainings in processes of their own that a real signal ends at a chosen moment of the work."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import torch

from components.core import storage
from components.core.storage.upload import WatchedSource
from components.train_unet import checkpoint_store, train_unet, training
from components.train_unet.checkpoint_store import ARCHIVE, CheckpointStore
from components.train_unet.checkpointing import Checkpointing
from components.train_unet.module import SegmentationModule

NEVER_S = 1e9

HALF_BYTES = 3 << 20
"""In the middle of a checkpoint of the tests' network, of six to eight megabytes."""


@dataclass(frozen=True)
class Moment:
    """When a training gets a signal, and which.

    Attributes:
        what: A name of `MOMENTS`; empty for a training that is left alone.
        step: The training step that it belongs to.
        number: The signal.
        every_s: Seconds between checkpoints.
    """

    what: str = ""
    step: int = 0
    number: signal.Signals = signal.SIGKILL
    every_s: float = NEVER_S

    @property
    def exit_code(self) -> int:
        """How the training ends."""
        if not self.what:
            return 0
        if self.what == "writing to disk":
            return -signal.SIGXFSZ
        return 128 + self.number if self.number == signal.SIGTERM else -self.number


@dataclass(frozen=True)
class Attempt:
    """One start of a training.

    Attributes:
        project: Its project.
        model: Where the model goes.
        config: How.
        work_dir: Where checkpoints go.
        log: File that gets the log.
        variables: Of the environment.
    """

    project: Path
    model: Path
    config: Mapping[str, Any]
    work_dir: str
    log: Path
    variables: Mapping[str, str]

    def run(self, server: ForkServerContext, moment: Moment) -> int | None:
        """Train in a process, which may be killed; gives its exit code."""
        process = server.Process(target=_train, args=(self, moment))
        process.start()
        process.join()
        return process.exitcode

    def said(self) -> str:
        """The log of all attempts so far."""
        return self.log.read_text()


def _train(attempt: Attempt, moment: Moment) -> None:
    os.setpgrp()
    multiprocessing.set_start_method("fork", force=True)  # of loaders, as everywhere on Linux
    os.environ.update(attempt.variables)
    logging.basicConfig(filename=attempt.log, level=logging.INFO, format="%(levelname)s %(message)s")
    torch.set_num_threads(1)
    training.SAVE_EVERY_S = moment.every_s  # type: ignore[attr-defined]
    if moment.what:
        MOMENTS[moment.what](moment)
    train_unet.train(attempt.project, attempt.model, config=dict(attempt.config), work_dir=attempt.work_dir)


def _before(owner: Any, name: str, is_due: Callable[..., bool]) -> Callable[[Moment], None]:
    """Send the signal to the whole group of processes, as Argo does, before a function runs whose arguments are due."""

    def install(moment: Moment) -> None:
        function = getattr(owner, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            if is_due(moment, *args):
                os.killpg(os.getpgrp(), moment.number)
            return function(*args, **options)

        setattr(owner, name, wrapped)

    return install


def _no_larger_file(_moment: Moment) -> None:
    """The system kills a process whose file grows beyond the limit: in the middle of a write."""
    save = torch.save

    def wrapped(*args: Any, **options: Any) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (HALF_BYTES, HALF_BYTES))
        save(*args, **options)

    checkpoint_store.torch.save = wrapped


def _is_in_second_part(_moment: Moment, source: WatchedSource, *_: Any) -> bool:
    return source._multipart and source._read_bytes > 0


def _is_after_step(moment: Moment, _saving: Checkpointing, _trainer: Any, module: SegmentationModule, *_: Any) -> bool:
    return module.steps_done == moment.step


MOMENTS: dict[str, Callable[[Moment], None]] = {
    "in the step": _before(SegmentationModule, "training_step", lambda moment, module, *_: module.step == moment.step),
    "after the step": _before(Checkpointing, "on_train_batch_end", _is_after_step),
    "in the validation": _before(
        SegmentationModule, "validation_step", lambda moment, module, *_: module.steps_done == moment.step
    ),
    "writing to disk": _no_larger_file,
    "uploading": _before(WatchedSource, "read", _is_in_second_part),
    "before the digest": _before(storage, "write_bytes", lambda *_: True),
    "removing old ones": _before(storage, "delete", lambda _moment, uri: uri.endswith(ARCHIVE)),
    "before the next": _before(CheckpointStore, "save", lambda moment, _self, content: content["step"] == moment.step),
    "before the model": _before(train_unet, "save_model", lambda *_: True),
}
"""What each does to the process before it trains."""
