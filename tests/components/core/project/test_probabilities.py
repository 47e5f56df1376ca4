"""From probabilities to 8 bits and to classes: ties, rounding, thresholds, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.project.probabilities import LEVELS, REPRESENTED, classified, lowest_value, of_others, quantized

CLASSES = 3


def of(*probabilities: float) -> np.ndarray:
    """One row of pixels of two classes, by the probability of the second."""
    second = np.array([probabilities], np.float32)
    return np.stack([1 - second, second])


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_a_value_says_between_which_two_probabilities_one_lies(probabilities: list[float]) -> None:
    values = quantized(of(*probabilities))[0, 0].astype(int)
    for value, probability in zip(values, probabilities, strict=True):
        assert value - 1 - 1e-4 < probability * LEVELS <= value + 1 + 1e-4


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_the_more_probable_of_two_classes_is_found_exactly(probabilities: list[float]) -> None:
    found = of(*probabilities)
    classes, confidence = classified(quantized(found))
    assert np.array_equal(classes, found.argmax(axis=0))
    assert np.abs(confidence / 255 - np.where(classes, found[1], 1 - found[1])).max() <= 1.5 / LEVELS
    assert all(map(np.array_equal, classified(quantized(found), (0.5,)), (classes, confidence)))


@given(st.integers(3, 6), st.integers(0, 2**32 - 1), st.sampled_from([3, 40, 1000]))
def test_the_most_probable_of_more_classes_is_found_exactly(count: int, seed: int, steps: int) -> None:
    random = np.random.default_rng(seed)
    shares = random.integers(0, steps, (count, 8, 8)) + np.eye(count, dtype=int)[0][:, None, None]
    probabilities = (shares / shares.sum(axis=0)).astype(np.float32)
    values = quantized(probabilities)
    assert np.array_equal(classified(values)[0], probabilities.argmax(axis=0))
    assert np.abs(values / LEVELS - probabilities).max() <= 1.001 / LEVELS


def test_certainty_and_a_half() -> None:
    values = quantized(of(0, 1, 0.5, np.nextafter(np.float32(0.5), np.float32(1)), 1.0000001))
    assert values.tolist() == [[[0, 254, 127, 128, 254]]]
    classes, confidence = classified(values)
    assert classes.tolist() == [[0, 1, 0, 1, 1]]
    assert confidence.tolist() == [[255, 255, 128, 128, 255]]


def test_of_more_classes_the_most_probable_is_taken_and_the_first_of_equals() -> None:
    probabilities = np.array([[[0.5, 0.2, 0.3, 1.0]], [[0.5, 0.2, 0.3, 0.0]], [[0.0, 0.6, 0.4, 0.0]]], np.float32)
    classes, confidence = classified(quantized(probabilities))
    assert classes.tolist() == [[0, 2, 2, 0]]
    assert np.abs(confidence.astype(int) - [[128, 153, 102, 255]]).max() <= 1


@pytest.mark.parametrize("broken", [np.nan, np.inf])
@pytest.mark.parametrize("plane", range(CLASSES))
def test_what_is_no_number_is_refused(broken: float, plane: int) -> None:
    probabilities = np.full((CLASSES, 4, 4), 1 / 3, np.float32)
    probabilities[plane, 2, 2] = broken
    with pytest.raises(DataError, match="network output contains NaN or infinity; set precision to 'float32'"):
        quantized(probabilities)


def test_a_class_counts_above_its_threshold_and_the_most_probable_of_those_wins() -> None:
    probabilities = np.array(
        [[[0.6, 0.5, 0.1, 0.2, 0.5]], [[0.41, 0.5, 0.5, 0.29, 0.2]], [[0.0, 0.0, 0.38, 0.51, 0.3]]], np.float32
    )
    classes, confidence = classified(quantized(probabilities), (0.3, 0.4))
    assert classes.tolist() == [[1, 1, 1, 2, 0]], "0.29 is not above 0.3, nor 0.38 above 0.4"
    assert np.abs(confidence.astype(int) - [[105, 128, 128, 130, 128]]).max() <= 1


@pytest.mark.parametrize(("threshold", "lowest"), [(0.5, 128), (0.3, 77), (0.001, 2), (0.999, 254)])
def test_a_threshold_lies_between_two_values(threshold: float, lowest: int) -> None:
    values = np.arange(255, dtype=np.uint8)[None, None]
    classes, _ = classified(values, (threshold,))
    assert int(classes.argmax()) == lowest and classes[0, lowest:].all()


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.3, 0.5, 0.9, 0.999])
def test_the_least_value_above_a_threshold_is_where_a_class_begins(threshold: float) -> None:
    values = np.arange(255, dtype=np.uint8)[None, None]
    classes, _ = classified(values, (threshold,))
    assert int(classes[0].argmax()) == lowest_value(threshold)
    assert not classified(values, (1.0,))[0].any() and lowest_value(1.0) > 254


def test_a_probability_and_that_of_all_others_add_up_to_one() -> None:
    values = np.arange(255, dtype=np.uint8)
    assert REPRESENTED[of_others(values)] == pytest.approx(1 - REPRESENTED[values], abs=1e-12)
    assert of_others(np.array([255], np.uint8)) == [255]
    for step in range(1, 254):
        first, other = lowest_value(step / 254), lowest_value(1 - step / 254)
        assert np.array_equal(values >= first, ~(of_others(values) >= other))
