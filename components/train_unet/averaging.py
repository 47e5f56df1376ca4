"""The network as it is validated and saved: its weights averaged over steps, its statistics over training windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from components.core.network.segmentation import SegmentationNetwork

WARM_UP_STEPS = 10
"""An average begins with its last few steps: after n of them at most (1 + n) / (10 + n) of it is kept."""


class ValidatedNetwork:
    """Puts into a network what is validated and saved in place of what is trained, and takes it out again.

    Attributes:
        average: Moving averages of the network's floating point state by name; empty without averaging.
    """

    def __init__(self, network: SegmentationNetwork, decay: float, recomputes: bool) -> None:
        """Choose what differs.

        Args:
            network: In training.
            decay: Share of the average that a step keeps; 0 for no averaging.
            recomputes: Whether statistics of normalisation are computed anew.
        """
        self.network = network
        self.decay = decay
        self.recomputes = recomputes
        self.average: dict[str, Tensor] = {}
        self._trained: dict[str, Tensor] | None = None

    @property
    def differs(self) -> bool:
        """Whether what is validated is not what is trained."""
        return self.decay > 0 or self.recomputes

    @torch.no_grad()
    def follow(self, steps_done: int) -> None:
        """Take the weights into the average after a training step; `steps_done` counts it."""
        if not self.decay:
            return
        state = _averaged(self.network)
        if not self.average:
            self.average = {name: value.clone() for name, value in state.items()}
        kept = min(self.decay, (1 + steps_done) / (WARM_UP_STEPS + steps_done))
        torch._foreach_lerp_([self.average[name] for name in state], list(state.values()), 1 - kept)

    def restore(self, average: Mapping[str, Tensor]) -> None:
        """Take up averages from a checkpoint."""
        state = _averaged(self.network)
        self.average = {name: value.to(state[name].device) for name, value in average.items()}

    def trained_state(self) -> dict[str, Tensor]:
        """The state of the network in training, whatever is in it now."""
        return self.network.state_dict() if self._trained is None else self._trained

    def enter(self, forward: Callable[[Tensor], object], images: Iterable[Tensor]) -> None:
        """Put in what is validated.

        Args:
            forward: Applies the network in the training's number format.
            images: (N, C, H, W) uint8 batches for the statistics; none are taken where those stay.

        Raises:
            RuntimeError: If it is in already.
        """
        if not self.differs:
            return
        if self._trained is not None:
            raise RuntimeError("what is validated is in the network already; leave it first")
        self._trained = {name: value.clone() for name, value in self.network.state_dict().items()}
        if self.average:
            self.network.load_state_dict(self._trained | self.average)
        if self.recomputes:
            recompute_statistics(self.network, forward, images)

    def leave(self) -> None:
        """Put in again what is trained."""
        if self._trained is not None:
            self.network.load_state_dict(self._trained)
            self._trained = None


def _averaged(network: nn.Module) -> dict[str, Tensor]:
    """What has a mean: all but counters."""
    return {name: value.detach() for name, value in network.state_dict().items() if value.is_floating_point()}


@torch.no_grad()
def recompute_statistics(network: nn.Module, forward: Callable[[Tensor], object], images: Iterable[Tensor]) -> None:
    """Set the running statistics of batch normalisation to the mean of those of some batches.

    Args:
        network: Whose statistics; its mode stays what it is.
        forward: Applies it.
        images: (N, C, H, W) uint8 batches; where there are none, the statistics stay what they are.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    modes = {module: module.training for module in network.modules()}
    momenta = [layer.momentum for layer in layers]
    try:
        network.train()
        for number, batch in enumerate(images):
            for layer in layers:
                if not number:
                    layer.reset_running_stats()
                layer.momentum = None  # the plain mean of all batches
            forward(batch)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for module, mode in modes.items():
            module.training = mode
