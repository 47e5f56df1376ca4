"""A network that runs out of memory as a GPU does, by the size of the batch."""

from __future__ import annotations

import torch
from torch import Tensor

from components.core.network.unetv2 import UNetV2


class HungryUNet(UNetV2):
    """Has memory for so many items at once, fewer where it is to learn from them."""

    def __init__(self, learns: int, looks: int) -> None:
        """Begin with a small encoder and two classes.

        Args:
            learns: Items that fit with gradients.
            looks: Items that fit without.
        """
        super().__init__(2, "vgg16_bn_slim8")
        self.learns = learns
        self.looks = looks
        self.seen: list[int] = []

    def forward(self, image: Tensor) -> Tensor:
        """As UNetV2's, or out of memory."""
        self.seen.append(len(image))
        if len(image) > (self.learns if torch.is_grad_enabled() else self.looks):
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {len(image)} GiB.")
        return super().forward(image)
