"""Feeds batches to Lightning, round by round."""

from __future__ import annotations

import os
from dataclasses import dataclass

import cv2
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from components.core.documents.training import TrainConfig
from components.core.hashing import hash_integer
from components.train_unet.dataset import Sample, WindowDataset, collate
from components.train_unet.sampling import Backgrounds, Rounds, RoundSampler, Share, ShareSampler, batches_per_epoch

STATISTICS = -1
"""Stands for the epoch whose first windows the statistics of normalisation are taken from."""


@dataclass(frozen=True, slots=True)
class Datasets:
    """What is learnt from and what is measured on.

    Attributes:
        train: Items to learn from, and bare ground.
        val: Items to measure on.
        negatives: Share of an epoch's windows that are bare ground.
    """

    train: WindowDataset
    val: WindowDataset
    negatives: float = 0.0

    @property
    def backgrounds(self) -> Backgrounds:
        """How many windows of bare ground there are, and how many an epoch takes."""
        return Backgrounds.of_share(len(self.train.bare_ground), len(self.train), self.negatives)

    @property
    def windows(self) -> int:
        """Training windows of an epoch."""
        return len(self.train) + self.backgrounds.taken


def rounds_of(config: TrainConfig, windows: int, world: int) -> Rounds:
    """Cut a training on `windows` windows an epoch by `world` processes into rounds."""
    return Rounds(batches_per_epoch(windows, config.batch_size.train, world), config.epochs, config.val_every)


class WindowData(pl.LightningDataModule):
    """Loaders of the current round; Lightning asks again for every round, which it calls an epoch."""

    def __init__(
        self, datasets: Datasets, config: TrainConfig, rounds: Rounds, pin_memory: bool, start: int = 0
    ) -> None:
        """Keep what the loaders need; a training that goes on starts after `start` batches."""
        super().__init__()
        self.datasets = datasets
        self.config = config
        self.rounds = rounds
        self.pin_memory = pin_memory
        self.start = start

    def train_dataloader(self) -> DataLoader[Sample]:
        """Shuffled batches of the current round."""
        batches = self.rounds.batches(self.rounds.of(self.start) + self._trainer().current_epoch)
        # Of a training that only has to validate once more, the round is asked for and not used.
        left = range(max(batches.start, self.start), batches.stop) or batches
        dataset, config = self.datasets.train, self.config
        sampler = RoundSampler(
            len(dataset), config.batch_size.train, config.seed, left, self._share(), self.datasets.backgrounds
        )
        return self._loader(dataset, config.data_workers.train, batch_sampler=sampler)

    def val_dataloader(self) -> DataLoader[Sample]:
        """All validation items, in order."""
        dataset, config = self.datasets.val, self.config
        sampler = ShareSampler(len(dataset), self._share())
        return self._loader(dataset, config.data_workers.val, sampler=sampler, batch_size=config.batch_size.val)

    def statistics_dataloader(self) -> DataLoader[Sample]:
        """Training items for the statistics of normalisation, the same in every validation and process."""
        dataset, config = self.datasets.train, self.config
        order = self.datasets.backgrounds.order(len(dataset), config.seed, STATISTICS)
        chosen = order[: config.recompute_statistics].tolist()
        return self._loader(dataset, config.data_workers.train, sampler=chosen, batch_size=config.batch_size.val)

    def _loader(self, dataset: WindowDataset, workers: int, **options: object) -> DataLoader[Sample]:
        return DataLoader(
            dataset,
            num_workers=workers,
            collate_fn=collate,
            pin_memory=self.pin_memory,
            worker_init_fn=_start_worker,
            # Its own, as a loader that starts again in the middle must not draw from the training's random numbers.
            generator=torch.Generator().manual_seed(self._loader_seed()),
            **options,  # type: ignore[arg-type]
        )

    def _loader_seed(self) -> int:
        return hash_integer(self.config.seed, "loader", str(self.start + self._trainer().global_step))

    def _trainer(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("loaders are made by a trainer")
        return self.trainer

    def _share(self) -> Share:
        trainer = self._trainer()
        return Share(trainer.global_rank, trainer.world_size)


def _start_worker(_index: int) -> None:
    cv2.setNumThreads(0)  # threads of OpenCV do not survive the fork of a loader process
    os.setpgrp()  # a SIGTERM to all processes of a group is the training's to answer, which still needs its loaders
