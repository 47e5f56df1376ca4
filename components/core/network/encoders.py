"""The encoders UNetV2 can stand on: the convolutions of VGG with batch normalisation, in five blocks."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from components.core.errors import ConfigError

VGG_WIDTHS = (64, 128, 256, 512, 512)
DEFAULT_ENCODER = "vgg16_bn"


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Shape of an encoder.

    Attributes:
        depths: Number of 3×3 convolutions in each of the five blocks.
        widths: Channels of each block.
        torchvision: Name of the torchvision model whose ImageNet weights fit, None where there is none.
        about: One line for help texts.
    """

    depths: tuple[int, int, int, int, int]
    widths: tuple[int, int, int, int, int]
    torchvision: str | None
    about: str


ENCODERS: dict[str, EncoderSpec] = {
    "vgg11_bn": EncoderSpec((1, 1, 2, 2, 2), VGG_WIDTHS, "vgg11_bn", "VGG-11 with batch normalisation"),
    "vgg13_bn": EncoderSpec((2, 2, 2, 2, 2), VGG_WIDTHS, "vgg13_bn", "VGG-13 with batch normalisation"),
    "vgg16_bn": EncoderSpec((2, 2, 3, 3, 3), VGG_WIDTHS, "vgg16_bn", "VGG-16 with batch normalisation, the original"),
    "vgg19_bn": EncoderSpec((2, 2, 4, 4, 4), VGG_WIDTHS, "vgg19_bn", "VGG-19 with batch normalisation"),
    "vgg16_bn_slim4": EncoderSpec(
        (2, 2, 3, 3, 3),
        (16, 32, 64, 128, 128),
        None,
        "VGG-16 with a quarter of the channels, for machines without a GPU",
    ),
    "vgg16_bn_slim8": EncoderSpec(
        (2, 2, 3, 3, 3), (8, 16, 32, 64, 64), None, "VGG-16 with an eighth of the channels, for trials and tests"
    ),
}


def encoder_spec(name: str) -> EncoderSpec:
    """Look an encoder up by name.

    Raises:
        ConfigError: If there is no such encoder.
    """
    if name not in ENCODERS:
        raise ConfigError(f"encoder: {name!r} is not known; use one of {', '.join(ENCODERS)}")
    return ENCODERS[name]


class VggEncoder(nn.Module):
    """Convolution blocks of a VGG network; layers are numbered as in torchvision's `features`."""

    def __init__(self, spec: EncoderSpec) -> None:
        """Build the five blocks of `spec`, with max pooling between them."""
        super().__init__()
        layers: list[nn.Module] = []
        block_ends = []
        channels = 3
        for depth, width in zip(spec.depths, spec.widths, strict=True):
            if layers:
                layers.append(nn.MaxPool2d(2))
            for _ in range(depth):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                channels = width
            block_ends.append(len(layers) - 1)
        self.features = nn.Sequential(*layers)
        self.block_ends = tuple(block_ends)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Run the blocks.

        Args:
            image: (N, 3, H, W) normalised image; H and W multiples of 16.

        Returns:
            The five blocks' outputs, at 1/1, 1/2, 1/4, 1/8 and 1/16 of the image's size.
        """
        outputs = []
        for index, layer in enumerate(self.features):
            image = layer(image)
            if index in self.block_ends:
                outputs.append(image)
        return outputs
