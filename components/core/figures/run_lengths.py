"""Runs of set pixels, and what touches what: the arithmetic of connected components.

A mask of buildings has a few thousand times fewer runs than pixels, so components are found among the runs: in a
quarter of the time that labelling every pixel takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

CHUNK_PIXELS = 1 << 18
"""That are looked at together: as fits a processor's cache."""


class Runs(NamedTuple):
    """Runs of set pixels, in order, none touching the next one.

    Attributes:
        starts: (N,) first pixel of each.
        ends: (N,) first pixel behind each.
    """

    starts: Integers
    ends: Integers


def touching(above: Runs, below: Runs) -> tuple[Integers, Integers]:
    """Which runs of a row touch which of the next row, corners included.

    Returns:
        (P,) indices into `above` and (P,) indices into `below`.
    """
    first = np.searchsorted(above.ends, below.starts, "left")
    counts = np.maximum(np.searchsorted(above.starts, below.ends, "right") - first, 0)
    lower = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(lower)) - np.repeat(np.cumsum(counts) - counts, counts)
    return first[lower] + within, lower


def joined(count: int, one: Integers, other: Integers) -> Integers:
    """Which nodes hang together: the least node of each one's group.

    Every root is hooked to the least root it is tied to and paths are then halved, until no tie is left between
    groups: a union-find in whole arrays.

    Source: Shiloach, Vishkin, "An O(log n) parallel connectivity algorithm", Journal of Algorithms 3, 1982.

    Args:
        count: Number of nodes.
        one: (E,) first node of each tie.
        other: (E,) second node of each tie.
    """
    roots = np.arange(count)
    while True:
        first, second = roots[one], roots[other]
        apart = first != second
        if not apart.any():
            return roots
        one, other, first, second = one[apart], other[apart], first[apart], second[apart]
        np.minimum.at(roots, np.maximum(first, second), np.minimum(first, second))
        while not np.array_equal(shorter := roots[roots], roots):
            roots = shorter


class Labelled(NamedTuple):
    """Runs of the rows of a mask by component.

    Attributes:
        rows: (N,) row of each run.
        starts: (N,) its first column.
        ends: (N,) the first column behind it.
        labels: (N,) number of its component, from 0 in the order of their first pixels.
    """

    rows: Integers
    starts: Integers
    ends: Integers
    labels: Integers

    @property
    def components(self) -> int:
        """Number of components."""
        return int(self.labels.max()) + 1 if len(self.labels) else 0

    def of_row(self, row: int) -> tuple[Runs, Integers]:
        """The runs of one row, and their labels."""
        inside = slice(*np.searchsorted(self.rows, (row, row + 1)))
        return Runs(self.starts[inside], self.ends[inside]), self.labels[inside]


def labelled_runs(pixels: npt.NDArray[np.bool_]) -> Labelled:
    """The runs of a (H, W) bool array in row-major order, numbered by 8-connected component."""
    stride = pixels.shape[1] + 1  # an unset column keeps the runs of one row apart from those of the next
    changes = np.concatenate(list(_changes(pixels, stride)))
    flat = Runs(changes[0::2], changes[1::2])
    upper, lower = touching(Runs(flat.starts + stride, flat.ends + stride), flat)
    roots = joined(len(flat.starts), upper, lower)
    is_root = roots == np.arange(len(roots))
    labels = (np.cumsum(is_root) - 1)[roots]
    rows, starts = np.divmod(flat.starts, stride)
    return Labelled(rows, starts, flat.ends - rows * stride, labels)


def _changes(pixels: npt.NDArray[np.bool_], stride: int) -> Iterator[Integers]:
    """Where runs start and end when rows follow each other at a distance of `stride`, some rows at a time."""
    height, width = pixels.shape
    rows = max(1, CHUNK_PIXELS // stride)
    for top in range(0, height, rows):
        part = pixels[top : top + rows]
        framed = np.zeros(len(part) * stride + 1, np.bool_)
        framed[1:].reshape(len(part), stride)[:, :width] = part
        yield np.flatnonzero(framed[1:] != framed[:-1]) + top * stride


class Drawn(NamedTuple):
    """One component.

    Attributes:
        top: Its first row.
        left: Its first column.
        pixels: (H, W) bool of its box.
    """

    top: int
    left: int
    pixels: npt.NDArray[np.bool_]


def drawn_components(runs: Labelled) -> Iterator[Drawn]:
    """The components in the order of their numbers, their pixels drawn in one go and cut apart."""
    if not runs.components:
        return
    order = np.argsort(runs.labels, kind="stable")
    rows, starts, ends, labels = (column[order] for column in runs)
    first = np.flatnonzero(np.diff(labels, prepend=-1))
    tops, lefts = rows[first], np.minimum.reduceat(starts, first)
    heights = rows[np.append(first[1:], len(rows)) - 1] + 1 - tops
    widths = np.maximum.reduceat(ends, first) - lefts
    offsets = np.append(0, np.cumsum(heights * widths))
    origins = offsets[labels] + (rows - tops[labels]) * widths[labels] - lefts[labels]
    marks = np.zeros(offsets[-1] + 1, np.int8)
    marks[origins + starts] = 1
    marks[origins + ends] -= 1  # a run that ends a row of the box may meet the next one's start
    flat = np.cumsum(marks, dtype=np.int8, out=marks).view(np.bool_)
    boxes = zip(tops.tolist(), lefts.tolist(), heights.tolist(), widths.tolist(), offsets.tolist(), strict=False)
    for top, left, height, width, offset in boxes:
        yield Drawn(top, left, flat[offset : offset + height * width].reshape(height, width).copy())
