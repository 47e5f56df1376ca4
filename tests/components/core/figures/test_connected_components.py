"""Components are found among runs, and joined across seams."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from components.core.figures import InlineMask
from components.core.figures.connected_components import connected_components
from components.core.figures.run_lengths import drawn_components, joined, labelled_runs
from tests import strategies

masks = strategies.sizes(20).flatmap(strategies.masks)


@given(masks)
def test_runs_hold_every_pixel_and_their_labels_are_the_components(pixels: np.ndarray) -> None:
    runs = labelled_runs(pixels)
    labels, count = ndimage.label(pixels, np.ones((3, 3)))
    drawn = np.zeros(pixels.shape, np.int64)
    for row, start, end, label in zip(*runs, strict=True):
        drawn[row, start:end] = label + 1
    assert runs.components == count
    assert np.array_equal(drawn, labels), "numbered in the order of their first pixels, as scipy does"
    for row, line in enumerate(pixels):
        (starts, ends), _ = runs.of_row(row)
        changes = np.flatnonzero(np.diff(line.astype(np.int8), prepend=0, append=0))
        assert np.array_equal((starts, ends), (changes[0::2], changes[1::2]))


@given(masks)
def test_components_are_drawn_in_tight_boxes(pixels: np.ndarray) -> None:
    canvas = np.zeros(pixels.shape, np.int64)
    for part in drawn_components(labelled_runs(pixels)):
        height, width = part.pixels.shape
        canvas[part.top : part.top + height, part.left : part.left + width] += part.pixels
        assert part.pixels.any(axis=0)[[0, -1]].all()
        assert part.pixels.any(axis=1)[[0, -1]].all()
    assert np.array_equal(canvas, pixels)


@given(st.data())
def test_what_is_tied_has_one_root(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 30))
    ties = np.array(data.draw(st.lists(st.tuples(*[st.integers(0, count - 1)] * 2), max_size=40)), np.int64)
    one, other = ties.reshape(-1, 2).T
    graph = sparse.coo_array((np.ones(len(one)), (one, other)), (count, count))
    _, labels = csgraph.connected_components(graph, directed=False)
    expected = [int(np.flatnonzero(labels == label)[0]) for label in labels]
    assert joined(count, one, other).tolist() == expected


@settings(deadline=None)
@given(masks, st.integers(1, 21))
def test_the_order_is_that_of_the_first_pixels_whatever_the_band(pixels: np.ndarray, band_rows: int) -> None:
    parts = connected_components(InlineMask(pixels.copy()), band_rows)
    first = [(part.top, part.left + int(np.argmax(part.mask.pixels()[0]))) for part in parts]
    assert first == sorted(first)
    assert parts == connected_components(InlineMask(pixels.copy()), 100)
