"""The network architectures that a training may use, by name; needs no torch until one is built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from components.core.errors import ConfigError
from components.core.network import smp_names
from components.core.network.encoders import (
    ENCODERS,
    IMAGENET,
    RGB_BANDS,
    SIZE_MULTIPLE,
    encoder_spec,
    torchvision_name,
)

if TYPE_CHECKING:
    from components.core.network.segmentation import SegmentationNetwork

DEFAULT_ARCHITECTURE = "UNetV2"


class Build(Protocol):
    """Makes a network with random weights; imports its module."""

    def __call__(self, classes: int, encoder: str, bands: int = RGB_BANDS) -> SegmentationNetwork:
        """Of the number of its classes, an encoder's name, and the number of bands of its input."""
        ...


@dataclass(frozen=True, slots=True)
class ArchitectureSpec:
    """A kind of network.

    Attributes:
        build: Makes one.
        about: One line for help texts.
        size_multiple: Heights and widths of its input are multiples of it.
    """

    build: Build
    about: str
    size_multiple: int = SIZE_MULTIPLE


def _unetv2(classes: int, encoder: str, bands: int = RGB_BANDS) -> SegmentationNetwork:
    from components.core.network.unetv2 import UNetV2

    return UNetV2(classes, encoder, bands)


def _unetv2_small(classes: int, encoder: str, bands: int = RGB_BANDS) -> SegmentationNetwork:
    from components.core.network.unetv2 import UNetV2Small

    return UNetV2Small(classes, encoder, bands)


def _smp(architecture: str, classes: int, encoder: str, bands: int = RGB_BANDS) -> SegmentationNetwork:
    from components.core.network.smp import SmpNetwork

    return SmpNetwork(architecture, classes, encoder, bands)


ARCHITECTURES: dict[str, ArchitectureSpec] = {
    "UNetV2": ArchitectureSpec(_unetv2, "A U-Net with a dilated bottleneck and four decoder stages, the original"),
    "UNetV2Small": ArchitectureSpec(
        _unetv2_small, "The same with one convolution in a decoder stage instead of three, for slim encoders"
    ),
}
"""The project's own; see `architecture_spec` for all."""


def architecture_spec(name: str) -> ArchitectureSpec:
    """Look an architecture up by name; those of segmentation_models_pytorch go by a form, "smp.Unet".

    Raises:
        ConfigError: If there is no such architecture, as far as that is known here.
    """
    if smp_names.is_smp(name):
        smp_names.check_decoder(name)
        return ArchitectureSpec(
            partial(_smp, name), f"{name} of {smp_names.DISTRIBUTION}", size_multiple=smp_names.SIZE_MULTIPLE
        )
    if name not in ARCHITECTURES:
        raise ConfigError(
            f"architecture: {name!r} is not known; use one of {', '.join(ARCHITECTURES)}, or one of "
            f"segmentation_models_pytorch, such as '{smp_names.PREFIX}Unet'"
        )
    return ARCHITECTURES[name]


def size_multiple(name: str) -> int:
    """What heights and widths of an architecture's input are multiples of; says so of any name."""
    if smp_names.is_smp(name):
        return smp_names.SIZE_MULTIPLE
    return ARCHITECTURES[name].size_multiple if name in ARCHITECTURES else SIZE_MULTIPLE


def check_encoder(architecture: str, encoder: str) -> None:
    """See that an architecture has an encoder.

    Raises:
        ConfigError: If it has not, as far as that is known here.
    """
    if smp_names.is_smp(architecture):
        smp_names.check_encoder(architecture, encoder)
    else:
        encoder_spec(encoder)


def check_available(architecture: str) -> None:
    """See that what an architecture needs is installed where networks are trained.

    Raises:
        ConfigError: If it is not.
    """
    if smp_names.is_smp(architecture):
        smp_names.check_available()


def names_weights(architecture: str, place: str) -> bool:
    """Whether what is given as encoder weights is a name such as "imagenet", and no path or URI."""
    return place == IMAGENET or (smp_names.is_smp(architecture) and smp_names.is_name_of_weights(place))


def check_weights(architecture: str, encoder: str, name: str) -> None:
    """See that an encoder has weights of a name.

    Raises:
        ConfigError: If it has none, as far as that is known here.
    """
    if smp_names.is_smp(architecture):
        smp_names.check_weights(encoder, name)
    else:
        torchvision_name(encoder)


def why_unknown(architecture: str, encoder: str) -> str:
    """What a model's description names that no release knows, or another one; empty where nothing is.

    Nothing is looked up in segmentation_models_pytorch: a model is read where that is not installed, too.
    """
    if smp_names.is_smp(architecture):
        names = f"architecture {architecture!r} and encoder {encoder!r}"
        return (
            "" if smp_names.is_well_formed(architecture, encoder) else f"{names} are no names of networks; train again"
        )
    if architecture not in ARCHITECTURES:
        return f"architecture {architecture!r} is none of {_listed(ARCHITECTURES)}; use the release that wrote it"
    return "" if encoder in ENCODERS else f"encoder {encoder!r} is none of {_listed(ENCODERS)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
