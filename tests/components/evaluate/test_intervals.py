"""Bootstrap intervals over images."""

from __future__ import annotations

import pytest

from components.evaluate.counts import BoundaryCounts, Counts, ObjectCounts, PixelCounts
from components.evaluate.intervals import bootstrap_intervals

MEASURES = ("iou", "accuracy", "object_f1", "boundary_iou")


def image(share: int) -> Counts:
    """An image of which so many percent are right, in each measure."""
    return Counts(PixelCounts(share, 100 - share), ObjectCounts(100, 100, share), BoundaryCounts(share, 100))


def test_images_that_are_alike_leave_no_doubt() -> None:
    assert bootstrap_intervals("town", [image(40)] * 7) == dict.fromkeys(MEASURES, (0.4, 0.4))


@pytest.mark.parametrize("images", [[], [image(40)]])
def test_fewer_than_two_images_have_no_interval(images: list[Counts]) -> None:
    assert bootstrap_intervals("town", images) == dict.fromkeys(MEASURES)


def test_what_nothing_measures_has_no_interval() -> None:
    found = bootstrap_intervals("town", [Counts(PixelCounts(true_negative=9))] * 3)
    assert found == {"iou": None, "accuracy": (1.0, 1.0), "object_f1": None, "boundary_iou": None}


def test_two_images_give_what_can_be_drawn_of_them() -> None:
    """Each is drawn twice in a quarter of all draws, so the interval reaches from the one to the other."""
    assert bootstrap_intervals("town", [image(20), image(60)])["iou"] == (0.2, 0.6)


def test_the_interval_of_many_images_is_that_of_their_mean() -> None:
    """The mean of n images of 20 or 60 % has a standard error of 20 % / √n, and the interval is 1.96 of it each way."""
    low, high = bootstrap_intervals("town", [image(20), image(60)] * 200)["iou"] or (0, 0)
    assert 0.4 - low == pytest.approx(1.96 * 0.2 / 20, rel=0.2)
    assert high - 0.4 == pytest.approx(1.96 * 0.2 / 20, rel=0.2)


def test_draws_follow_from_the_groups_name() -> None:
    images = [image(share) for share in range(10, 90, 7)]
    assert bootstrap_intervals("town", images) == bootstrap_intervals("town", images)
    assert bootstrap_intervals("town", images) != bootstrap_intervals("city", images)


def test_many_images_are_drawn_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [image(share) for share in range(10, 90, 7)]
    whole = bootstrap_intervals("town", images)
    monkeypatch.setattr("components.evaluate.intervals.CHUNK", 50)
    assert bootstrap_intervals("town", images) == whole
