"""Support of a label: greatest where the building is, at any distance that is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from components.evaluate.label_check.support import HERE, Place, Reach, common_place, support_of
from tests.components.evaluate.probable import likely

REACH = Reach(shift_px=12, ring_px=4)


def surroundings(label: np.ndarray, place: Place, seed: int) -> np.ndarray:
    """(H + 2 M, W + 2 M) float32: a network's probabilities of a building that stands elsewhere than its label."""
    margin = REACH.margin_px
    mask = np.zeros([side + 2 * margin for side in label.shape], np.bool_)
    top, left = margin + place.rows, margin + place.columns
    mask[top : top + label.shape[0], left : left + label.shape[1]] = label
    return likely(mask, seed, noise=0.5).astype(np.float32) / 254


def house() -> np.ndarray:
    """A house with a wing and a yard."""
    label = np.zeros((30, 26), np.bool_)
    label[:18] = label[:, :12] = True
    label[6:10, 4:9] = False
    return label


@pytest.mark.parametrize("place", [HERE, Place(5, 0), Place(-7, 6), Place(0, -12), Place(12, 12)], ids=str)
def test_a_label_has_the_greatest_support_where_its_building_is(place: Place) -> None:
    for seed in range(5):
        found = support_of(house(), surroundings(house(), place, seed), REACH)
        best = found.best()
        assert abs(best.rows - place.rows) <= 1 and abs(best.columns - place.columns) <= 1
        inside, contrast = found.at(best)
        assert inside > 0.75 and contrast > 0.5


def test_sums_are_those_that_a_loop_finds() -> None:
    probability = surroundings(house(), Place(2, 3), 0)
    others = np.zeros(probability.shape, np.bool_)
    others[:20, 25:] = True
    for taken in (None, others):
        found = support_of(house(), probability, REACH, taken)
        free = probability if taken is None else np.where(taken, 0, probability)
        for place in (HERE, Place(-12, 12), Place(4, -9)):
            top, left = REACH.margin_px + place.rows, REACH.margin_px + place.columns
            under = free[top : top + 30, left : left + 26]
            assert found.at(place)[0] == pytest.approx(under[house()].mean(), abs=1e-4)


def test_ground_alike_everywhere_bears_out_nothing_and_moves_nothing() -> None:
    for level in (0.0, 0.5, 1.0):
        margin = REACH.margin_px
        flat = np.full((30 + 2 * margin, 26 + 2 * margin), level, np.float32)
        found = support_of(house(), flat, REACH)
        assert found.best() == HERE
        assert abs(found.here[1]) < 0.1


def test_a_label_does_not_go_where_another_one_stands() -> None:
    probability = surroundings(house(), Place(0, 10), 0)
    others = probability > 0.3
    assert support_of(house(), probability, REACH, others).at(Place(0, 10))[1] < 0.1


def test_labels_that_are_moved_alike_say_where_to_and_others_nothing() -> None:
    def contrasts(places: list[Place]) -> list[np.ndarray]:
        found = [support_of(house(), surroundings(house(), place, seed), REACH) for seed, place in enumerate(places)]
        return [entry.contrast for entry in found]

    common = common_place(contrasts([Place(-4, 6)] * 12), 2)
    assert common is not None and abs(common.rows + 4) <= 1 and abs(common.columns - 6) <= 1
    assert common_place(contrasts([Place(0, 9), Place(0, -9)] * 6), 2) is None
