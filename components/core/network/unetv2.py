"""UNetV2: a VGG encoder, a dilated bottleneck and four decoder stages with skip connections."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network.description import IMAGENET_MEAN, IMAGENET_STD
from components.core.network.encoders import DEFAULT_ENCODER, check_size, encoder_spec
from components.core.network.vgg import VggEncoder


def conv_bn_relu(inputs: int, outputs: int, dilation: int = 1) -> nn.Sequential:
    """A 3×3 convolution that keeps the size, batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Bottleneck(nn.Module):
    """Two dilated convolutions whose output is concatenated with their input."""

    def __init__(self, channels: int) -> None:
        """Build the bottleneck; it doubles the number of `channels`."""
        super().__init__()
        self.convolutions = nn.Sequential(
            conv_bn_relu(channels, channels, dilation=2), conv_bn_relu(channels, channels, dilation=2)
        )

    def forward(self, deepest: Tensor) -> Tensor:
        """Map (N, C, h, w) to (N, 2C, h, w)."""
        return torch.cat([self.convolutions(deepest), deepest], dim=1)


class DecoderStage(nn.Module):
    """Nearest upsampling by two, a 1×1 convolution, the skip connection and three 3×3 convolutions."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        """Build a stage from `inputs` channels below and `skip` channels beside it to `outputs` channels."""
        super().__init__()
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.reduce = nn.Conv2d(inputs, outputs, 1)
        self.convolutions = nn.Sequential(
            conv_bn_relu(outputs + skip, outputs), conv_bn_relu(outputs, outputs), conv_bn_relu(outputs, outputs)
        )

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        """Map (N, inputs, h, w) and (N, skip, 2h, 2w) to (N, outputs, 2h, 2w)."""
        merged: Tensor = self.convolutions(torch.cat([self.reduce(self.upsample(below)), skip], dim=1))
        return merged


class UNetV2(nn.Module):
    """The tutorial's segmentation network; it normalises its input itself."""

    mean: Tensor
    std: Tensor

    def __init__(self, classes: int, encoder: str = DEFAULT_ENCODER) -> None:
        """Build the network with random weights.

        Args:
            classes: Number of output classes, the background included.
            encoder: Name of an entry of `ENCODERS`; the decoder's widths follow the encoder's.

        Raises:
            ConfigError: If the encoder is not known or there are fewer than two classes.
        """
        super().__init__()
        if classes < 2:
            raise ConfigError(f"classes: {classes} leaves nothing to distinguish; use at least 2 (background and one)")
        widths = encoder_spec(encoder).widths
        self.encoder = VggEncoder(encoder_spec(encoder))
        self.bottleneck = Bottleneck(widths[-1])
        self.decoder = nn.ModuleList()
        channels = 2 * widths[-1]
        for width in reversed(widths[:-1]):
            self.decoder.append(DecoderStage(channels, width, width))
            channels = width
        self.head = nn.Conv2d(channels, classes, 1)
        self.register_buffer("mean", 255 * torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        initialise(self)

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
        normalised = (image.to(self.mean.dtype) - self.mean) / self.std
        *skips, deepest = self.encoder(normalised)
        features = self.bottleneck(deepest)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            features = stage(features, skip)
        logits: Tensor = self.head(features)
        return logits


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
