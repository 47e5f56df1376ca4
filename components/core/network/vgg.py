"""The convolutions of VGG, with or without batch normalisation, in five blocks."""

from __future__ import annotations

from torch import Tensor, nn

from components.core.network.encoders import RGB_BANDS, EncoderSpec


class VggEncoder(nn.Module):
    """Convolution blocks of a VGG network; layers are numbered as in torchvision's `features`."""

    def __init__(self, spec: EncoderSpec, bands: int = RGB_BANDS) -> None:
        """Build the five blocks of `spec`, with max pooling between them, for an image of so many bands."""
        super().__init__()
        layers: list[nn.Module] = []
        block_ends = []
        channels = bands
        for depth, width in zip(spec.depths, spec.widths, strict=True):
            if layers:
                layers.append(nn.MaxPool2d(2))
            for _ in range(depth):
                layers.append(nn.Conv2d(channels, width, 3, padding=1))
                if spec.normalises:
                    layers.append(nn.BatchNorm2d(width))
                layers.append(nn.ReLU(inplace=True))
                channels = width
            block_ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        self.block_ends = tuple(block_ends)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the blocks.

        Args:
            image: (N, bands, H, W) normalised image; H and W multiples of 16.

        Returns:
            The five blocks' outputs, at 1/1, 1/2, 1/4, 1/8 and 1/16 of the image's size.
        """
        outputs = []
        for index, layer in enumerate(self.features):
            image = layer(image)
            if index in self.block_ends:
                outputs.append(image)
        return outputs
