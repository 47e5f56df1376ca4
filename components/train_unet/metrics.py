"""Loss, accuracy, dice and IoU, gathered over batches and processes."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torchmetrics import Metric

from components.core.network.classes import NEUTRAL_INDEX


class Measures(NamedTuple):
    """How well a network did.

    Attributes:
        loss: Mean over the items.
        accuracy: Share of the pixels that are not neutral and got their class.
        dice: 2·TP / (2·TP + FP + FN), mean over the classes but the background.
        iou: TP / (TP + FP + FN), mean over the classes but the background.
    """

    loss: float
    accuracy: float
    dice: float
    iou: float


def confusion_counts(logits: Tensor, target: Tensor) -> Tensor:
    """Count pixels by true and predicted class.

    Args:
        logits: (N, C, H, W) floating point logits.
        target: (N, H, W) uint8 class indices, 255 for neutral pixels, which are left out.

    Returns:
        (C, C) int64; rows are true classes, columns predicted ones.
    """
    classes = logits.shape[1]
    if classes == 2:  # comparing is much faster than argmax, and needs no wait for the device, as bincount does
        codes = torch.where(target == NEUTRAL_INDEX, 4, 2 * target + (logits[:, 1] > logits[:, 0]))
        counts = torch.stack([torch.count_nonzero(codes == code) for code in range(4)])
    else:
        codes = torch.where(target == NEUTRAL_INDEX, classes**2, target.int() * classes + logits.argmax(1).int())
        counts = torch.bincount(codes.flatten(), minlength=classes**2 + 1)[:-1]
    return counts.view(classes, classes)


def ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Quotient, 1 where there is nothing to find and nothing was found."""
    return torch.where(denominator > 0, numerator / denominator.clamp(min=1), torch.ones_like(numerator))


class SegmentationMeasures(Metric):
    """Adds up batches; `compute` gives the measures of all of them, over all processes."""

    full_state_update = False
    confusion: Tensor
    loss_sum: Tensor
    items: Tensor

    def __init__(self, classes: int, **options: Any) -> None:
        """Start at zero for `classes` classes; options are those of torchmetrics."""
        super().__init__(**options)
        self.add_state("confusion", torch.zeros(classes, classes, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("loss_sum", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("items", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, loss: Tensor, logits: Tensor, target: Tensor) -> None:
        """Add a batch: scalar mean loss, (N, C, H, W) logits, (N, H, W) uint8 target."""
        self.confusion += confusion_counts(logits, target)
        self.loss_sum += loss * len(target)
        self.items += len(target)

    def compute(self) -> Measures:
        """The measures of everything added since the last reset."""
        counts = self.confusion.double()
        hits = counts.diagonal()
        found, true = counts.sum(0), counts.sum(1)
        dice = ratio(2 * hits, found + true)[1:].mean()
        iou = ratio(hits, found + true - hits)[1:].mean()
        accuracy = ratio(hits.sum(), counts.sum())
        loss = self.loss_sum / self.items.clamp(min=1)
        return Measures(loss.item(), accuracy.item(), dice.item(), iou.item())
