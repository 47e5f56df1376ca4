"""One step of training and of validation, and what is watched meanwhile."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor, distributed, nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from components.core.documents.training import WHERE, Augmentation, TrainConfig
from components.core.errors import ConfigError
from components.core.hashing import hash_integer
from components.core.network.classes import NEUTRAL_INDEX
from components.core.network.loss import BoundaryWeight, segmentation_loss
from components.core.network.memory import DeviceMemory, largest_that_fits, too_large
from components.core.network.segmentation import SegmentationNetwork
from components.core.skip_budget import SkipBudget
from components.train_unet.augmentation import augmented, draw_change
from components.train_unet.averaging import ValidatedNetwork
from components.train_unet.calibration import CalibrationMeasures
from components.train_unet.dataset import TrainingBatch, TrainingBudget, UnreadableItem
from components.train_unet.history import History
from components.train_unet.metrics import Measures, SegmentationMeasures
from components.train_unet.sampling import Rounds
from components.train_unet.schedule import scheduled_lr, warm_up_steps

log = logging.getLogger(__name__)

VAL_LOSS = "val_loss"
TRAIN_ROWS = 2_000
"""About how many rows of history a training may write; longer ones average over some steps."""


def is_over(steps_done: int, history: History, rounds: Rounds, config: TrainConfig) -> bool:
    """Whether a training ends with the validation that it did last."""
    return steps_done == rounds.total or history.is_over(config.early_stopping)


class SegmentationModule(pl.LightningModule):
    """A network in training: loss, optimiser, learning rate, measures and guards."""

    first_bad_step: Tensor

    def __init__(self, network: SegmentationNetwork, config: TrainConfig, rounds: Rounds, max_bad: int = 0) -> None:
        """Prepare to train `network`, whose weights are set; items of `max_bad` images may be unreadable."""
        super().__init__()
        self.network = network
        self.config = config
        self.rounds = rounds
        self.history = History()
        self.row_every = math.ceil(rounds.total / TRAIN_ROWS)
        classes = network.classes
        self.train_measures = SegmentationMeasures(classes, sync_on_compute=False)
        self.val_measures = SegmentationMeasures(classes)
        self.calibration = CalibrationMeasures(classes)
        allowed, images = config.allow_corrupted_samples, SkipBudget(max_bad)
        self.budgets = {
            "train": TrainingBudget(allowed.train, "train", images),
            "val": TrainingBudget(allowed.val, "val", images),
        }
        self.register_buffer("first_bad_step", torch.tensor(-1), persistent=False)
        self.start = 0
        self.validated = ValidatedNetwork(network, config.ema_decay, config.recompute_statistics > 0)
        near = config.loss_weights
        self.boundary = BoundaryWeight(near.boundary, near.boundary_px) if near.boundary else None

    def configure_optimizers(self) -> Adam:
        """Adam or AdamW; the learning rate falls when the validation loss stands still."""
        optimiser = self._optimiser()
        falling = self.config.lr_decreasing
        self.plateau = ReduceLROnPlateau(optimiser, factor=1 / falling.lr_divisor, patience=falling.patience)
        return optimiser

    def _optimiser(self) -> Adam:
        config, on_gpu = self.config, self.device.type == "cuda"
        # Lightning clips no gradients that a fused optimiser has yet to unscale, as float16's are.
        fused = on_gpu and not (config.gradient_clip and self.trainer.precision == "16-mixed")
        if config.optimizer == "adamw":
            return AdamW(self.network.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=fused)
        return Adam(self.network.parameters(), lr=config.lr, fused=fused)

    def on_fit_start(self) -> None:
        """Let the seed decide what layers draw, such as which parts are left out; a checkpoint brings its own state."""
        if not self.start:
            torch.manual_seed(hash_integer(self.config.seed, "layers", str(self.trainer.global_rank)))

    def on_train_batch_start(self, _batch: TrainingBatch, _index: int) -> None:
        """Let the learning rate follow the schedule, where the step decides it."""
        rate = scheduled_lr(self.config, self.steps_done, self.rounds.total)
        if rate is not None:
            for group in self.trainer.optimizers[0].param_groups:
                group["lr"] = rate

    def training_step(self, batch: TrainingBatch, _index: int) -> Tensor:
        """Loss of a batch."""
        self._count_unreadable(batch, "train")
        batch = self._augmented(batch)
        logits = self.network(batch.image)
        loss = self._loss(logits, batch.mask)
        step = self.step
        failed = (self.first_bad_step < 0) & ~torch.isfinite(loss.detach())
        self.first_bad_step = torch.where(failed, step, self.first_bad_step)
        self.train_measures.update(loss.detach(), logits.detach(), batch.mask)
        if step % self.row_every == 0 or step == self.rounds.total:
            self._record_training(step)
        return loss

    def _augmented(self, batch: TrainingBatch) -> TrainingBatch:
        settings = self.config.augmentation
        if settings == Augmentation():
            return batch
        world, rank = self.trainer.world_size, self.trainer.global_rank
        first = self.steps_done * self.config.batch_size.train * world + rank
        changes = [draw_change(settings, self.config.seed, first + index * world) for index in range(len(batch.image))]
        image, mask = augmented(batch.image, batch.mask, changes)
        return batch._replace(image=image, mask=mask)

    @property
    def steps_done(self) -> int:
        """Training steps done; `start` of them before this process."""
        return self.start + self.trainer.global_step

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do after the last validation."""
        return is_over(self.steps_done, self.history, self.rounds, self.config)

    @property
    def step(self) -> int:
        """Number of the running training step, from 1."""
        return self.steps_done + 1

    @property
    def lr(self) -> float:
        """Current learning rate."""
        return float(self.trainer.optimizers[0].param_groups[0]["lr"])

    def _loss(self, logits: Tensor, mask: Tensor) -> Tensor:
        weights = self.config.loss_weights
        return segmentation_loss(logits, mask, weights.bce, weights.dice, self.boundary)

    def _record_training(self, step: int) -> None:
        measures = self.train_measures.compute()
        self.train_measures.reset()
        self.check_finite()
        self.history.add(step, self._epoch_of(step), "train", measures, self.lr)

    def check_finite(self) -> None:
        """See that the training loss was a number so far.

        Raises:
            ConfigError: If it was not.
        """
        bad = int(self.first_bad_step)
        if bad >= 0:
            self._refuse_to_go_on(f"the training loss is not finite at step {bad} of {self.rounds.total}")

    def _refuse_to_go_on(self, what: str) -> None:
        raise ConfigError(
            f"{WHERE}: lr: {what} (learning rate {self.lr:g}, precision {self.trainer.precision}); use a lower lr, "
            "such as a tenth, or precision float32"
        )

    def _epoch_of(self, step: int) -> float:
        return step / self.rounds.batches_per_epoch

    def _count_unreadable(self, batch: TrainingBatch, phase: str) -> None:
        if batch.unreadable:
            self.history.unreadable += self.budgets[phase].add(batch.unreadable)

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: Optimizer | LightningOptimizer,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """Learn from a batch, and let the average follow: the closure computes the loss and its gradients.

        Raises:
            ConfigError: If the batch does not fit into the memory; tells which does.
        """
        step = self.step
        try:
            super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
            self.validated.follow(step)
            return
        except torch.OutOfMemoryError:
            pass
        self.zero_grad()
        raise self._too_large("train", self.config.batch_size.train, self._try_training, self._held_in_training())

    def _held_in_training(self) -> int:
        """Bytes that a training will hold beside the weights: gradients, Adam's two means, and the average.

        All but the gradients are there once a step is done.
        """
        weights = sum(value.numel() * value.element_size() for value in self.network.parameters())
        if self.trainer.optimizers[0].state:
            return weights
        return weights * (4 if self.config.ema_decay else 3)

    def _try_training(self, items: int) -> None:
        """Loss and gradients, as a step computes them; other processes, which it would share them with, see none."""
        batch = self._blank(items)
        with self.trainer.precision_plugin.train_step_context():
            logits = self.network(batch.image)
            loss = self._loss(logits, batch.mask)
        self.train_measures.update(loss.detach(), logits.detach(), batch.mask)
        torch.autograd.grad(loss, list(self.network.parameters()), allow_unused=True)

    def _try_validation(self, items: int) -> None:
        self._validate(self._blank(items))

    def _blank(self, items: int) -> TrainingBatch:
        """A batch as large as one of so many items."""
        size = self.config.input_size.size
        image = torch.zeros(items, self.network.bands, size.height, size.width, dtype=torch.uint8, device=self.device)
        return TrainingBatch(image, torch.zeros_like(image[:, 0]), ())

    def _too_large(self, phase: str, batch: int, run: Callable[[int], None], held_bytes: int = 0) -> ConfigError:
        memory = DeviceMemory.of(self.device)
        fitting = largest_that_fits(run, batch, self.device, held_bytes)
        otherwise = "use a smaller input_size or encoder, or a GPU with more memory"
        return too_large(f"{WHERE}: batch_size.{phase}", batch, fitting, memory, otherwise)

    def validation_step(self, batch: TrainingBatch, _index: int) -> None:
        """Add a batch to the measures; windows that are neutral throughout do not count.

        Raises:
            ConfigError: If the batch does not fit into the memory; tells which does.
        """
        self._count_unreadable(batch, "val")
        try:
            self._validate(batch)
            return
        except torch.OutOfMemoryError:
            pass
        raise self._too_large("val", self.config.batch_size.val, self._try_validation)

    def _validate(self, batch: TrainingBatch) -> None:
        counts = (batch.mask != NEUTRAL_INDEX).flatten(1).any(1)
        logits = self.network(batch.image)
        if not counts.all():
            if not counts.any():
                return
            logits, batch = logits[counts], batch._replace(mask=batch.mask[counts])
        self.val_measures.update(self._loss(logits, batch.mask), logits, batch.mask)
        self.calibration.update(logits, batch.mask)

    def on_validation_epoch_end(self) -> None:
        """Record the measures and adapt the learning rate."""
        self._share_failures()
        measures: Measures = self.val_measures.compute()
        self.val_measures.reset()
        step = self.steps_done
        if not math.isfinite(measures.loss):
            self._refuse_to_go_on(f"the validation loss is {measures.loss} after step {step} of {self.rounds.total}")
        self.history.add(step, self._epoch_of(step), "val", measures, self.lr)
        self.history.calibrations[step] = self.calibration.compute().calibration()
        self.calibration.reset()
        self._look_at_watched()
        self.log(VAL_LOSS, measures.loss, prog_bar=True, logger=False, rank_zero_only=False)
        if self.config.lr_schedule == "plateau" and step >= warm_up_steps(self.config, self.rounds.total):
            self.plateau.step(measures.loss)
        if self.is_over and step < self.rounds.total:
            log.info("no lower loss in %d validations: the training ends here", self.config.early_stopping)
            self.trainer.should_stop = True

    def _look_at_watched(self) -> None:
        if self.trainer.is_global_zero:
            dataset = self.trainer.datamodule.datasets.val  # type: ignore[attr-defined]
            number, epoch = len(self.history.calibrations), self.history.rows[-1].epoch
            self.history.watched.look(dataset, self._logits, number, epoch, self.device)

    def _share_failures(self) -> None:
        """Count what other processes could not read, too, before the checkpoint is written."""
        if self.trainer.world_size == 1:
            return
        for budget in self.budgets.values():
            shared: list[list[tuple[str, str, str]]] = [[] for _ in range(self.trainer.world_size)]
            distributed.all_gather_object(shared, [entry.as_row() for entry in budget.unreadable.values()])
            unreadable = {row[0]: UnreadableItem.of_row(*row) for rows in shared for row in rows}
            self.history.unreadable += budget.add(unreadable.values())

    def on_validation_model_eval(self) -> None:
        """Put in what is validated; use running statistics, or those of each batch without keeping them."""
        self.validated.enter(self._logits, self._images_for_statistics())
        if self.config.validate_with_model_eval:
            super().on_validation_model_eval()
            return
        for layer in self._normalisations():
            layer.track_running_stats = False

    def _logits(self, image: Tensor) -> Tensor:
        with self.trainer.precision_plugin.val_step_context():
            return self.network(image)

    def _images_for_statistics(self) -> Iterator[Tensor]:
        """Of training windows that are not neutral throughout; the same in each process, so that they agree."""
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        for batch in data.statistics_dataloader():
            counts = (batch.mask != NEUTRAL_INDEX).flatten(1).any(1)
            if counts.any():
                yield batch.image[counts].to(self.device)

    def on_validation_model_train(self) -> None:
        """Go back to training, with the weights as they were trained."""
        self.validated.leave()
        super().on_validation_model_train()
        for layer in self._normalisations():
            layer.track_running_stats = True

    def _normalisations(self) -> list[nn.BatchNorm2d]:
        return [layer for layer in self.network.modules() if isinstance(layer, nn.BatchNorm2d)]
