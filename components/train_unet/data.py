"""Feeds batches to Lightning, round by round."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import pytorch_lightning as pl
from torch.utils.data import DataLoader

from components.core.documents.training import TrainConfig
from components.train_unet.dataset import Sample, WindowDataset, collate
from components.train_unet.sampling import Rounds, RoundSampler, Share, ShareSampler, batches_per_epoch


@dataclass(frozen=True, slots=True)
class Datasets:
    """What is learnt from and what is measured on."""

    train: WindowDataset
    val: WindowDataset


def rounds_of(config: TrainConfig, items: int, world: int) -> Rounds:
    """Cut a training on `items` items by `world` processes into rounds."""
    return Rounds(batches_per_epoch(items, config.batch_size.train, world), config.epochs, config.val_every)


class WindowData(pl.LightningDataModule):
    """Loaders of the current round; Lightning asks again for every round, which it calls an epoch."""

    def __init__(self, datasets: Datasets, config: TrainConfig, rounds: Rounds, pin_memory: bool) -> None:
        """Keep what the loaders need."""
        super().__init__()
        self.datasets = datasets
        self.config = config
        self.rounds = rounds
        self.pin_memory = pin_memory

    def train_dataloader(self) -> DataLoader[Sample]:
        """Shuffled batches of the current round."""
        # A training resumed at its end asks once for the round behind the last, without using it.
        current = min(self._trainer().current_epoch, len(self.rounds) - 1)
        dataset, config = self.datasets.train, self.config
        batches = self.rounds.batches(current)
        sampler = RoundSampler(len(dataset), config.batch_size.train, config.seed, batches, self._share())
        return self._loader(dataset, config.data_workers.train, batch_sampler=sampler)

    def val_dataloader(self) -> DataLoader[Sample]:
        """All validation items, in order."""
        dataset, config = self.datasets.val, self.config
        sampler = ShareSampler(len(dataset), self._share())
        return self._loader(dataset, config.data_workers.val, sampler=sampler, batch_size=config.batch_size.val)

    def _loader(self, dataset: WindowDataset, workers: int, **options: object) -> DataLoader[Sample]:
        return DataLoader(
            dataset,
            num_workers=workers,
            collate_fn=collate,
            pin_memory=self.pin_memory,
            worker_init_fn=_start_worker,
            **options,  # type: ignore[arg-type]
        )

    def _trainer(self) -> pl.Trainer:
        if self.trainer is None:
            raise RuntimeError("loaders are made by a trainer")
        return self.trainer

    def _share(self) -> Share:
        trainer = self._trainer()
        return Share(trainer.global_rank, trainer.world_size)


def _start_worker(_index: int) -> None:
    cv2.setNumThreads(0)  # threads of OpenCV do not survive the fork of a loader process
