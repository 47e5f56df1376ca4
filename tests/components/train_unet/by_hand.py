"""A training written down as a loop, to compare the stage's with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam

from components.core.documents.training import load_config
from components.core.geometry import Size
from components.core.network.loss import segmentation_loss
from components.core.network.segmentation import SegmentationNetwork
from components.core.project import open_project
from components.train_unet.dataset import WindowDataset, rows_with_tag
from components.train_unet.sampling import RoundSampler, Share, batches_per_epoch

VALUES = {"bg": 0, "untitled": 1}


def dataset_of(project: Path, tag: str, size: Size) -> WindowDataset:
    """The items of a tag."""
    opened = open_project(project)
    return WindowDataset(opened, rows_with_tag(opened, tag, "train"), VALUES, size)


@dataclass(frozen=True)
class ByHand:
    """What a training reads, and what becomes of a network by it.

    Attributes:
        project: Its directory.
        config: The training config, as it is given to the stage.
    """

    project: Path
    config: dict[str, Any]

    def items(self, tag: str, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images (N, 3, H, W) uint8 and masks (N, H, W) uint8 of items of a tag."""
        dataset = dataset_of(self.project, tag, load_config(self.config).input_size.size)
        samples = [dataset[index] for index in indices]
        return torch.stack([sample.image for sample in samples]), torch.stack([sample.mask for sample in samples])

    def batches(self, items: int) -> list[list[int]]:
        """Positions of the training items of each step."""
        settings = load_config(self.config)
        steps = range(batches_per_epoch(items, settings.batch_size.train, world=1) * settings.epochs)
        return list(RoundSampler(items, settings.batch_size.train, settings.seed, steps, Share()))

    def loss(self, network: SegmentationNetwork, tag: str, indices: Sequence[int]) -> Tensor:
        """The loss of some items at once, in the network's present mode."""
        images, masks = self.items(tag, indices)
        return segmentation_loss(network(images), masks)

    def train(
        self, network: SegmentationNetwork, items: int, after_step: Callable[[int], None] = lambda _done: None
    ) -> list[float]:
        """Train a network on items tagged `train`, one batch after the other; gives the losses before each step."""
        network.train().to(memory_format=torch.channels_last)
        optimiser = Adam(network.parameters(), lr=load_config(self.config).lr)
        losses = []
        for batch in self.batches(items):
            optimiser.zero_grad()
            loss = self.loss(network, "train", batch)
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
            after_step(len(losses))
        return losses
