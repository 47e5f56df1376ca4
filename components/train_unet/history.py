"""What a training did, row by row, for curves and for the log."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import pytorch_lightning as pl

from components.core.progress import LINE_SECONDS
from components.train_unet.calibration import Calibration
from components.train_unet.dataset import UnreadableItem
from components.train_unet.metrics import Measures
from components.train_unet.watched import WatchedWindows

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """One point of the curves.

    Attributes:
        step: Training steps done.
        epoch: The same in epochs.
        phase: "train", averaged since the row before, or "val".
        loss: Mean loss.
        accuracy: Share of pixels that got their class.
        dice: Mean over the classes but the background.
        iou: Mean over the classes but the background.
        lr: Learning rate.
    """

    step: int
    epoch: float
    phase: str
    loss: float
    accuracy: float
    dice: float
    iou: float
    lr: float


@dataclass(slots=True)
class History:
    """What a training leaves to be read.

    Attributes:
        rows: In order.
        unreadable: Items that could not be read.
        calibrations: What each validation tells of probabilities, by step.
        watched: Some validation windows as the network sees them.
    """

    rows: list[Row] = field(default_factory=list)
    unreadable: list[UnreadableItem] = field(default_factory=list)
    calibrations: dict[int, Calibration | None] = field(default_factory=dict)
    watched: WatchedWindows = field(default_factory=WatchedWindows)

    def add(self, step: int, epoch: float, phase: str, measures: Measures, lr: float) -> None:
        """Append one row."""
        self.rows.append(Row(step, round(epoch, 6), phase, *measures, lr=lr))

    def best(self) -> Row:
        """The validation of lowest loss, the first of equals; one whose loss is not a number comes last."""
        return min((row for row in self.rows if row.phase == "val"), key=lambda row: (math.isnan(row.loss), row.loss))

    def is_over(self, patience: int) -> bool:
        """Whether so many validations after the best one were no better; never with a patience of 0."""
        validations = [row for row in self.rows if row.phase == "val"]
        return patience > 0 and bool(validations) and len(validations) - 1 - validations.index(self.best()) >= patience

    def as_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "rows": [asdict(row) for row in self.rows],
            "failures": [entry.as_row() for entry in self.unreadable],
            "calibrations": {step: found and found.as_json() for step, found in self.calibrations.items()},
            "watched": self.watched.as_dict(),
        }

    @classmethod
    def of_dict(cls, content: dict[str, Any]) -> History:
        """From a checkpoint."""
        unreadable = [UnreadableItem.of_row(*row) for row in content["failures"]]
        known = content.get("calibrations", {})  # checkpoints of earlier versions have none, nor what follows
        watched = WatchedWindows.of_dict(content["watched"]) if "watched" in content else WatchedWindows()
        calibrations = {step: found and Calibration.of_json(found) for step, found in known.items()}
        return cls([Row(**row) for row in content["rows"]], unreadable, calibrations, watched)

    @property
    def calibration(self) -> Calibration | None:
        """Of the best validation; None where it told nothing."""
        return self.calibrations.get(self.best().step)


class LogProgress(pl.Callback):
    """Plain lines: one every few seconds of training, one for each validation."""

    def __init__(self) -> None:
        """Start the clock."""
        self.said = self.started = time.monotonic()
        self.start_step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Start the clock of the steps."""
        self.said = self.started = time.monotonic()
        self.start_step = pl_module.steps_done

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        """Say how far it is."""
        now = time.monotonic()
        if not trainer.is_global_zero or now - self.said < LINE_SECONDS:
            return
        self.said = now
        rounds, done = pl_module.rounds, pl_module.steps_done
        pace = (now - self.started) / max(done - self.start_step, 1)
        log.info(
            "epoch %.2f of %s, step %s of %s, %.2f s a step, about %.0f s of training left",
            done / rounds.batches_per_epoch, rounds.epochs, done, rounds.total, pace, pace * (rounds.total - done),
        )  # fmt: skip

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Say how good it is."""
        rows = pl_module.history.rows
        if trainer.is_global_zero and rows:
            log.info(
                "validation after epoch %.2f: loss %.4f, accuracy %.4f, dice %.4f, IoU %.4f, learning rate %g",
                rows[-1].epoch, rows[-1].loss, rows[-1].accuracy, rows[-1].dice, rows[-1].iou, rows[-1].lr,
            )  # fmt: skip
