import math
import re
from itertools import pairwise

import pytest

from components.core.reporting.charts import MOST_DOTS
from components.core.reporting.palette import ACCENT, BOTH
from components.train_unet.curves import DRAWN_POINTS, training_curves
from components.train_unet.history import History, Row
from tests.components.core.reporting.looking import faults_of, page_of, text_of

NAN = math.nan


def trained(epochs: int = 4, steps: int = 20) -> History:
    """A training whose third epoch is the best."""
    rows = []
    for step in range(1, epochs * steps + 1):
        epoch = step / steps
        rows.append(Row(step, epoch, "train", 1 / step, 0.9, 0.8, 0.7, 1e-3 if epoch < 2 else 1e-4))
        if step % steps == 0:
            rows.append(Row(step, epoch, "val", 0.2 + abs(epoch - 3), 0.95, 0.85, 0.75, 1e-4))
    return History(rows)


def page(history: History) -> str:
    return page_of(training_curves(history.rows, history.best()))


def points_of(html: str) -> list[list[tuple[float, float]]]:
    """Of each curve, in px."""
    texts = [text.split() for text in re.findall(r'<polyline points="([^"]*)"', html)]
    return [[(float(x), float(y)) for x, _, y in (pair.partition(",") for pair in text)] for text in texts]


def test_the_page_names_the_best_checkpoint_and_shows_four_charts() -> None:
    html = page(trained())
    text = text_of(html)
    assert "best validation loss 0.2000 epoch 3, step 60" in text
    assert "IoU there 0.750" in text and "accuracy there 0.950" in text
    for title in ("Loss", "IoU and Dice", "Pixel accuracy", "Learning rate", "0.001", "0.0001"):
        assert title in text
    assert html.count("<svg") == 4
    assert not faults_of(html)


def test_same_history_gives_same_page() -> None:
    assert page(trained()) == page(trained())


def test_curves_lie_where_their_values_are_and_in_their_colours() -> None:
    rows = [Row(step, step / 10, "train", 4 - step, NAN, NAN, NAN, NAN) for step in range(4)]
    (curve,) = points_of(page_of(training_curves(rows, None)))
    assert len({round(second[0] - first[0], 1) for first, second in pairwise(curve)}) == 1
    heights = [y for _, y in curve]
    assert heights == sorted(heights) and heights[3] - heights[0] == pytest.approx(
        3 * (heights[1] - heights[0]), abs=0.3
    )
    assert all(f'stroke="{color}"' in page(trained()) for color in (ACCENT, BOTH))


def test_the_best_validation_has_a_ring_on_each_of_its_curves() -> None:
    html = page(trained())
    assert html.count('class="best"') == 4
    x = [float(place) for place in re.findall(r'class="best" cx="([\d.]+)"', html)]
    assert set(x) == {points_of(html)[1][2][0]}


def test_the_first_of_equal_validations_is_best_and_one_without_a_number_the_last() -> None:
    losses = ((1, NAN), (2, 0.5), (3, 0.3), (4, 0.3), (5, NAN))
    assert History([Row(step, step, "val", loss, 0.9, 0.8, 0.7, 1e-3) for step, loss in losses]).best().step == 3


def test_measures_that_are_no_numbers_have_no_chart() -> None:
    rows = [Row(1, 1, "train", 0.5, NAN, NAN, NAN, NAN), Row(2, 1, "train", math.inf, NAN, NAN, NAN, NAN)]
    html = page_of(training_curves(rows, None))
    assert html.count("<svg") == 1
    assert "best" not in text_of(html).replace("best checkpoint", "")


def test_without_measures_the_page_says_so() -> None:
    assert "Nothing was measured." in text_of(page_of(training_curves([], None)))


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0, 1e30, 1e-30])
def test_curves_that_are_flat_are_drawn(value: float) -> None:
    rows = [Row(step, 0.0, "train", value, abs(value) % 1, 1.0, 0.0, abs(value)) for step in range(3)]
    curves = points_of(page_of(training_curves(rows, None)))
    assert len(curves) == 4
    assert all(0 <= y <= 250 for curve in curves for _, y in curve)


def test_a_learning_rate_of_zero_is_drawn_on_a_plain_axis() -> None:
    rows = [Row(step, step / 10, "train", 1.0, NAN, NAN, NAN, step * 1e-4) for step in range(10)]
    assert page_of(training_curves(rows, None)).count("<svg") == 2


def test_long_curves_are_thinned_and_points_of_short_ones_marked() -> None:
    long = page(trained(steps=10 * DRAWN_POINTS))
    assert max(map(len, points_of(long))) == DRAWN_POINTS
    assert 'r="2.2"' in page(trained(epochs=1, steps=MOST_DOTS))
