"""Parting a mask into the ground of its seeds: a watershed that floods from where a height is great.

Seeds are the connected sets of pixels whose height is at least a given one. From them the labels flood the rest of the
mask by falling height: first what is reached at height 255, then at 254, and so on; a pixel belongs to the seed that
reaches it first, and where several reach it in the same step, to the one whose first pixel comes first. What
results depends on the mask and on its heights alone, so that a mask which is joined from parts gives what it gives as
a whole.

Source: Beucher, Meyer, "The morphological approach to segmentation: the watershed transformation", in Mathematical
Morphology in Image Processing, 1993 (flooding by priority), with all pixels of one step flooded together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from components.core.figures.bitmap import Bitmap
from components.core.figures.mask import BoolPixels, InlineMask
from components.core.figures.run_lengths import Drawn, drawn_components, labelled_runs

Heights = npt.NDArray[np.uint8]
_Indices = npt.NDArray[np.int64]
_Labels = npt.NDArray[np.int32]
_Value = TypeVar("_Value", bound=np.generic)

BATCH_PIXELS = 1 << 21
"""About how many are flooded together: masks that do not touch never meet, and many small ones cost as one."""

OFFERED_AT_ONCE = 1 << 17
"""Pixels of seeds whose neighbours are looked at together: 8 MiB of indices."""

HIGHEST = 255
NO_LABEL = np.iinfo(np.int32).max


class HeightMap(NamedTuple):
    """A mask and how high its pixels are.

    Attributes:
        pixels: (H, W) bool, tight.
        heights: (H, W) uint8; those outside the mask do not matter.
    """

    pixels: BoolPixels
    heights: Heights


def parted(
    maps: Iterable[tuple[int, HeightMap]], seed_height: int, min_seed_area: int = 1
) -> Iterator[tuple[int, list[Bitmap]]]:
    """Part masks, each by itself.

    Args:
        maps: Masks of one 8-connected component each, with a number to know them by; some are held at a time.
        seed_height: Least height of a seed's pixels, 1–255.
        min_seed_area: Least pixels of a seed; smaller ones are ground like any other.

    Returns:
        For each mask its number and its parts as tight bitmaps in the mask's own coordinates, by first row, then by the
        first column of that row; they are 8-connected, share no pixel, and are the mask together. A mask of fewer than
        two seeds is its only part.
    """
    numbers: list[int] = []
    batch: list[tuple[HeightMap, list[Drawn]]] = []
    pixels = 0
    for number, entry in maps:
        numbers.append(number)
        batch.append((entry, _seeds(entry, seed_height, min_seed_area)))
        pixels += entry.pixels.size
        if pixels >= BATCH_PIXELS:
            yield from zip(numbers, _parts(batch), strict=True)
            numbers, batch, pixels = [], [], 0
    yield from zip(numbers, _parts(batch), strict=True)


def _seeds(entry: HeightMap, height: int, min_area: int) -> list[Drawn]:
    """In the order of their first pixels."""
    high = entry.pixels & (entry.heights >= height)
    return [seed for seed in drawn_components(labelled_runs(high)) if np.count_nonzero(seed.pixels) >= min_area]


def _parts(batch: Sequence[tuple[HeightMap, list[Drawn]]]) -> Iterator[list[Bitmap]]:
    flooded = iter(_flooded([(entry, seeds) for entry, seeds in batch if len(seeds) > 1]))
    for entry, seeds in batch:
        yield _bitmaps(next(flooded)) if len(seeds) > 1 else [Bitmap(0, 0, InlineMask(entry.pixels))]


def _bitmaps(labels: _Labels) -> list[Bitmap]:
    """One tight bitmap a label, by first pixel."""
    found = []
    rows, columns = np.nonzero(labels != NO_LABEL)
    order = np.argsort(labels[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    values = labels[rows, columns]
    first = np.flatnonzero(np.diff(values, prepend=-1))
    tops, bottoms = np.minimum.reduceat(rows, first), np.maximum.reduceat(rows, first) + 1
    lefts, rights = np.minimum.reduceat(columns, first), np.maximum.reduceat(columns, first) + 1
    boxes = zip(values[first], tops.tolist(), bottoms.tolist(), lefts.tolist(), rights.tolist(), strict=True)
    for value, top, bottom, left, right in boxes:
        pixels = labels[top:bottom, left:right] == value
        found.append((top, left + int(pixels[0].argmax()), Bitmap(top, left, InlineMask(pixels))))
    return [bitmap for _, _, bitmap in sorted(found, key=lambda entry: entry[:2])]


def _flooded(maps: Sequence[tuple[HeightMap, list[Drawn]]]) -> list[_Labels]:
    """(H, W) labels of each map: the number of the seed from 0, `NO_LABEL` outside the mask."""
    if not maps:
        return []
    plain = _Plain([entry for entry, _ in maps])
    for index, (_, seeds) in enumerate(maps):
        for number, seed in enumerate(seeds):
            plain.sow(index, number, seed)
    plain.flood()
    return [plain.labels_of(index) for index in range(len(maps))]


class _Plain:
    """Maps laid one behind the other, each in a frame of closed pixels, so that one array holds them all."""

    def __init__(self, maps: Sequence[HeightMap]) -> None:
        self._shapes = [entry.pixels.shape for entry in maps]
        framed = [(height + 2) * (width + 2) for height, width in self._shapes]
        self._offsets = np.append(0, np.cumsum(framed))
        self._heights = np.zeros(self._offsets[-1], np.uint8)
        self._open = np.zeros(self._offsets[-1], np.bool_)
        self._strides = np.repeat(np.array([width + 2 for _, width in self._shapes], np.int32), framed)
        self._labels = np.full(self._offsets[-1], NO_LABEL, np.int32)
        self._turns = np.zeros(self._offsets[-1], np.int32)
        for index, entry in enumerate(maps):
            self._inner(self._heights, index)[...] = entry.heights
            self._inner(self._open, index)[...] = entry.pixels

    def _inner(self, values: npt.NDArray[_Value], index: int) -> npt.NDArray[_Value]:
        """A view of one map's pixels."""
        height, width = self._shapes[index]
        framed = values[self._offsets[index] : self._offsets[index + 1]].reshape(height + 2, width + 2)
        return framed[1:-1, 1:-1]

    def sow(self, index: int, number: int, seed: Drawn) -> None:
        """Give a seed of a map its number."""
        box = slice(seed.top, seed.top + seed.pixels.shape[0]), slice(seed.left, seed.left + seed.pixels.shape[1])
        self._inner(self._labels, index)[box][seed.pixels] = number
        self._inner(self._open, index)[box][seed.pixels] = False

    def labels_of(self, index: int) -> _Labels:
        """(H, W) numbers of one map, `NO_LABEL` outside the mask."""
        return self._inner(self._labels, index)

    def flood(self) -> None:
        """Number every pixel that a seed can reach: each waits once, at the height at which it is reached first."""
        waiting: list[list[_Indices]] = [[] for _ in range(HIGHEST + 1)]
        seeds = np.flatnonzero(self._labels != NO_LABEL)
        for first in range(0, len(seeds), OFFERED_AT_ONCE):
            self._offer(seeds[first : first + OFFERED_AT_ONCE], HIGHEST, waiting)
        for height in range(HIGHEST, -1, -1):
            while waiting[height]:
                reached = np.concatenate(waiting[height])
                waiting[height] = []
                self._labels[reached] = self._labels[self._around(reached)].min(axis=0)
                self._offer(reached, height, waiting)

    def _around(self, pixels: _Indices) -> _Indices:
        """(8, N) neighbours of (N,) pixels."""
        stride = self._strides[pixels]
        return np.stack(
            [
                pixels - stride - 1,
                pixels - stride,
                pixels - stride + 1,
                pixels - 1,
                pixels + 1,
                pixels + stride - 1,
                pixels + stride,
                pixels + stride + 1,
            ]
        )

    def _offer(self, pixels: _Indices, height: int, waiting: list[list[_Indices]]) -> None:
        """Let the open neighbours of numbered pixels wait for their height; none waits for a greater one than now."""
        around = self._around(pixels).ravel()
        around = around[self._open[around]]
        if not len(around):
            return
        self._open[around] = False
        turns = np.arange(len(around), dtype=np.int32)
        self._turns[around] = turns  # of equal ones the last stays
        around = around[self._turns[around] == turns]
        levels = np.minimum(self._heights[around], height)
        order = np.argsort(levels, kind="stable")
        around, levels = around[order], levels[order]
        starts = np.flatnonzero(np.diff(levels.astype(np.int16), prepend=-1))
        for level, group in zip(levels[starts].tolist(), np.split(around, starts[1:]), strict=True):
            waiting[level].append(group)
