"""Counts by band against the same counts of whole arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from components.core.figures import Bitmap
from components.core.geometry import Size
from components.evaluate.counting import MOST_BOUNDARY_PX, CountingRules, count_image
from components.evaluate.counts import BoundaryCounts, Counts, ObjectCounts, PixelCounts
from components.evaluate.matching import match_objects
from tests.strategies import masks

SIZE = Size(23, 17)


def components(mask: np.ndarray) -> list[Bitmap]:
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    found = (Bitmap.of_pixels(labels == label) for label in range(1, count + 1))
    return [bitmap for bitmap in found if bitmap is not None]


def whole_bitmap(mask: np.ndarray) -> list[Bitmap]:
    bitmap = Bitmap.of_pixels(mask)
    return [] if bitmap is None else [bitmap]


def near_contour_of_whole(mask: np.ndarray, distance: int) -> np.ndarray:
    """Pixels whose square neighbourhood of that reach holds a pixel that is not set or not in the scene."""
    padded = np.pad(mask, distance)
    result = np.zeros_like(mask)
    for row, column in np.argwhere(mask):
        result[row, column] = not padded[row : row + 2 * distance + 1, column : column + 2 * distance + 1].all()
    return result


@settings(max_examples=60, deadline=None)
@given(masks(SIZE), masks(SIZE), st.integers(1, 30), st.integers(1, 4))
def test_counts_equal_those_of_whole_arrays_whatever_the_band(
    truth: np.ndarray, predicted: np.ndarray, band_rows: int, distance: int
) -> None:
    counts = count_image(
        whole_bitmap(truth), components(predicted), SIZE, CountingRules(boundary_px=distance), band_rows=band_rows
    )
    assert counts.pixels == PixelCounts(
        int((truth & predicted).sum()),
        int((~truth & predicted).sum()),
        int((truth & ~predicted).sum()),
        int((~truth & ~predicted).sum()),
    )
    first, second = near_contour_of_whole(truth, distance), near_contour_of_whole(predicted, distance)
    assert counts.boundary == BoundaryCounts(int((first & second).sum()), int((first | second).sum()))
    assert counts.objects == object_counts_by_brute_force(truth, predicted)


@settings(max_examples=40, deadline=None)
@given(masks(SIZE), masks(SIZE), masks(SIZE), st.integers(1, 30))
def test_ground_that_nobody_labelled_counts_for_nothing(
    truth: np.ndarray, predicted: np.ndarray, unlabelled: np.ndarray, band_rows: int
) -> None:
    truth &= ~unlabelled
    found = components(predicted)
    counts = count_image(
        whole_bitmap(truth),
        found,
        SIZE,
        CountingRules(boundary_px=2),
        band_rows=band_rows,
        ignored=whole_bitmap(unlabelled),
    )
    counted = ~unlabelled
    assert counts.pixels == PixelCounts(
        int((truth & predicted & counted).sum()),
        int((~truth & predicted & counted).sum()),
        int((truth & ~predicted).sum()),
        int((~truth & ~predicted & counted).sum()),
        unlabelled=int(unlabelled.sum()),
    )
    first, second = near_contour_of_whole(truth, 2) & counted, near_contour_of_whole(predicted, 2) & counted
    assert counts.boundary == BoundaryCounts(int((first & second).sum()), int((first | second).sum()))
    kept = [entry for entry in found if 2 * unlabelled[entry.window.slices][entry.mask.pixels()].sum() <= entry.area]
    assert counts.objects.predicted == len(kept)


def object_counts_by_brute_force(truth: np.ndarray, predicted: np.ndarray) -> ObjectCounts:
    """Every pair's IoU from label images; falling IoU, each object once."""
    first, first_count = ndimage.label(truth, np.ones((3, 3)))
    second, second_count = ndimage.label(predicted, np.ones((3, 3)))
    pairs = []
    for one in range(1, first_count + 1):
        for other in range(1, second_count + 1):
            both, either = np.sum((first == one) & (second == other)), np.sum((first == one) | (second == other))
            if 2 * both >= either:
                pairs.append((-both / either, other, one))
    used_first, used_second = set(), set()
    for _, other, one in sorted(pairs):
        if one not in used_first and other not in used_second:
            used_first.add(one)
            used_second.add(other)
    return ObjectCounts(first_count, second_count, len(used_first))


@settings(max_examples=40, deadline=None)
@given(masks(SIZE), masks(SIZE), masks(SIZE), st.integers(1, 30), st.integers(1, 4))
def test_ground_without_data_counts_neither_way(
    truth: np.ndarray, predicted: np.ndarray, valid: np.ndarray, band_rows: int, distance: int
) -> None:
    rules = CountingRules(boundary_px=distance)
    counts = count_image(
        whole_bitmap(truth),
        whole_bitmap(predicted),
        SIZE,
        rules,
        lambda window: valid[window.slices],
        band_rows=band_rows,
    )
    there = count_image(whole_bitmap(truth & valid), whole_bitmap(predicted & valid), SIZE, rules)
    no_data = int((~valid).sum())
    assert counts.pixels == replace(there.pixels, true_negative=there.pixels.true_negative - no_data, no_data=no_data)
    assert counts.pixels.total == valid.sum()
    assert counts.boundary == there.boundary
    assert counts.objects.truth == there.objects.truth


def rectangle(top: int, left: int, height: int, width: int) -> Bitmap:
    bitmap = Bitmap.of_pixels(np.ones((height, width), np.bool_), top, left)
    assert bitmap is not None
    return bitmap


def test_each_object_is_matched_once_and_the_best_pair_first() -> None:
    truth = [rectangle(0, 0, 10, 10)]
    predicted = [rectangle(0, 0, 10, 8), rectangle(0, 0, 10, 9)]
    matches = match_objects(truth, predicted, 0.5)
    assert [(match.truth, match.predicted, match.iou) for match in matches] == [(0, 1, 0.9)]


@pytest.mark.parametrize(("width", "matched"), [(5, 1), (4, 0)])
def test_an_iou_of_just_the_threshold_matches(width: int, matched: int) -> None:
    assert len(match_objects([rectangle(3, 3, 10, 10)], [rectangle(3, 3, 10, width)], 0.5)) == matched


def test_a_truth_of_touching_bitmaps_is_one_object() -> None:
    halves = [rectangle(0, 0, 4, 4), rectangle(4, 4, 4, 4)]
    assert count_image(halves, [], SIZE, CountingRules()).objects == ObjectCounts(1, 0, 0)


def test_measures_of_sums_are_pooled_and_of_nothing_are_none() -> None:
    large = Counts(PixelCounts(90, 10, 0, 0), ObjectCounts(10, 9, 9))
    small = Counts(PixelCounts(0, 0, 10, 90), ObjectCounts(0, 1, 0))
    pooled = large + small
    assert pooled.pixels.iou == pytest.approx(90 / 110)
    assert pooled.pixels.accuracy == pytest.approx(180 / 200)
    assert (pooled.objects.precision, pooled.objects.recall) == (0.9, 0.9)
    assert pooled.objects.f1 == pytest.approx(0.9)
    assert Counts().as_json()["pixels"]["iou"] is None
    assert pooled.boundary.iou is None


def test_a_boundary_in_metres_follows_the_pixels_size() -> None:
    rules = CountingRules(boundary_px=5, boundary_m=1.5)
    assert [rules.boundary_distance(side) for side in (0.3, 0.5, 1.0, 30.0, None)] == [5, 3, 2, 1, 5]
    assert rules.boundary_distance(1e-6) == MOST_BOUNDARY_PX
    assert CountingRules(boundary_px=4).boundary_distance(0.3) == 4


def test_a_boundary_in_metres_counts_as_one_in_pixels() -> None:
    random = np.random.default_rng(3)
    truth, predicted = random.random((23, 17)) < 0.7, random.random((23, 17)) < 0.7
    in_metres, in_pixels = CountingRules(boundary_m=0.6), CountingRules(boundary_px=2)
    first = count_image(whole_bitmap(truth), components(predicted), SIZE, in_metres, pixel_m=0.3)
    second = count_image(whole_bitmap(truth), components(predicted), SIZE, in_pixels, pixel_m=0.3)
    assert first == second
    assert second.boundary.either > 0
