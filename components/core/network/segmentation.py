"""What every network architecture shares: the scaling of its input, an encoder, and a last layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network.description import Normalisation
from components.core.network.encoders import RGB_BANDS, SIZE_MULTIPLE, check_size, encoder_spec
from components.core.network.vgg import VggEncoder
from components.core.network.weights import imagenet_state, load_encoder_state

HEAD = "head"
"""Name of the layer whose channels are the classes; a training that starts from other classes draws it again."""


class SegmentationNetwork(nn.Module, ABC):
    """The base of an architecture; it normalises its input itself.

    Attributes:
        size_multiple: Heights and widths of its input are multiples of it.
        head_name: Name of the layer, or layers, whose channels are the classes.
        uses_all_weights: Whether each of its weights has a part in the result.
        classes: Number of output classes, the background included.
        bands: Number of bands of the input.
    """

    size_multiple: ClassVar[int] = SIZE_MULTIPLE
    head_name: ClassVar[str] = HEAD
    uses_all_weights: ClassVar[bool] = True

    mean: Tensor
    std: Tensor

    def __init__(self, classes: int, bands: int = RGB_BANDS) -> None:
        """Prepare the scaling of the input.

        Args:
            classes: Number of output classes, the background included.
            bands: Number of bands of the input.

        Raises:
            ConfigError: If there are fewer than two classes.
        """
        super().__init__()
        if classes < 2:
            raise ConfigError(f"classes: {classes} leaves nothing to distinguish; use at least 2 (background and one)")
        self.classes = classes
        self.bands = bands
        scaling = Normalisation.of_bands(bands)
        self.register_buffer("mean", 255 * torch.tensor(scaling.mean).view(1, bands, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(scaling.std).view(1, bands, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Segment a batch.

        Args:
            image: (N, bands, H, W), values 0..255, uint8 or floating point; H and W multiples of `size_multiple`.

        Returns:
            (N, classes, H, W) logits in the precision of the weights, or of autocast where it is on.

        Raises:
            ConfigError: If H or W is no such multiple.
        """
        check_size(Size(image.shape[-2], image.shape[-1]), "image", self.size_multiple)
        return self.segment((image.to(self.mean.dtype) - self.mean) / self.std)

    @property
    @abstractmethod
    def last_layer(self) -> nn.Conv2d:
        """What gives a channel for each class."""

    @abstractmethod
    def segment(self, normalised: Tensor) -> Tensor:
        """Map a normalised (N, bands, H, W) image to (N, classes, H, W) logits."""

    def check_window(self, size: Size) -> None:
        """See, before a training, that windows of a size go through; where their sides are multiples, they do.

        Raises:
            ConfigError: If they do not.
        """
        check_size(size, "input_size", self.size_multiple)

    def why_no_window(self, size: Size) -> str:
        """Why windows of a size, whose sides are multiples, do not go through; empty where they do."""
        return ""

    @abstractmethod
    def load_encoder(self, state: Mapping[str, Tensor], source: str) -> None:
        """Copy weights of a file, or of a name, into the encoder.

        Args:
            state: Tensors by name.
            source: Where they come from, for messages.

        Raises:
            DataError: If they do not fit, or are not finite.
        """

    @abstractmethod
    def named_weights(self, name: str) -> Mapping[str, Tensor]:
        """The encoder's weights that a name stands for, such as "imagenet"; from a cache or over the network.

        Raises:
            ConfigError: If the encoder has none of that name.
            DataError: If they cannot be downloaded.
        """


class VggNetwork(SegmentationNetwork):
    """The base of an architecture on an encoder of `ENCODERS`.

    An architecture adds its layers, the last of them as `head`, and `segment`.

    Attributes:
        encoder: Takes ImageNet weights where there are some.
        head: From the last features to a channel for each class.
    """

    head: nn.Conv2d

    def __init__(self, classes: int, encoder: str, bands: int = RGB_BANDS) -> None:
        """Build the encoder with random weights.

        Args:
            classes: Number of output classes, the background included.
            encoder: Name of an entry of `ENCODERS`.
            bands: Number of bands of the input.

        Raises:
            ConfigError: If the encoder is not known or there are fewer than two classes.
        """
        super().__init__(classes, bands)
        self.encoder_name = encoder
        self.encoder = VggEncoder(encoder_spec(encoder), bands)

    @property
    def last_layer(self) -> nn.Conv2d:
        """The head."""
        return self.head

    def load_encoder(self, state: Mapping[str, Tensor], source: str) -> None:
        """Copy weights named as torchvision's; see `load_encoder_state`."""
        load_encoder_state(self.encoder, state, source)

    def named_weights(self, name: str) -> Mapping[str, Tensor]:
        """Torchvision's ImageNet weights; see `imagenet_state`."""
        return imagenet_state(self.encoder_name)


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
