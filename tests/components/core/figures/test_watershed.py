"""Masks parted by watershed, against the definition carried out pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.figures import watershed
from components.core.figures.connected_components import connected_components
from components.core.figures.mask import InlineMask
from components.core.figures.watershed import HeightMap, parted

SEED = 200


def maps_of(random: np.random.Generator, share: float, high: int) -> list[HeightMap]:
    """Components of a few random masks with random heights."""
    found = []
    for _ in range(4):
        mask = random.random(tuple(random.integers(1, 12, 2))) < share
        if mask.any():
            pieces = [component.mask.pixels() for component in connected_components(InlineMask(mask))]
            found += [HeightMap(piece, random.integers(0, high, piece.shape, np.uint8, True)) for piece in pieces]
    return found


def defined(entry: HeightMap, seed: int, min_area: int) -> np.ndarray:
    """(H, W) int number of the part of each pixel, from 1; 0 outside the mask."""
    high = entry.pixels & (entry.heights >= seed)
    seeds = connected_components(InlineMask(high)) if high.any() else []
    seeds = [found for found in seeds if found.area >= min_area]
    if len(seeds) < 2:
        return entry.pixels.astype(int)
    labels = np.zeros(entry.pixels.shape, int)
    for number, found in enumerate(seeds, 1):
        labels[found.window.slices][found.mask.pixels()] = number
    for height in range(255, -1, -1):
        while reached := list(_reached(labels, entry, height)):
            for row, column, number in reached:
                labels[row, column] = number
    return labels


def _reached(labels: np.ndarray, entry: HeightMap, height: int) -> list[tuple[int, int, int]]:
    found = []
    for row, column in np.argwhere(entry.pixels & (labels == 0) & (entry.heights >= height)):
        near = labels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        if near.any():
            found.append((row, column, near[near > 0].min()))
    return found


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0.2, 1.0),
    high=st.sampled_from([SEED, 205, 255]),
    min_area=st.integers(1, 4),
    batch=st.sampled_from([1, 40, watershed.BATCH_PIXELS]),
)
def test_parts_are_as_defined(seed: int, share: float, high: int, min_area: int, batch: int) -> None:
    maps = maps_of(np.random.default_rng(seed), share, high)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watershed, "BATCH_PIXELS", batch)
        numbered = list(parted(enumerate(maps, 7), SEED, min_area))
    assert [number for number, _ in numbered] == list(range(7, 7 + len(maps)))
    found = [parts for _, parts in numbered]
    assert len(found) == len(maps)
    for entry, parts in zip(maps, found, strict=True):
        labels = np.zeros(entry.pixels.shape, int)
        for number, part in enumerate(parts, 1):
            place = labels[part.window.slices]
            assert not place[part.mask.pixels()].any(), "parts share no pixel"
            place[part.mask.pixels()] = number
            assert len(connected_components(part.mask)) == 1
        numbers = set(zip(labels.ravel().tolist(), defined(entry, SEED, min_area).ravel().tolist(), strict=True))
        assert len(numbers) == len({one for one, _ in numbers}) == len({other for _, other in numbers})
        firsts = [(part.top, part.left + int(part.mask.pixels()[0].argmax())) for part in parts]
        assert firsts == sorted(firsts)


def test_a_large_mask_with_many_seeds_is_parted_whole() -> None:
    rows, columns = np.mgrid[:600, :800]
    heights = (140 + 100 * np.sin(rows / 6) * np.sin(columns / 6)).astype(np.uint8)
    ((_, parts),) = parted([(0, HeightMap(np.ones(heights.shape, np.bool_), heights))], SEED)
    assert len(parts) > 500
    assert sum(part.area for part in parts) == heights.size
