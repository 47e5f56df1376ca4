"""From probabilities to classes: ties, rounding, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import DataError
from components.infer_windows.blending import argmax

CLASSES = 3


def test_deciding_takes_the_first_of_equals_and_rounds() -> None:
    probabilities = np.array([[[0.5, 0.2, 0.3, 1.0]], [[0.5, 0.2, 0.3, 0.0]], [[0.0, 0.6, 0.4, 0.0]]], np.float32)

    values, confidence = argmax(probabilities)

    assert values.tolist() == [[0, 2, 2, 0]]
    assert confidence.tolist() == [[128, 153, 102, 255]]


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_what_is_no_number_is_refused(broken: float) -> None:
    probabilities = np.full((CLASSES, 4, 4), 1 / 3, np.float32)
    probabilities[1, 2, 2] = broken

    with pytest.raises(DataError, match="network output contains NaN or infinity; set precision to 'float32'"):
        argmax(probabilities)
