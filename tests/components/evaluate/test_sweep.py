"""Counts at every threshold from one pass, against each threshold's mask taken by itself."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from components.core.geometry import Size
from components.core.project.probabilities import LEVELS, REPRESENTED, UNKNOWN, lowest_value
from components.core.reliability import Reliability
from components.evaluate.class_probability import ClassProbability
from components.evaluate.counting import CountingRules, count_image
from components.evaluate.counts import Counts
from components.evaluate.curves import RELIABILITY_BINS, THRESHOLDS, Curves
from components.evaluate.object_sweep import OBJECT_THRESHOLDS
from components.evaluate.sweep import ImageSweep, SweepCounts, _histogram
from tests.builders import write_raster
from tests.components.evaluate.test_counting import components, whole_bitmap
from tests.strategies import masks

SIZE = Size(23, 17)
DISTANCE = 2
HALF = THRESHOLDS.index(0.5)

numbers = count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("probabilities")


@st.composite
def probabilities(draw: st.DrawFn) -> np.ndarray:
    """(H, W) uint8: few values or many, so that there are objects, and pixels of which nothing is known."""
    some = draw(st.lists(st.integers(0, UNKNOWN), min_size=1, max_size=8))
    values = st.sampled_from([0, 127, 128, *some]) if draw(st.booleans()) else st.integers(0, UNKNOWN)
    return draw(hnp.arrays(np.uint8, (SIZE.height, SIZE.width), elements=values, fill=st.nothing()))


def swept(
    folder: Path,
    values: np.ndarray,
    truth: np.ndarray,
    *,
    valid: np.ndarray | None = None,
    unlabelled: np.ndarray | None = None,
    band_rows: int = 512,
    iou_threshold: float = 0.5,
) -> SweepCounts:
    """All that a sweep counts; the project's mask is empty, as it does not matter."""
    uri = write_raster(folder / f"{next(numbers)}.tif", values)
    sweep = ImageSweep("scene", ClassProbability(uri, 1, False, 0.5), SIZE, DISTANCE)
    counted(truth, np.zeros_like(truth), valid, unlabelled, band_rows, iou_threshold, sweep)
    found = sweep.counts(iou_threshold)
    assert found is not None
    return found


def counted(
    truth: np.ndarray,
    predicted: np.ndarray,
    valid: np.ndarray | None = None,
    unlabelled: np.ndarray | None = None,
    band_rows: int = 512,
    iou_threshold: float = 0.5,
    sweep: ImageSweep | None = None,
) -> Counts:
    return count_image(
        whole_bitmap(truth),
        components(predicted),
        SIZE,
        CountingRules(iou_threshold=iou_threshold, boundary_px=DISTANCE),
        None if valid is None else lambda window: valid[window.slices],
        [] if unlabelled is None else whole_bitmap(unlabelled),
        band_rows,
        sweep=sweep,
    )


def above(values: np.ndarray, threshold: float) -> np.ndarray:
    return (values >= lowest_value(threshold)) & (values != UNKNOWN)


@settings(max_examples=40, deadline=None)
@given(
    probabilities(),
    masks(SIZE),
    st.none() | masks(SIZE),
    st.none() | masks(SIZE),
    st.integers(1, 30),
    st.sampled_from([0.2, 0.5, 0.75]),
    st.lists(st.sampled_from(THRESHOLDS), min_size=3, max_size=3),
)
def test_each_threshold_counts_as_its_mask_does(
    folder: Path,
    values: np.ndarray,
    truth: np.ndarray,
    valid: np.ndarray | None,
    unlabelled: np.ndarray | None,
    band_rows: int,
    iou_threshold: float,
    thresholds: list[float],
) -> None:
    if unlabelled is not None:
        truth &= ~unlabelled
    sweep = swept(
        folder,
        values,
        truth,
        valid=valid,
        unlabelled=unlabelled,
        band_rows=band_rows,
        iou_threshold=iou_threshold,
    )
    curves = Curves.of_counts(sweep)
    for threshold in (0.5, *thresholds):
        found = counted(truth, above(values, threshold), valid, unlabelled)
        at = THRESHOLDS.index(threshold)
        told = found.pixels.as_json()
        assert curves.pixels.iou[at] == found.pixels.iou
        assert (curves.pixels.precision[at], curves.pixels.recall[at]) == (told["precision"], told["recall"])
        assert curves.pixels.boundary_iou[at] == found.boundary.iou
    for at, threshold in enumerate(OBJECT_THRESHOLDS):
        found = counted(truth, above(values, threshold), valid, unlabelled, iou_threshold=iou_threshold)
        assert sweep.objects[at] == found.objects, threshold


@settings(max_examples=30, deadline=None)
@given(probabilities(), masks(SIZE), masks(SIZE))
def test_reliability_is_that_of_the_pixels_one_by_one(
    folder: Path, values: np.ndarray, truth: np.ndarray, unlabelled: np.ndarray
) -> None:
    truth &= ~unlabelled
    found = Curves.of_counts(swept(folder, values, truth, unlabelled=unlabelled)).reliability
    is_looked_at = ~unlabelled & (values != UNKNOWN)
    said, right = REPRESENTED[values[is_looked_at]], truth[is_looked_at]
    places = np.minimum((said * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    bins = [(said[places == place], right[places == place]) for place in range(RELIABILITY_BINS)]
    expected = Reliability.of_sums(
        [float(one.sum()) for one, _ in bins], [int(other.sum()) for _, other in bins], [len(one) for one, _ in bins]
    )
    if expected is None or found is None:
        assert found is expected
        return
    assert found.error == pytest.approx(expected.error, abs=1e-9)
    assert [entry.pixels for entry in found.bins] == [entry.pixels for entry in expected.bins]
    assert [entry.accuracy for entry in found.bins] == [entry.accuracy for entry in expected.bins]


def test_where_the_network_said_nothing_a_building_is_missed_at_every_threshold(folder: Path) -> None:
    truth = np.ones((SIZE.height, SIZE.width), np.bool_)
    values = np.full(truth.shape, LEVELS, np.uint8)
    values[:, 5:] = UNKNOWN
    curves = Curves.of_counts(swept(folder, values, truth))
    assert set(curves.pixels.iou) == {5 / SIZE.width}
    assert curves.reliability is not None
    assert sum(entry.pixels for entry in curves.reliability.bins) == 5 * SIZE.height


def test_of_bare_ground_nothing_is_told_but_that_it_is_bare(folder: Path) -> None:
    nothing = np.zeros((SIZE.height, SIZE.width), np.bool_)
    curves = Curves.of_counts(swept(folder, nothing.view(np.uint8), nothing))
    assert set(curves.pixels.iou) == set(curves.pixels.boundary_iou) == set(curves.objects.f1) == {None}
    assert curves.best_iou is None and curves.best_f1 is None
    assert curves.reliability is not None and curves.reliability.error == 0
    assert curves.scalars() == {
        "best_threshold": None,
        "iou_at_best_threshold": None,
        "best_object_threshold": None,
        "object_f1_at_best_threshold": None,
        "calibration_error": 0.0,
    }


def test_without_a_counted_pixel_there_is_no_reliability(folder: Path) -> None:
    everything = np.ones((SIZE.height, SIZE.width), np.bool_)
    sweep = swept(folder, everything.view(np.uint8), ~everything, unlabelled=everything)
    assert Curves.of_counts(sweep).reliability is None


def test_the_best_threshold_is_one_that_inference_may_be_given(folder: Path) -> None:
    """Buildings at 90 and beyond, ground at 80: any threshold between them is right, the nearest to a half is told."""
    truth = np.zeros((SIZE.height, SIZE.width), np.bool_)
    truth[3:9, 4:12] = True
    values = np.where(truth, 90, 80).astype(np.uint8)
    curves = Curves.of_counts(swept(folder, values, truth))
    assert curves.best_iou == (round(89 / LEVELS, 4), 1.0)
    assert np.array_equal(values >= lowest_value(curves.best_iou.threshold), truth)
    assert curves.best_f1 == (0.35, 1.0)
    assert curves.used == 0.5


def test_a_histogram_of_many_pixels_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.evaluate.sweep.MOST_AT_ONCE", 7)
    values = np.random.default_rng(0).integers(0, 256, (9, 11), np.uint8)
    chosen = values % 3 == 0
    assert np.array_equal(_histogram(values, None), np.bincount(values.ravel(), minlength=256))
    assert np.array_equal(_histogram(values, chosen), np.bincount(values[chosen], minlength=256))
