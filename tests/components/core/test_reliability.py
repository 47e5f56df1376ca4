"""Errors and thresholds against values worked out by hand; what validation makes of them is tested with it."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.reliability import Reliability, at_least, best_threshold


def test_the_error_is_the_mean_gap_weighed_by_pixels() -> None:
    found = Reliability.of_sums([0.5, 0.0, 5.4], [1, 0, 3], [5, 0, 6])
    assert found is not None
    assert [(entry.confidence, entry.accuracy, entry.pixels) for entry in found.bins] == [
        (pytest.approx(0.1), pytest.approx(0.2), 5),
        (pytest.approx(0.9), pytest.approx(0.5), 6),
    ]
    assert found.error == pytest.approx((0.1 * 5 + 0.4 * 6) / 11)
    read = Reliability.of_json(found.as_json())
    assert read.error == pytest.approx(found.error, abs=1e-6) and len(read.bins) == 2


def test_without_pixels_nothing_is_told() -> None:
    assert Reliability.of_sums([0.0], [0], [0]) is None


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([0.2, 0.4, 0.3], (0.5, 0.4)),
        ([0.4, 0.4, 0.4], (0.5, 0.4)),
        ([0.4, 0.1, 0.4], (0.8, 0.4)),
        ([None, None, 0.0], (0.8, 0.0)),
    ],
)
def test_of_equally_good_thresholds_the_nearest_to_a_half_is_best(scores: list, best: tuple[float, float]) -> None:
    assert best_threshold(scores, [0.2, 0.5, 0.8]) == best
    assert best_threshold(scores[::-1], [0.8, 0.5, 0.2]) == best


def test_without_scores_there_is_no_best_threshold() -> None:
    assert best_threshold([None], [0.5]) is None


def test_counts_from_a_bin_on() -> None:
    assert at_least([[1, 2, 3], [0, 0, 5]]).tolist() == [[6, 5, 3], [5, 5, 5]]
    assert at_least(np.zeros((2, 0), np.int64)).shape == (2, 0)
