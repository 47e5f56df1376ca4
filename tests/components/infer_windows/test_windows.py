"""The grid of windows: the tutorial's windows, weights that are never 0, and what the formulas say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import ConfigError
from components.core.geometry import Size, sliding_windows
from components.infer_windows.weights import profile
from components.infer_windows.windows import Axis, WindowGrid, column_strips

METHODS = ["mean", "hann", "gaussian"]


def test_without_reach_the_windows_are_those_that_slide() -> None:
    sizes = Size(1000, 1300), Size(512, 300), Size(128, 40)

    assert WindowGrid.of(*sizes).windows() == sliding_windows(*sizes)
    with pytest.raises(ConfigError, match="window: 512 exceeds the image's 300"):
        WindowGrid.of(Size(300, 1300), *sizes[1:])


@given(st.integers(1, 60), st.integers(1, 60), st.data(), st.sampled_from(METHODS), st.booleans())
def test_every_pixel_has_weight(length: int, window: int, data: st.DataObject, method: str, reaches: bool) -> None:
    window = window if reaches else min(window, length)
    overlap = data.draw(st.integers(0, window - 1))
    discard = data.draw(st.integers(0, overlap // 2))

    axis = Axis.of(
        length,
        window,
        overlap,
        method=method,
        discard=discard,
        reach=overlap // 2 if reaches else None,  # type: ignore[arg-type]
    )

    assert (axis.weights > 0).all() and (axis.totals > 0).all()
    assert axis.spans[0].low == 0 and axis.spans[-1].high == length
    for before, after in zip(axis.spans, axis.spans[1:], strict=False):
        assert after.low <= before.high and before.start < after.start
    for span in axis.spans:
        assert span.start <= span.low < span.high <= span.start + window


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_reaching_window_has_its_border_outside_the_scene(length: int, window: int) -> None:
    axis = Axis.of(length, window, window // 2, reach=window // 4)

    assert axis.spans[0].start == -(window // 4)
    assert axis.spans[-1].start + window >= length + window // 4


def test_a_discarded_border_counts_only_at_the_edge_of_the_scene() -> None:
    axis = Axis.of(100, 40, 20, discard=6)

    assert [(span.start, span.low, span.high) for span in axis.spans] == [
        (0, 0, 34),
        (20, 26, 54),
        (40, 46, 74),
        (60, 66, 100),
    ]


def test_profiles_are_those_of_the_formulas() -> None:
    assert profile("mean", 4).tolist() == [1, 1, 1, 1]
    assert np.allclose(profile("hann", 4), [0.1464466, 0.8535534, 0.8535534, 0.1464466])
    assert np.allclose(profile("gaussian", 4), np.exp(-0.5 * np.array([-3, -1, 1, 3]) ** 2))
    assert np.allclose(profile("hann", 8, 2), profile("hann", 4)[[0, 0, 0, 1, 2, 3, 3, 3]])


@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 80), st.integers(1, 9), st.data())
def test_every_window_begins_in_one_strip(
    length: int, window: int, most: int, multiple: int, data: st.DataObject
) -> None:
    window = min(window, length)
    axis = Axis.of(length, window, data.draw(st.integers(0, window - 1)))

    strips = column_strips(axis, most, multiple)

    assert (strips[0].left, strips[-1].right) == (0, length)
    assert [column for strip in strips for column in strip.own] == list(range(len(axis.spans)))
    for strip in strips:
        assert strip.left % multiple == 0 and 0 < strip.width <= max(most, multiple)
        met = [index for index, span in enumerate(axis.spans) if span.meets(strip.left, strip.right)]
        assert [*strip.earlier, *strip.own] == met
