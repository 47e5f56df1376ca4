import math

import numpy as np
import pytest

from components.core.errors import DataError
from components.core.reporting.curves import DRAWN_POINTS, HistoryRow, best_validation, training_curves
from tests.components.core.reporting.looking import faults_of, image_of, text_of


def history(epochs: int = 4, steps: int = 20) -> list[HistoryRow]:
    """A training whose third epoch is the best."""
    rows = []
    for step in range(1, epochs * steps + 1):
        epoch = step / steps
        rows.append(HistoryRow(step, epoch, "train", 1 / step, 0.9, 0.8, 0.7, 1e-3 if epoch < 2 else 1e-4))
        if step % steps == 0:
            rows.append(HistoryRow(step, epoch, "val", 0.2 + abs(epoch - 3), 0.95, 0.85, 0.75))
    return rows


def test_the_page_names_the_best_checkpoint_and_shows_four_charts() -> None:
    html = training_curves(history()).html()

    text = text_of(html)
    assert "best validation loss 0.2000 epoch 3, step 60" in text
    assert "IoU there 0.750" in text and "accuracy there 0.950" in text
    for title in ("Loss", "IoU and Dice", "Pixel accuracy", "Learning rate", "0.001", "0.0001"):
        assert title in text
    assert html.count("<svg") == 4
    assert not faults_of(html)


def test_same_history_gives_same_page() -> None:
    assert training_curves(history()).html() == training_curves(history()).html()


def test_the_first_of_equal_validations_is_best() -> None:
    rows = [HistoryRow(step, step, "val", loss) for step, loss in ((1, 0.5), (2, 0.3), (3, 0.3), (4, math.nan))]

    best = best_validation(rows)

    assert best is not None and best.step == 2
    assert best_validation([HistoryRow(1, 1, "train", 0.1)]) is None


def test_measures_that_are_missing_have_no_chart() -> None:
    html = training_curves([HistoryRow(1, 1, "train", 0.5), HistoryRow(2, 1, "train", math.inf)]).html()

    assert html.count("<svg") == 1
    assert "best" not in text_of(html).replace("best checkpoint", "")


def test_without_measures_the_page_says_so() -> None:
    picture = training_curves([])

    assert "Nothing was measured." in text_of(picture.html())
    assert (image_of(picture.draw_png()) == 255).all()


def test_a_learning_rate_of_zero_is_drawn_on_a_plain_axis() -> None:
    rows = [HistoryRow(step, step / 10, "train", 1.0, lr=step * 1e-4) for step in range(10)]

    assert training_curves(rows).html().count("<svg") == 2


def test_long_curves_are_thinned() -> None:
    short = training_curves(history(steps=DRAWN_POINTS // 4)).html()
    long = training_curves(history(steps=10 * DRAWN_POINTS)).html()

    assert len(long) < 1.3 * len(short)


def test_the_png_shows_curves_in_their_colors() -> None:
    pixels = image_of(training_curves(history()).draw_png()).astype(int)

    for color in ((0x2B, 0x5F, 0x8A), (0x00, 0x9E, 0x73)):
        assert (np.abs(pixels - color).max(axis=2) < 8).sum() > 200


def test_rows_are_read_from_json() -> None:
    row = HistoryRow.of_json({"step": 3, "epoch": 0.5, "phase": "val", "loss": 1, "other": "x"}, "history.json: [0]")

    assert row == HistoryRow(3, 0.5, "val", loss=1.0)
    with pytest.raises(DataError, match=r"history\.json: \[1\].*phase"):
        HistoryRow.of_json({"step": 3, "epoch": 1}, "history.json: [1]")
