"""The losses against values worked out by hand."""

import math

import pytest
import torch

from components.core.network.loss import BoundaryWeight, dice_coefficient, nll_loss, segmentation_loss, two_class_loss

NEUTRAL = 255


def logits_of(probabilities: list[float]) -> torch.Tensor:
    """(1, 2, 1, W) logits whose softmax gives these probabilities to channel 1."""
    ones = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([torch.log(1 - ones), torch.log(ones)])[None, :, None, :]


def target_of(values: list[int]) -> torch.Tensor:
    """(1, 1, W) uint8 target."""
    return torch.tensor(values, dtype=torch.uint8)[None, None, :]


def test_two_class_loss_is_the_weighted_mean_of_bce_and_one_minus_dice() -> None:
    logits, target = logits_of([0.8, 0.4, 0.1]), target_of([1, 1, 0])
    bce = -(math.log(0.8) + math.log(0.4) + math.log(0.9)) / 3
    dice = 2 * (1.2 + 1) / (1.3 + 2 + 1)
    assert two_class_loss(logits, target, 1, 0).item() == pytest.approx(bce, rel=1e-5)
    assert two_class_loss(logits, target, 0, 1).item() == pytest.approx(1 - dice, rel=1e-5)
    assert two_class_loss(logits, target, 3, 1).item() == pytest.approx((3 * bce + 1 - dice) / 4, rel=1e-5)


def test_neutral_pixels_change_nothing() -> None:
    plain = two_class_loss(logits_of([0.8, 0.4]), target_of([1, 0]))
    with_neutral = two_class_loss(logits_of([0.8, 0.4, 0.99]), target_of([1, 0, NEUTRAL]))
    assert with_neutral.item() == pytest.approx(plain.item(), rel=1e-6)


def test_dice_is_taken_by_image_then_averaged() -> None:
    probability = torch.tensor([[[0.5, 0.5]], [[1.0, 0.0]]])
    truth = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])
    by_hand = (2 * (0.5 + 1) / (1 + 1 + 1) + 2 * (0 + 1) / (1 + 0 + 1)) / 2
    assert dice_coefficient(probability, truth, torch.ones(2, 1, 2, dtype=torch.bool)).item() == pytest.approx(by_hand)


def test_an_image_without_the_class_is_best_left_empty() -> None:
    assert two_class_loss(logits_of([1e-6] * 4), target_of([0] * 4), 0, 1).item() == pytest.approx(-1, abs=1e-4)


def test_more_classes_use_the_likelihood_of_the_true_one() -> None:
    probabilities = torch.tensor([[0.7, 0.1, 0.2], [0.2, 0.2, 0.6], [0.1, 0.1, 0.8]])
    logits = probabilities.log().T[None, :, None, :]
    target = target_of([0, 2, NEUTRAL])
    by_hand = -(math.log(0.7) + math.log(0.6)) / 2
    assert nll_loss(logits, target).item() == pytest.approx(by_hand, rel=1e-5)
    assert segmentation_loss(logits, target, 1, 5).item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_wholly_neutral_batches_have_a_finite_loss_without_gradient(classes: int) -> None:
    logits = torch.randn(1, classes, 1, 4, requires_grad=True)
    loss = segmentation_loss(logits, target_of([NEUTRAL] * 4))
    loss.backward()
    assert math.isfinite(loss.item())
    assert logits.grad is not None and not logits.grad.any()


def test_extreme_logits_stay_finite_even_in_half_precision() -> None:
    logits = torch.tensor([[[[-6e4, 6e4]], [[6e4, -6e4]]]], dtype=torch.float16)
    assert math.isfinite(two_class_loss(logits, target_of([0, 1])).item())


def test_pixels_near_a_border_weigh_more() -> None:
    target = target_of([0, 0, 0, 0, 1, 1, 1, 1, 1])
    assert BoundaryWeight(3, 1).of(target).tolist() == [[[1, 1, 1, 4, 4, 1, 1, 1, 1]]]
    assert BoundaryWeight(0.5, 2).of(target).tolist() == [[[1, 1, 1.5, 1.5, 1.5, 1.5, 1, 1, 1]]]


def test_a_border_is_in_rows_and_columns_and_neutral_pixels_make_none() -> None:
    target = torch.zeros(1, 5, 5, dtype=torch.uint8)
    target[0, 0, 0] = 1
    target[0, 4, :] = NEUTRAL
    weights = BoundaryWeight(1, 1).of(target)[0]
    assert weights.nonzero().shape == (25, 2)
    assert (weights > 1).nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_the_cross_entropy_is_a_weighted_mean_and_dice_is_not_touched() -> None:
    logits, target = logits_of([0.8, 0.4, 0.1, 0.2]), target_of([1, 1, 0, 0])
    near = BoundaryWeight(2, 1)
    bce = -(math.log(0.8) + 3 * math.log(0.4) + 3 * math.log(0.9) + math.log(0.8)) / 8
    assert two_class_loss(logits, target, 1, 0, near).item() == pytest.approx(bce, rel=1e-5)
    assert two_class_loss(logits, target, 0, 1, near).item() == two_class_loss(logits, target, 0, 1).item()
    assert segmentation_loss(logits, target, boundary=near).item() == two_class_loss(logits, target, 1, 1, near).item()
