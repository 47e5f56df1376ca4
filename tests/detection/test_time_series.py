"""Ids over a series of captures, each of which is an image of its own."""

from __future__ import annotations

import pytest
import shapely

from tests.detection.detecting import Detection, layer
from tests.detection.scot import Counts, Scot, scot
from tests.detection.time_series import captures, detect_each, found_frames, true_frames

SIDE_PX = 240


def _square(x: float) -> shapely.Geometry:
    return shapely.box(x, 0, x + 1, 1)


def test_the_score_of_spacenet_7() -> None:
    truth = [{"a": _square(0), "b": _square(2)}, {"a": _square(0), "b": _square(2), "c": _square(4)}]
    assert scot(truth, truth).score == 1.0
    swapped = [truth[0], {"b": _square(0), "a": _square(2), "c": _square(4)}]
    assert scot(truth, swapped) == Scot(Counts(3, 2, 2), Counts(1, 0, 0), 2)
    renamed = [truth[0], {"a": _square(0), "x": _square(2), "c": _square(4)}]
    found = scot(truth, renamed)
    assert found == Scot(Counts(4, 1, 1), Counts(1, 1, 0), 1)
    track, change = 8 / 10, 2 / 3
    assert found.score == pytest.approx(5 * change * track / (4 * change + track))


def test_ids_go_on_through_a_series(detection: Detection) -> None:
    series = captures(5, SIDE_PX)
    detect_each(detection, series, SIDE_PX)

    assert scot(true_frames(series), found_frames(detection, series)).score == 1.0
    shown = layer(detection)
    first = {name: capture.day for capture in reversed(series) for name in capture.there}
    last = {name: capture.day for capture in series for name in capture.there}
    assert sorted(zip(shown.first_seen, shown.last_seen, strict=True)) == sorted(
        (first[name], last[name]) for name in first
    )
