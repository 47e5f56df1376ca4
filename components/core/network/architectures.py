"""The network architectures that a training may use, by name; needs no torch until one is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.core.errors import ConfigError

if TYPE_CHECKING:
    from components.core.network.segmentation import SegmentationNetwork

DEFAULT_ARCHITECTURE = "UNetV2"


@dataclass(frozen=True, slots=True)
class ArchitectureSpec:
    """A kind of network.

    Attributes:
        build: Makes one with random weights, of the number of its classes and an encoder's name; imports its module.
        about: One line for help texts.
    """

    build: Callable[[int, str], SegmentationNetwork]
    about: str


def _unetv2(classes: int, encoder: str) -> SegmentationNetwork:
    from components.core.network.unetv2 import UNetV2

    return UNetV2(classes, encoder)


def _unetv2_small(classes: int, encoder: str) -> SegmentationNetwork:
    from components.core.network.unetv2 import UNetV2Small

    return UNetV2Small(classes, encoder)


ARCHITECTURES: dict[str, ArchitectureSpec] = {
    "UNetV2": ArchitectureSpec(_unetv2, "A U-Net with a dilated bottleneck and four decoder stages, the original"),
    "UNetV2Small": ArchitectureSpec(
        _unetv2_small, "The same with one convolution in a decoder stage instead of three, for slim encoders"
    ),
}


def architecture_spec(name: str) -> ArchitectureSpec:
    """Look an architecture up by name.

    Raises:
        ConfigError: If there is no such architecture.
    """
    if name not in ARCHITECTURES:
        raise ConfigError(f"architecture: {name!r} is not known; use one of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
