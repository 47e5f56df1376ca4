"""Training losses: cross-entropy and dice for two classes, negative log-likelihood for more."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from components.core.network.classes import NEUTRAL_INDEX


@dataclass(frozen=True, slots=True)
class BoundaryWeight:
    """Pixels near the border of a class count more.

    Attributes:
        extra: What such a pixel weighs more than others, which weigh 1.
        reach_px: How far from the border it may be.
    """

    extra: float
    reach_px: int

    def of(self, target: Tensor) -> Tensor:
        """(N, H, W) float32 weights of the pixels of a (N, H, W) uint8 target.

        A pixel is near a border where the square of `reach_px` pixels around it holds two classes; neutral ones are
        none, and make no border.
        """
        side = 2 * self.reach_px + 1
        classes = target[:, None].float()
        neutral = classes == NEUTRAL_INDEX
        highest = functional.max_pool2d(classes.masked_fill(neutral, -1), side, 1, self.reach_px)
        lowest = -functional.max_pool2d(-classes, side, 1, self.reach_px)
        return 1 + self.extra * (highest > lowest)[:, 0].float()


def segmentation_loss(
    logits: Tensor,
    target: Tensor,
    bce_weight: float = 1.0,
    dice_weight: float = 1.0,
    boundary: BoundaryWeight | None = None,
) -> Tensor:
    """The loss that fits the number of classes.

    Args:
        logits: (N, C, H, W) floating point logits.
        target: (N, H, W) uint8 class indices, 255 for neutral pixels.
        bce_weight: Weight of the cross-entropy; used with two classes.
        dice_weight: Weight of the dice term; used with two classes.
        boundary: What pixels near borders weigh more in the cross-entropy; used with two classes.

    Returns:
        Scalar float32 loss.
    """
    if logits.shape[1] == 2:
        return two_class_loss(logits, target, bce_weight, dice_weight, boundary)
    return nll_loss(logits, target)


def two_class_loss(
    logits: Tensor,
    target: Tensor,
    bce_weight: float = 1.0,
    dice_weight: float = 1.0,
    boundary: BoundaryWeight | None = None,
) -> Tensor:
    """(w_bce · BCE + w_dice · (1 − D)) / (w_bce + w_dice) on the softmax of channel 1.

    Args:
        logits: (N, 2, H, W) floating point logits.
        target: (N, H, W) uint8, 1 for the class, 0 for background, 255 for neutral pixels.
        bce_weight: Weight of the binary cross-entropy, its mean over the pixels that are not neutral.
        dice_weight: Weight of the dice term.
        boundary: What pixels near borders weigh more in the cross-entropy, which is a weighted mean then.

    Returns:
        Scalar float32 loss; below zero is possible, since D exceeds 1 on images without the class.
    """
    # The softmax of two channels is the sigmoid of their difference.
    score = logits[:, 1].float() - logits[:, 0].float()
    valid = target != NEUTRAL_INDEX
    truth = (target == 1).to(score.dtype)
    pixel_losses = functional.binary_cross_entropy_with_logits(score, truth, reduction="none")
    counted = valid if boundary is None else valid * boundary.of(target)
    bce = (pixel_losses * counted).sum() / counted.sum().clamp(min=1)
    dice = dice_coefficient(torch.sigmoid(score), truth, valid)
    return (bce_weight * bce + dice_weight * (1 - dice)) / (bce_weight + dice_weight)


def dice_coefficient(probability: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """D = 2 (I + 1) / (P + T + 1) of each image, averaged over the batch.

    Args:
        probability: (N, H, W) floating point probability of the class.
        truth: (N, H, W) floating point, 1 where the class is.
        valid: (N, H, W) bool; the other pixels count as zero on both sides.

    Returns:
        Scalar mean of D over the N images.
    """
    probability = (probability * valid).flatten(1)
    truth = (truth * valid).flatten(1)
    intersection = (probability * truth).sum(1)
    return (2 * (intersection + 1) / (probability.sum(1) + truth.sum(1) + 1)).mean()


def nll_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood of the true class, averaged over the pixels that are not neutral.

    Args:
        logits: (N, C, H, W) floating point logits.
        target: (N, H, W) uint8 class indices, 255 for neutral pixels.

    Returns:
        Scalar float32 loss; zero where every pixel is neutral.
    """
    total = functional.cross_entropy(logits.float(), target.long(), ignore_index=NEUTRAL_INDEX, reduction="sum")
    return total / (target != NEUTRAL_INDEX).sum().clamp(min=1)
