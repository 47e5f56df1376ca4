"""Loss, accuracy, dice and IoU against values worked out by hand."""

import pytest
import torch

from components.train_unet.metrics import SegmentationMeasures, confusion_counts

NEUTRAL = 255


def logits_of(predicted: list[int], classes: int) -> torch.Tensor:
    """(1, C, 1, W) logits that predict these classes."""
    return torch.nn.functional.one_hot(torch.tensor(predicted), classes).float().T[None, :, None, :]


def target_of(values: list[int]) -> torch.Tensor:
    """(1, 1, W) uint8 target."""
    return torch.tensor(values, dtype=torch.uint8)[None, None, :]


def test_confusion_has_true_rows_and_predicted_columns_without_neutral() -> None:
    counts = confusion_counts(logits_of([0, 1, 1, 2, 2], 7), target_of([0, 1, 2, 2, NEUTRAL]))
    assert counts.sum() == 4
    assert {(row, column): int(counts[row, column]) for row, column in counts.nonzero().tolist()} == {
        (0, 0): 1, (1, 1): 1, (2, 1): 1, (2, 2): 1,
    }  # fmt: skip


def test_measures_are_pooled_over_batches() -> None:
    counts = confusion_counts(logits_of([1, 1, 0, 0, 0], 2), target_of([1, 0, 1, 1, NEUTRAL]))
    assert counts.tolist() == [[0, 1], [2, 1]]
    measures = SegmentationMeasures(2)
    measures.update(torch.tensor(0.5), logits_of([1, 1, 0, 0], 2), target_of([1, 0, 1, 0]))
    measures.update(torch.tensor(0.1), logits_of([1, 1], 2), target_of([1, NEUTRAL]))
    values = measures.compute()
    assert values.loss == pytest.approx(0.3)
    assert values.accuracy == pytest.approx(3 / 5)
    assert values.dice == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert values.iou == pytest.approx(2 / 4)


def test_more_classes_are_averaged_without_the_background() -> None:
    measures = SegmentationMeasures(3)
    measures.update(torch.tensor(0.0), logits_of([0, 1, 2, 2], 3), target_of([0, 1, 1, 2]))
    assert measures.compute().iou == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_nothing_to_find_and_nothing_found_is_perfect() -> None:
    measures = SegmentationMeasures(2)
    measures.update(torch.tensor(0.0), logits_of([0, 0], 2), target_of([0, 0]))
    assert measures.compute()[1:] == (1.0, 1.0, 1.0)
