"""What segmentation_models_pytorch offers, known without importing it: stages without torch check configs by it.

`smp.json` lists the names of one version. Where another one is installed the list says nothing, and what is wrong with
a name is found when the network is built.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from components.core.errors import ConfigError

PREFIX = "smp."
"""Of an architecture that is a decoder of segmentation_models_pytorch, such as "smp.Unet"."""

DISTRIBUTION = "segmentation-models-pytorch"

EXTRAS = "FOOTPRINTS_EXTRAS"
"""Variable of the images: the optional dependencies that the image with a network was built with, by commas."""

EXTRA = "smp"

TIMM = "tu-"
"""Of an encoder that is timm's; which there are, and with which weights, timm alone knows."""

TIMM_WEIGHTS = ("imagenet",)

USUAL_ENCODERS = ("resnet34", "efficientnet-b0", "mit_b0")
TIMM_ENCODER = "tu-vit_base_patch16_224.augreg_in21k"
"""What messages offer."""

SIZE_MULTIPLE = 32
"""Its encoders halve an image five times."""

_ONE_SIZE = re.compile(
    rf"{TIMM}(swin|swinv2|coat|coatnet|coatnext|efficientformer|efficientformerv2|gcvit|hiera|\w*botnet\w*)_\w"
)
"""Encoders that keep a position for each place of an image, so that they take images of one size alone."""

_DECODER = re.compile(r"smp\.[A-Za-z]\w*")
_ENCODER = re.compile(r"[A-Za-z0-9][\w.+-]*")
_WORD = re.compile(r"[a-z0-9][\w+-]*")


@dataclass(frozen=True, slots=True)
class SmpNames:
    """What one version offers.

    Attributes:
        version: Which.
        decoders: Its architectures by their names here, such as "smp.Unet".
        encoders: For each encoder the names of its weights.
        refused: For a decoder the encoders that it does not go with.
    """

    version: str
    decoders: Sequence[str]
    encoders: Mapping[str, Sequence[str]]
    refused: Mapping[str, Sequence[str]]


@lru_cache(maxsize=1)
def listed_names() -> SmpNames:
    """Those of the version that the images are built with."""
    return SmpNames(**json.loads(Path(__file__).with_name("smp.json").read_text(encoding="utf-8")))


def known_names() -> SmpNames | None:
    """What the installed version offers, or the one of the images; None where the installed one is another."""
    installed = installed_version()
    return listed_names() if installed in (None, listed_names().version) else None


def installed_version() -> str | None:
    """Of segmentation_models_pytorch; None where it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return None


def is_smp(architecture: str) -> bool:
    """Whether an architecture is of segmentation_models_pytorch, by its name."""
    return architecture.startswith(PREFIX)


def is_well_formed(architecture: str, encoder: str) -> bool:
    """Whether two names may be a decoder's and an encoder's of some version."""
    return _DECODER.fullmatch(architecture) is not None and _ENCODER.fullmatch(encoder) is not None


def takes_one_size(architecture: str, encoder: str) -> bool:
    """Whether a network is known to take windows of one size alone, by its encoder's name.

    Others may do so, too: what timm has is more than is listed here.
    """
    return is_smp(architecture) and _ONE_SIZE.match(encoder) is not None


def check_available() -> None:
    """See that the stage that trains has segmentation_models_pytorch.

    Images say so in a variable, since the light one, which checks configs, has none itself.

    Raises:
        ConfigError: If it has not.
    """
    stated = os.environ.get(EXTRAS)
    if stated is not None:
        if EXTRA not in stated.split(","):
            raise ConfigError(
                f"architecture: {PREFIX}* needs {DISTRIBUTION}, and these images are built without it; build them "
                f"with `make images EXTRAS={EXTRA}`, or use UNetV2"
            )
    elif installed_version() is None:
        raise ConfigError(
            f"architecture: {PREFIX}* needs {DISTRIBUTION}, which is not installed; install it, or the project with "
            f"its extra `{EXTRA}`, or use UNetV2"
        )


def check_decoder(architecture: str) -> None:
    """See that there is such a decoder.

    Raises:
        ConfigError: If it is known that there is none.
    """
    names = known_names()
    if not is_well_formed(architecture, "any") or (names is not None and architecture not in names.decoders):
        offered = ", ".join((names or listed_names()).decoders)
        raise ConfigError(f"architecture: {architecture!r} is not known; {_named(names)} has {offered}")


def check_encoder(architecture: str, encoder: str) -> None:
    """See that there is such an encoder, and that the decoder goes with it.

    Raises:
        ConfigError: If it is known that there is none, or that the two do not go together.
    """
    if not is_well_formed(f"{PREFIX}Any", encoder):
        raise ConfigError(f"encoder: {encoder!r} is no name of an encoder; use one such as 'resnet34'")
    names = known_names()
    if names is None or encoder.startswith(TIMM):
        return
    if encoder not in names.encoders:
        near = get_close_matches(encoder, names.encoders, n=3) or USUAL_ENCODERS
        raise ConfigError(
            f"encoder: {encoder!r} is not known; {_named(names)} has {len(names.encoders)}, among them "
            f"{', '.join(near)}, and those of timm as {TIMM}*"
        )
    refused = names.refused.get(architecture, ())
    if encoder in refused:
        other = next((name for name in USUAL_ENCODERS if name not in refused), TIMM_ENCODER)
        raise ConfigError(
            f"encoder: {encoder!r} does not go with the architecture {architecture!r}; use another, such as {other!r}, "
            f"or another architecture, such as '{PREFIX}Unet'"
        )


def is_name_of_weights(place: str) -> bool:
    """Whether what is given as encoder weights is a name, not a path or URI."""
    return _WORD.fullmatch(place) is not None


def check_weights(encoder: str, weights: str) -> None:
    """See that an encoder has weights of a name.

    Raises:
        ConfigError: If it is known that it has none.
    """
    names = known_names()
    has = TIMM_WEIGHTS if encoder.startswith(TIMM) else None if names is None else names.encoders.get(encoder)
    if has is not None and weights not in has:
        there = " or ".join(map(repr, has)) or "none by name"
        raise ConfigError(
            f"encoder_weights: {weights!r} is no name of weights of {encoder!r}, which has {there}; use one that there "
            "is, 'none', or a path or URI of a file, with its ending"
        )


def _named(names: SmpNames | None) -> str:
    return DISTRIBUTION if names is None else f"{DISTRIBUTION} {names.version}"
