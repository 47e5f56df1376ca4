"""The encoders a network can stand on, their weights, and the sizes that they halve; needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.errors import ConfigError
from components.core.faults import Faults
from components.core.geometry import Size

VGG_WIDTHS = (64, 128, 256, 512, 512)
DEFAULT_ENCODER = "vgg16_bn"

IMAGENET = "imagenet"
NO_WEIGHTS = "none"
"""Words that stand for an encoder's weights instead of a file."""

MOST_SIDE_PX = 8192
"""Of what goes through the network at once."""

SIZE_MULTIPLE = 16
"""Encoders here halve an image four times."""

RGB_BANDS = 3


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Shape of an encoder.

    Attributes:
        depths: Number of 3×3 convolutions in each of the five blocks.
        widths: Channels of each block.
        torchvision: Name of the torchvision model whose ImageNet weights fit, None where there is none.
        about: One line for help texts.
        normalises: Whether batch normalisation follows each convolution.
    """

    depths: tuple[int, int, int, int, int]
    widths: tuple[int, int, int, int, int]
    torchvision: str | None
    about: str
    normalises: bool = True


def _vgg(layers: int, depths: tuple[int, int, int, int, int], note: str = "") -> dict[str, EncoderSpec]:
    """A VGG network of so many layers, with and without batch normalisation."""
    with_norm, plain = f"vgg{layers}_bn", f"vgg{layers}"
    return {
        with_norm: EncoderSpec(depths, VGG_WIDTHS, with_norm, f"VGG-{layers} with batch normalisation{note}"),
        plain: EncoderSpec(depths, VGG_WIDTHS, plain, f"VGG-{layers} without normalisation", normalises=False),
    }


ENCODERS: dict[str, EncoderSpec] = {
    **_vgg(11, (1, 1, 2, 2, 2)),
    **_vgg(13, (2, 2, 2, 2, 2)),
    **_vgg(16, (2, 2, 3, 3, 3), ", the original"),
    **_vgg(19, (2, 2, 4, 4, 4)),
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


def torchvision_name(encoder: str) -> str:
    """Name of the torchvision model whose ImageNet weights an encoder takes.

    Raises:
        ConfigError: If the encoder has no ImageNet weights.
    """
    name = encoder_spec(encoder).torchvision
    if name is None:
        with_weights = ", ".join(key for key, spec in ENCODERS.items() if spec.torchvision)
        raise ConfigError(
            f"encoder_weights: {encoder!r} has no {IMAGENET!r} weights; use {NO_WEIGHTS!r}, a file, "
            f"or one of the encoders {with_weights}"
        )
    return name


def check_size(size: Size, where: str, multiple: int = SIZE_MULTIPLE) -> None:
    """Check that the network can halve a size as often as it does.

    Args:
        size: Height and width in pixels.
        where: Place of the size, named in the error.
        multiple: Of which sides must be multiples.

    Raises:
        ConfigError: If a side is not a positive multiple of it, and the message offers the neighbouring ones; or above
            `MOST_SIDE_PX`.
    """
    faults = Faults()
    for side, length in (("height", size.height), ("width", size.width)):
        if length < multiple or length % multiple:
            lower = max(length // multiple * multiple, multiple)
            offers = f"{lower} or {lower + multiple}" if length > multiple else f"{multiple}"
            faults.add(f"{where}.{side}: {length} is not a multiple of {multiple}; use {offers}")
        elif length > MOST_SIDE_PX:
            faults.add(f"{where}.{side}: {length} is above {MOST_SIDE_PX}, more than memory holds; use 512")
    faults.raise_any()
