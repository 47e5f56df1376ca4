"""A second architecture, as small as one can be: the encoder's deepest features, classified and enlarged."""

from __future__ import annotations

from torch import Tensor, nn

from components.core.network.architectures import ArchitectureSpec
from components.core.network.encoders import encoder_spec
from components.core.network.segmentation import VggNetwork, initialise


class Shallow(VggNetwork):
    """No decoder."""

    def __init__(self, classes: int, encoder: str, bands: int = 3) -> None:
        super().__init__(classes, encoder, bands)
        self.head = nn.Conv2d(encoder_spec(encoder).widths[-1], classes, 1)
        initialise(self)

    def segment(self, normalised: Tensor) -> Tensor:
        return nn.functional.interpolate(self.head(self.encoder(normalised)[-1]), scale_factor=16)


SHALLOW = ArchitectureSpec(Shallow, "for tests")
