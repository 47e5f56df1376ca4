"""What every network architecture shares: an encoder, the scaling of its input, and a last layer."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network.description import IMAGENET_MEAN, IMAGENET_STD
from components.core.network.encoders import check_size, encoder_spec
from components.core.network.vgg import VggEncoder

HEAD = "head"
"""Name of the layer whose channels are the classes; a training that starts from other classes draws it again."""


class SegmentationNetwork(nn.Module, ABC):
    """The base of an architecture; it normalises its input itself.

    An architecture adds its layers, the last of them as `head`, and `segment`.

    Attributes:
        classes: Number of output classes, the background included.
        encoder: Takes ImageNet weights where there are some.
        head: From the last features to a channel for each class.
    """

    head: nn.Conv2d
    mean: Tensor
    std: Tensor

    def __init__(self, classes: int, encoder: str) -> None:
        """Build the encoder with random weights.

        Args:
            classes: Number of output classes, the background included.
            encoder: Name of an entry of `ENCODERS`.

        Raises:
            ConfigError: If the encoder is not known or there are fewer than two classes.
        """
        super().__init__()
        if classes < 2:
            raise ConfigError(f"classes: {classes} leaves nothing to distinguish; use at least 2 (background and one)")
        self.classes = classes
        self.encoder = VggEncoder(encoder_spec(encoder))
        self.register_buffer("mean", 255 * torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Segment a batch.

        Args:
            image: (N, 3, H, W) RGB, values 0..255, uint8 or floating point; H and W multiples of 16.

        Returns:
            (N, classes, H, W) logits in the precision of the weights, or of autocast where it is on.

        Raises:
            ConfigError: If H or W is not a multiple of 16.
        """
        check_size(Size(image.shape[-2], image.shape[-1]), "image")
        return self.segment((image.to(self.mean.dtype) - self.mean) / self.std)

    @abstractmethod
    def segment(self, normalised: Tensor) -> Tensor:
        """Map a normalised (N, 3, H, W) image to (N, classes, H, W) logits."""


def initialise(network: nn.Module) -> None:
    """Draw convolution weights for ReLU networks (He et al., 2015); biases zero, normalisation neutral."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
