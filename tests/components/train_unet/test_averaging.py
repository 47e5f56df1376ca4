"""What is validated and saved in place of what is trained, by the numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from components.train_unet.averaging import ValidatedNetwork, recompute_statistics


class OneWeight(nn.Module):
    """A weight, and a normalisation of what it is multiplied with."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0]))
        self.normalised = nn.BatchNorm2d(1)

    def forward(self, image: Tensor) -> Tensor:
        result: Tensor = self.normalised(image * self.weight)
        return result


def batch(*values: float) -> Tensor:
    """(N, 1, 1, 1)."""
    return torch.tensor(values)[:, None, None, None]


def set_weight(network: OneWeight, value: float) -> None:
    with torch.no_grad():
        network.weight.fill_(value)


def test_an_average_keeps_its_share_at_each_step_and_less_in_the_first_ones() -> None:
    network = OneWeight()
    validated = ValidatedNetwork(network, 0.25, recomputes=False)
    average = 0.0
    for step, weight in enumerate([1.0, 3.0, -2.0, 5.0], 1):
        set_weight(network, weight)
        validated.follow(step)
        kept = min(0.25, (1 + step) / (10 + step))
        average = weight if step == 1 else kept * average + (1 - kept) * weight
        assert validated.average["weight"].item() == pytest.approx(average)


def test_what_is_validated_goes_in_and_out_again() -> None:
    network = OneWeight()
    validated = ValidatedNetwork(network, 0.9, recomputes=False)
    for step, weight in enumerate([1.0, 2.0], 1):
        set_weight(network, weight)
        validated.follow(step)
    trained = {name: value.clone() for name, value in network.state_dict().items()}
    validated.enter(network, [])
    assert network.weight.item() == pytest.approx(1 * 3 / 12 + 2 * 9 / 12)
    assert all(value.equal(trained[name]) for name, value in validated.trained_state().items())
    with pytest.raises(RuntimeError, match="already"):
        validated.enter(network, [])
    validated.leave()
    assert all(value.equal(trained[name]) for name, value in network.state_dict().items())
    assert validated.trained_state()["weight"].item() == 2


def test_without_settings_nothing_is_kept_or_changed() -> None:
    network = OneWeight()
    validated = ValidatedNetwork(network, 0.0, recomputes=False)
    validated.follow(1)
    validated.enter(network, [batch(3.0)])
    assert not validated.differs and not validated.average
    assert network.normalised.running_mean is not None and network.normalised.running_mean.item() == 0


def test_averages_are_taken_up_again() -> None:
    network = OneWeight()
    validated, later = (ValidatedNetwork(network, 0.9, recomputes=False) for _ in range(2))
    validated.follow(1)
    later.restore({name: value.clone() for name, value in validated.average.items()})
    for weight, step in ((4.0, 2), (5.0, 3)):
        set_weight(network, weight)
        validated.follow(step)
        later.follow(step)
    assert all(value.equal(later.average[name]) for name, value in validated.average.items())


def test_statistics_are_the_mean_over_batches_with_the_weights_as_they_are() -> None:
    network = OneWeight().eval()
    set_weight(network, 2.0)
    network.normalised.momentum = 0.1
    recompute_statistics(network, network, [batch(1.0, 3.0), batch(5.0, 9.0)])
    norm = network.normalised
    assert norm.running_mean is not None and norm.running_var is not None
    assert norm.running_mean.item() == pytest.approx((4 + 14) / 2)
    assert norm.running_var.item() == pytest.approx((8 + 32) / 2)  # of n - 1
    assert norm.momentum == 0.1
    assert not network.training and not norm.training


def test_without_windows_statistics_stay() -> None:
    network = OneWeight()
    network(batch(1.0, 3.0))
    before = network.state_dict()
    recompute_statistics(network, network, [])
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    assert network.training


def test_statistics_are_those_of_the_average() -> None:
    network = OneWeight()
    validated = ValidatedNetwork(network, 0.9, recomputes=True)
    validated.follow(1)
    set_weight(network, 100.0)
    validated.enter(network, [batch(1.0, 3.0)])
    assert network.normalised.running_mean is not None
    assert network.normalised.running_mean.item() == pytest.approx(2)
    validated.leave()
    assert network.normalised.running_mean.item() == 0
