"""Folding changes the order of sums and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from components.core.network.architectures import ARCHITECTURES
from components.core.network.folding import folded


def norms(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def lively(network: nn.Module) -> nn.Module:
    """The network with statistics, scales and shifts that matter, in evaluation mode."""
    for norm in norms(network):
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.5, 0.5)
        if norm.running_mean is not None and norm.running_var is not None:
            nn.init.uniform_(norm.running_mean, -0.5, 0.5)
            nn.init.uniform_(norm.running_var, 0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_function_is_the_same_and_no_normalisation_is_left(name: str) -> None:
    torch.manual_seed(0)
    network = lively(ARCHITECTURES[name].build(2, "vgg16_bn_slim8"))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    image = torch.randint(0, 256, (2, 3, 32, 48), dtype=torch.uint8)

    with torch.inference_mode():
        short = folded(network)
        wanted, found = network(image).softmax(1), short(image).softmax(1)

    assert norms(network) and not norms(short)
    assert not torch.equal(found, wanted) and torch.allclose(found, wanted, rtol=0, atol=1e-4)
    after = network.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(value, after[key]) for key, value in before.items())


class Backwards(nn.Sequential):
    """Runs its layers from the last to the first."""

    def forward(self, image: Tensor) -> Tensor:
        for layer in reversed(self):
            image = layer(image)
        return image


class Positive(nn.Conv2d):
    """A convolution with another function."""

    def forward(self, image: Tensor) -> Tensor:
        return self._conv_forward(image, self.weight.abs(), self.bias)


@pytest.mark.parametrize(
    "network",
    [
        Backwards(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)),
        nn.Sequential(Positive(3, 3, 1), nn.BatchNorm2d(3)),
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False)),
        nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1)),
    ],
    ids=["another order", "another convolution", "statistics of the batch", "before the convolution"],
)
def test_what_cannot_be_folded_stays(network: nn.Module) -> None:
    image = torch.rand(2, 3, 8, 8)
    lively(network)
    with torch.inference_mode():
        assert torch.equal(folded(network)(image), network(image))
    assert len(norms(folded(network))) == 1
