"""The same few validation windows as the network sees them after each validation, for the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from components.core.errors import FootprintsError
from components.train_unet.dataset import WindowDataset
from components.train_unet.sampling import evenly_spread

WINDOWS = 4
"""How many; evenly spaced among the validation items."""

SIDE_PX = 192
"""Longest side at which they are kept."""

STAGES = 8
"""At most so many validations are kept: the last one, and of the others every second, fourth, … one."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class WatchedWindows:
    """Some windows, and what the network made of them.

    Attributes:
        images: (K, 3, h, w) uint8 RGB; no window where they could not be read.
        masks: (K, h, w) uint8, 1 where there is an object, 0 where there is none, 255 where neither counts.
        stages: (number of the validation, epoch, (K, h, w) uint8 probability × 255 of any class but the background).
    """

    images: Tensor = field(default_factory=lambda: torch.zeros(0, 3, 1, 1, dtype=torch.uint8))
    masks: Tensor = field(default_factory=lambda: torch.zeros(0, 1, 1, dtype=torch.uint8))
    stages: list[tuple[int, float, Tensor]] = field(default_factory=list)

    @torch.no_grad()
    def look(
        self,
        dataset: WindowDataset,
        network: Callable[[Tensor], Tensor],
        number: int,
        epoch: float,
        device: torch.device,
    ) -> None:
        """Keep what the network, as it is validated, makes of the windows.

        Args:
            dataset: The validation items.
            network: Gives logits; in the training's number format.
            number: Of the validation, from 1.
            epoch: When it is.
            device: Where the network computes.
        """
        try:
            samples = [dataset[position] for position in evenly_spread(len(dataset), WINDOWS)]
        except FootprintsError as error:
            log.warning("report: no pictures of validation windows after epoch %.2f: %s", epoch, error)
            return
        found = [_probability(network(sample.image[None].to(device))) for sample in samples]
        self.images = torch.stack([_small(sample.image[:3]) for sample in samples])
        masks = [torch.where(sample.mask == 255, 255, (sample.mask > 0).byte()) for sample in samples]
        self.masks = torch.stack([_small(mask[None], cv2.INTER_NEAREST)[0] for mask in masks])
        self.stages = thinned([*self.stages, (number, epoch, torch.stack(found))])

    def as_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"images": self.images, "masks": self.masks, "stages": [list(stage) for stage in self.stages]}

    @classmethod
    def of_dict(cls, content: Mapping[str, Any]) -> WatchedWindows:
        """From a checkpoint."""
        stages = [(number, epoch, found) for number, epoch, found in content["stages"]]
        return cls(content["images"], content["masks"], stages)


def thinned(stages: list[tuple[int, float, Tensor]]) -> list[tuple[int, float, Tensor]]:
    """At most `STAGES` of them, evenly spaced by number, and the last one always."""
    last, step = stages[-1][0], 1
    while last // step >= STAGES:
        step *= 2
    return [stage for stage in stages if stage[0] % step == 0 or stage[0] == last]


def _probability(logits: Tensor) -> Tensor:
    """(h, w) uint8 probability × 255 of any class but the background, from (1, C, H, W) logits."""
    share = 1 - torch.softmax(logits[0].float(), 0)[0]
    return _small((255 * share + 0.5).byte().cpu()[None])[0]


def _small(planes: Tensor, interpolation: int = cv2.INTER_AREA) -> Tensor:
    """(C, h, w) uint8, `SIDE_PX` a side at most, of (C, H, W)."""
    height, width = planes.shape[-2:]
    scale = min(1.0, SIDE_PX / max(height, width))
    if scale == 1.0:
        return planes.clone()
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    smaller = [cv2.resize(np.ascontiguousarray(plane), shape, interpolation=interpolation) for plane in planes.numpy()]
    return torch.from_numpy(np.stack(smaller))
