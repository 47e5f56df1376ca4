"""Networks of segmentation_models_pytorch: any of its decoders on any of its encoders."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.network import smp_names
from components.core.network.encoders import NO_WEIGHTS, RGB_BANDS
from components.core.network.memory import is_out_of_memory
from components.core.network.segmentation import SegmentationNetwork
from components.core.network.weights import load_checked, widened

_ENCODER_PREFIXES = ("model.encoder.", "encoder.")
"""What names begin with in a file of a whole network: of a model folder here, or of that package."""

_CLASSIFIERS = ("fc.", "classifier.", "last_linear.", "head.", "_fc.")
"""Layers of classifiers, which files of their weights hold beside the encoder's."""

_OF_ONE_SIZE = ("smp.DPT",)
"""Decoders on transformers that take images of one size, unless they are told otherwise."""

_ONE_VALUE = "Expected more than 1 value per channel"
"""How PyTorch refuses to normalise over a single value."""


class SmpNetwork(SegmentationNetwork):
    """A network of segmentation_models_pytorch, which normalises its input as all networks here do.

    Attributes:
        model: That package's; gives logits.
    """

    size_multiple: ClassVar[int] = smp_names.SIZE_MULTIPLE
    head_name: ClassVar[str] = "model.segmentation_head"
    uses_all_weights: ClassVar[bool] = False

    model: nn.Module

    def __init__(self, architecture: str, classes: int, encoder: str, bands: int = RGB_BANDS) -> None:
        """Build a network with random weights; nothing is downloaded.

        Args:
            architecture: A decoder by its name here, such as "smp.Unet".
            classes: Number of output classes, the background included.
            encoder: Name of an encoder, such as "resnet34" or "tu-convnext_tiny".
            bands: Number of bands of the input.

        Raises:
            ConfigError: If the package is not installed, there are no such decoder and encoder, they do not go
                together, or there are fewer than two classes.
        """
        super().__init__(classes, bands)
        self.architecture, self.encoder_name = architecture, encoder
        self.model = _model(architecture, encoder, classes, bands)

    @property
    def encoder(self) -> nn.Module:
        """Of the model."""
        return self.model.get_submodule("encoder")

    @property
    def last_layer(self) -> nn.Conv2d:
        """The last convolution of the model's head."""
        found = [layer for layer in self.get_submodule(self.head_name).modules() if isinstance(layer, nn.Conv2d)]
        return found[-1]

    def segment(self, normalised: Tensor) -> Tensor:
        """Map a normalised (N, bands, H, W) image to (N, classes, H, W) logits.

        Some decoders normalise the mean of a whole window over the batch, which takes two windows; in training a single
        one stands for both.
        """
        try:
            logits: Tensor = self.model(normalised)
        except ValueError as error:
            if _ONE_VALUE not in str(error) or len(normalised) > 1:
                raise
            logits = self.model(torch.cat([normalised, normalised]))[:1]
        return logits

    def check_window(self, size: Size) -> None:
        """See that windows of a size go through, which for some encoders takes more than a multiple of 32.

        Raises:
            ConfigError: If they do not.
        """
        reason = self.why_no_window(size)
        if reason:
            raise ConfigError(f"architecture: {reason}; use another input_size or encoder")

    @torch.no_grad()
    def why_no_window(self, size: Size) -> str:
        """Why windows of a size do not go through, by trying; empty where they do, or memory is short."""
        was_training = self.training
        try:
            self.eval()(torch.zeros(1, self.bands, size.height, size.width, device=self.mean.device))
        except (RuntimeError, ValueError, AssertionError) as error:
            if is_out_of_memory(error):
                return ""
            return (
                f"{self.architecture!r} with the encoder {self.encoder_name!r} cannot take windows of {size} px of "
                f"{self.bands} bands ({_first_line(error)})"
            )
        finally:
            self.train(was_training)
        return ""

    def load_encoder(self, state: Mapping[str, Tensor], source: str) -> None:
        """Copy weights into the encoder.

        Args:
            state: By the package's names of the encoder's tensors, or of a whole network of it, or of a model folder.
            source: Where they come from, for messages.

        Raises:
            DataError: As `load_checked`.
        """
        for prefix in _ENCODER_PREFIXES:
            if any(name.startswith(prefix) for name in state):
                state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
                break
        own = self.encoder.state_dict()
        fitting = {name: value for name, value in state.items() if name in own or not name.startswith(_CLASSIFIERS)}
        load_checked(self.encoder, widened(self.encoder, fitting, source), source)

    def named_weights(self, name: str) -> Mapping[str, Tensor]:
        """The encoder's weights of a name, fetched by the package, from its cache or over the network.

        Raises:
            ConfigError: If the encoder has none of that name.
            DataError: If they cannot be downloaded.
        """
        smp_names.check_weights(self.encoder_name, name)
        with torch.random.fork_rng(devices=[]):
            model = _model(self.architecture, self.encoder_name, self.classes, RGB_BANDS, name)
        state: Mapping[str, Tensor] = model.encoder.state_dict()
        return state


def _model(architecture: str, encoder: str, classes: int, bands: int, weights: str | None = None) -> Any:
    smp_names.check_decoder(architecture)
    smp_names.check_encoder(architecture, encoder)
    try:
        import segmentation_models_pytorch as smp  # optional
    except ModuleNotFoundError as error:
        smp_names.check_available()
        raise ConfigError(
            f"architecture: {architecture!r} cannot be built: {error}; install what is missing"
        ) from error
    kind = getattr(smp, architecture.removeprefix(smp_names.PREFIX), None)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise ConfigError(f"architecture: {architecture!r} is not in the installed {smp_names.DISTRIBUTION}")
    given: str | bool | None = True if weights and encoder.startswith(smp_names.TIMM) else weights
    options = {"dynamic_img_size": True} if architecture in _OF_ONE_SIZE else {}
    with _no_advice(), _named_errors(architecture, encoder, weights):
        return kind(encoder_name=encoder, encoder_weights=given, in_channels=bands, classes=classes, **options)


@contextmanager
def _named_errors(architecture: str, encoder: str, weights: str | None) -> Iterator[None]:
    """The package and timm raise what they like, and the hub's client more than that."""
    try:
        yield
    except Exception as error:
        said = _first_line(error)
        if weights is not None:
            raise DataError(
                f"encoder_weights: {weights!r} of {encoder!r} cannot be fetched ({said}); fetch the file elsewhere and "
                f"give its path or URI as encoder_weights, or train from {NO_WEIGHTS!r}"
            ) from error
        raise ConfigError(
            f"encoder: {encoder!r} with the architecture {architecture!r} cannot be built ({said}); use another encoder"
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


@contextmanager
def _no_advice() -> Iterator[None]:
    """Keep what the package advises on its own arguments, which nobody here gives, out of the log."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
