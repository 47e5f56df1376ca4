"""Distances between what a model learnt from and what it meets."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from components.core.drift import (
    BANDS,
    CONFIDENCE_EDGES,
    MOST_OF_FEW,
    PIXEL_BINS,
    SIZES_PX,
    Reference,
    SeenImage,
    Spread,
    TrainingStatistics,
    confidence_counts,
    distance,
    drift_of_run,
    drift_warnings,
    pixel_counts,
    sample_windows,
)
from components.core.geometry import Size

COUNTS = st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(any)


@given(COUNTS, COUNTS)
def test_the_distance_is_that_of_jensen_and_shannon(first: list[int], second: list[int]) -> None:
    found = distance(np.array([first]), np.array([second]))
    assert found == pytest.approx(jensenshannon(first, second, base=2), abs=1e-7)
    assert found == distance(np.array([second]), np.array([first]))
    assert found is not None and 0 <= found <= 1


def test_the_band_that_differs_most_counts_and_nothing_has_no_distance() -> None:
    same, apart = [[5, 5], [1, 0], [1, 0]], [[5, 5], [1, 0], [0, 1]]
    assert distance(np.array(same), np.array(same)) == 0
    assert distance(np.array(same), np.array(apart)) == 1
    assert distance(np.array(same), np.zeros((3, 2), np.int64)) is None


@given(st.lists(st.integers(0, 255), max_size=40))
def test_every_value_is_counted_once_in_its_bin(values: list[int]) -> None:
    shown = np.array(values, np.uint8)
    expected, _ = np.histogram(shown, (*CONFIDENCE_EDGES[:-1], 257))
    assert confidence_counts(shown).tolist() == [expected.tolist()]
    pixels = np.broadcast_to(shown, (BANDS, 1, len(shown)))
    valid = np.arange(len(shown))[np.newaxis] % 2 == 0
    assert pixel_counts(pixels).sum() == BANDS * len(values)
    expected, _ = np.histogram(shown[::2], np.arange(PIXEL_BINS + 1) * 8)
    assert pixel_counts(pixels, valid).tolist() == [expected.tolist()] * BANDS


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_few_windows_lie_inside_and_a_small_image_is_seen_whole(height: int, width: int) -> None:
    windows = list(sample_windows(Size(height, width)))
    assert 1 <= len(windows) <= 16 and len(set(windows)) == len(windows)
    assert all(0 <= w.top < w.bottom <= height and 0 <= w.left < w.right <= width for w in windows)
    if max(height, width) <= 1024:
        assert sum(window.size.area for window in windows) == height * width
    assert {max(w.bottom for w in windows), max(w.right for w in windows)} == {height, width}


LARGE, SMALL = SIZES_PX[-1], SIZES_PX[0]


def image(*shares: float, pixels: int = LARGE) -> SeenImage:
    """Of values in such shares, and seen in four copies."""
    return SeenImage(np.array([[round(share * 4 * pixels) for share in shares]], np.int64), pixels)


def test_the_limit_is_what_the_trainings_own_images_differ_by() -> None:
    """More where they are few, and never less than a small one."""
    alike = Reference.of_images({"a": image(0.5, 0.5), "b": image(0.51, 0.49)}, 2)
    assert alike.limit(LARGE, 0.2) == 0.2
    apart = {"a": image(0.7, 0.3), "b": image(0.3, 0.7)}
    furthest = distance(apart["a"].counts, image(0.5, 0.5).counts)
    found = Reference.of_images(apart, 2)
    assert furthest and found.limit(LARGE, 0.2) == pytest.approx((1 + math.sqrt(0.5)) * furthest)
    many = Reference.of_images({f"{key}{number}": apart[key] for key in apart for number in range(50)}, 2)
    assert many.limit(LARGE, 0) == pytest.approx(1.1 * furthest)
    assert (
        Reference.of_images({}, 2).limit(LARGE, 0.2) == Reference.of_images({"a": apart["a"]}, 2).limit(9, 0.2) == 0.2
    )


def test_two_images_that_have_little_in_common_do_not_allow_for_anything() -> None:
    few = {"a": image(1, 0), "b": image(0, 1)}
    assert Reference.of_images(few, 2).limit(LARGE, 0.2) == MOST_OF_FEW
    more = few | {"c": image(1, 0), "d": image(0, 1)}
    assert Reference.of_images(more, 2).limit(LARGE, 0.2) > MOST_OF_FEW


def test_small_scenes_may_be_further_off_than_large_ones() -> None:
    """Images of less than half of a scene's size say how far it may be off together with their neighbours."""
    images = {f"{number:02}": image(*((0.9, 0.1), (0.1, 0.9))[number % 2], pixels=SMALL) for number in range(40)}
    found = Reference.of_images(images, 2)
    assert [(spread.pixels, spread.groups) for spread in found.spreads] == [
        (SIZES_PX[0], 40),
        (SIZES_PX[1], 20),
        (LARGE, 5),
    ]
    assert found.spreads[0].furthest > 0.3 and found.spreads[1].furthest == found.spreads[2].furthest == 0
    assert found.limit(SMALL, 0.2) == found.limit(SMALL - 1, 0.2) > 0.3
    assert found.limit(4 * SMALL, 0.2) == found.limit(LARGE, 0.2) == 0.2
    one_size = Reference.of_images(dict(list(images.items())[:3]), 2)
    assert [spread.pixels for spread in one_size.spreads] == [SMALL]
    assert one_size.limit(LARGE, 0.2) == one_size.limit(SMALL, 0.2), "nothing is known of larger ones"


def statistics() -> TrainingStatistics:
    pixels = np.tile(np.arange(PIXEL_BINS), (BANDS, 1)).astype(np.int64)
    confidence = np.arange(len(CONFIDENCE_EDGES) - 1, dtype=np.int64)[np.newaxis]
    return TrainingStatistics(Reference(pixels, (Spread(LARGE, 4, 0.3),)), Reference(confidence))


def test_statistics_come_back_from_a_models_folder(tmp_path: Path) -> None:
    assert TrainingStatistics.of_model(str(tmp_path)) is None, "older models have none"
    (tmp_path / "training_statistics.json").write_text(json.dumps(statistics().as_json()))
    found = TrainingStatistics.of_model(str(tmp_path))
    assert found is not None and found.as_json() == statistics().as_json()
    assert found.limits(Size(5000, 5000)) == {"pixels": pytest.approx(0.45), "confidence": 0.3}
    assert found.distances(found.pixels.counts, 0 * found.confidence.counts) == {"pixels": 0.0}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"pixels": {"counts": [1], "spreads": []}}', "huge"])
def test_statistics_that_are_none_are_named_and_do_not_end_a_run(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = json.dumps(statistics().as_json()).replace("31", "1" + 30 * "0") if content == "huge" else content
    (tmp_path / "training_statistics.json").write_text(text)
    assert TrainingStatistics.of_model(str(tmp_path)) is None
    assert "training_statistics.json: is not as train_unet writes it" in caplog.text


def test_warnings_name_the_scenes_the_furthest_first() -> None:
    scenes = {"a": {"pixels": 0.3, "confidence": 0.1}, "b": {"pixels": 0.5}, "c": {"pixels": 0.1, "confidence": 0.1}}
    limits = {"pixels": 0.25, "confidence": 0.2}
    (warning,) = drift_warnings(scenes, {"a": {"pixels": 0.2, "confidence": 0.2}, "b": limits, "c": limits})
    assert warning.startswith(
        "2 of 3 scenes have pixels whose values are unlike those of the training: b (0.50, limit "
    )
    assert "b (0.50, limit 0.25), a (0.30, limit 0.20); look at their pictures" in warning
    assert drift_warnings(scenes, {key: {} for key in scenes}) == []
    assert drift_of_run(list(scenes.values())) == {"pixels": 0.3, "confidence": 0.1}
    assert drift_of_run([]) == {}
