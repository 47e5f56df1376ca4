"""UNetV2: a VGG encoder, a dilated bottleneck and four decoder stages with skip connections."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from components.core.network.encoders import DEFAULT_ENCODER, RGB_BANDS, encoder_spec
from components.core.network.segmentation import VggNetwork, initialise


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


class SmallDecoderStage(nn.Module):
    """A 1×1 convolution, nearest upsampling by two, the skip connection and one 3×3 convolution."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        """Build a stage from `inputs` channels below and `skip` channels beside it to `outputs` channels."""
        super().__init__()
        self.reduce = nn.Conv2d(inputs, outputs, 1)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.convolution = conv_bn_relu(outputs + skip, outputs)

    def forward(self, below: Tensor, skip: Tensor) -> Tensor:
        """Map (N, inputs, h, w) and (N, skip, 2h, 2w) to (N, outputs, 2h, 2w)."""
        merged: Tensor = self.convolution(torch.cat([self.upsample(self.reduce(below)), skip], dim=1))
        return merged


class UNetV2(VggNetwork):
    """The tutorial's segmentation network.

    Attributes:
        stage: What the decoder is made of.
    """

    stage: ClassVar[type[DecoderStage | SmallDecoderStage]] = DecoderStage

    def __init__(self, classes: int, encoder: str = DEFAULT_ENCODER, bands: int = RGB_BANDS) -> None:
        """Build the network with random weights; the decoder's widths follow the encoder's.

        Args:
            classes: Number of output classes, the background included.
            encoder: Name of an entry of `ENCODERS`.
            bands: Number of bands of the input.

        Raises:
            ConfigError: If the encoder is not known or there are fewer than two classes.
        """
        super().__init__(classes, encoder, bands)
        widths = encoder_spec(encoder).widths
        self.bottleneck = Bottleneck(widths[-1])
        self.decoder = nn.ModuleList()
        channels = 2 * widths[-1]
        for width in reversed(widths[:-1]):
            self.decoder.append(self.stage(channels, width, width))
            channels = width
        self.head = nn.Conv2d(channels, classes, 1)
        initialise(self)

    def segment(self, normalised: Tensor) -> Tensor:
        """Map a normalised (N, bands, H, W) image to (N, classes, H, W) logits."""
        *skips, deepest = self.encoder(normalised)
        features = self.bottleneck(deepest)
        for stage, skip in zip(self.decoder, reversed(skips), strict=True):
            features = stage(features, skip)
        logits: Tensor = self.head(features)
        return logits


class UNetV2Small(UNetV2):
    """The same with one convolution in a stage of the decoder, where the original has three."""

    stage = SmallDecoderStage
