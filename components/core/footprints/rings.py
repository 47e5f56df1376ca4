"""The rings along the pixels' edges of a sheet of masks.

Corners are the pixel corners around which the number of set pixels is odd; where two set pixels meet only
diagonally, the pixel corner is a corner of both. In a row the corners pair up to horizontal edges, in a column to
vertical ones, and following them in turn closes the rings. At a diagonal each ring turns round its own pixel and a
ring that comes back to a pixel corner is cut in two there, so that every ring is simple and rings touch at most at
corners.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from components.core.figures.mask import BoolPixels

Integers = npt.NDArray[np.int64]


class Rings(NamedTuple):
    """Rings with set pixels on their right hand; y grows downwards.

    Attributes:
        corners: (N, 2) column and row of the corners of all rings in turn; a ring's first one is not repeated.
        starts: (R,) index of each ring's first corner.
        counts: (R,) number of its corners.
        areas: (R,) twice its area; positive for a shell, negative for a hole.
    """

    corners: Integers
    starts: Integers
    counts: Integers
    areas: Integers

    def ring(self, index: int) -> Integers:
        """(K, 2) of one ring."""
        return self.corners[self.starts[index] : self.starts[index] + self.counts[index]]


def rings_of(bands: Iterable[BoolPixels]) -> Rings:
    """Trace a mask.

    Args:
        bands: (H, W) bool row bands of one width, from the top down.
    """
    corners = _corners(bands)
    paths = list(_paths(corners))
    counts = np.fromiter(map(len, paths), np.int64, len(paths))
    order = np.fromiter(chain.from_iterable(paths), np.int64, int(counts.sum()))
    starts = np.cumsum(counts) - counts
    x, y = corners.column[order], corners.row[order]
    return Rings(np.stack([x, y], axis=1), starts, counts, _double_areas(x, y, starts, counts))


def _double_areas(x: Integers, y: Integers, starts: Integers, counts: Integers) -> Integers:
    if not len(starts):
        return counts
    following = _next_corners(starts, counts)
    return np.asarray(np.add.reduceat(x * y[following] - x[following] * y, starts), np.int64)


def shells_of(rings: Rings, holes: Integers) -> Integers:
    """The shell of the 4-connected part that each hole is in.

    Left of the set pixel above a hole's first corner, the next edge belongs to the same part: to its shell, or to a
    hole that begins further up.

    Args:
        rings: Of a sheet.
        holes: (N,) indices of rings.

    Returns:
        (N,) indices of rings.
    """
    if not len(holes):
        return holes
    x, y = rings.corners.T
    width = int(x.max()) + 1
    parents = np.arange(len(rings.starts))
    firsts = np.minimum.reduceat(y * width + x, rings.starts)
    rows, columns = np.divmod(firsts[holes], width)
    parents[holes] = _edges_to_the_left(rings, rows - 1, columns)
    while (rings.areas[parents] < 0).any():
        parents = parents[parents]
    return parents[holes]


def _edges_to_the_left(rings: Rings, rows: Integers, columns: Integers) -> Integers:
    """The ring of the next vertical edge at or left of each pixel's left edge."""
    x, y = rings.corners.T
    following = y[_next_corners(rings.starts, rings.counts)]
    tops, bottoms = np.minimum(y, following), np.maximum(y, following)
    wanted = np.unique(rows)
    begin, end = np.searchsorted(wanted, tops), np.searchsorted(wanted, bottoms)
    crossings = end - begin  # of each edge with the wanted rows; none of a horizontal one
    edges = np.repeat(np.arange(len(x)), crossings)
    row = np.arange(len(edges)) - np.repeat(np.cumsum(crossings) - crossings - begin, crossings)
    width = int(x.max()) + 1
    keys = row * width + x[edges]
    order = np.argsort(keys)
    pixels = np.searchsorted(wanted, rows) * width + columns
    found = edges[order[np.searchsorted(keys[order], pixels, "right") - 1]]
    return np.asarray(np.searchsorted(rings.starts, found, "right") - 1)


def _next_corners(starts: Integers, counts: Integers) -> Integers:
    """Index of the corner that follows each in its ring."""
    following = np.arange(1, int(counts.sum()) + 1)
    following[starts + counts - 1] = starts
    return following


class _Corners(NamedTuple):
    """Corners of a mask in row-major order; where two of them share a place, both are listed.

    Attributes:
        row: Of the pixel corner.
        column: Of the pixel corner.
        below_right: Whether the pixel below and right of it is set.
        below_left: Whether the pixel below and left of it is set.
        second: Whether it is the second of two that share a place.
        later: Whether it follows the other one of the place in its column.
    """

    row: Integers
    column: Integers
    below_right: npt.NDArray[np.bool_]
    below_left: npt.NDArray[np.bool_]
    second: npt.NDArray[np.bool_]
    later: npt.NDArray[np.bool_]


def _corners(bands: Iterable[BoolPixels]) -> _Corners:
    found = list(_corners_by_band(bands))
    return _Corners(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _corners_by_band(bands: Iterable[BoolPixels]) -> Iterator[_Corners]:
    above = np.zeros(0, np.bool_)
    top = 0
    for pixels in bands:
        height, width = pixels.shape
        framed = np.zeros((height + 1, width + 2), np.bool_)
        framed[0, 1 : len(above) + 1] = above
        framed[1:, 1:-1] = pixels
        yield _corners_of_rows(framed, top)
        above = pixels[-1]
        top += height
    framed = np.zeros((2, len(above) + 2), np.bool_)
    framed[0, 1:-1] = above
    yield _corners_of_rows(framed, top)


def _corners_of_rows(pixels: BoolPixels, top: int) -> _Corners:
    """Corners between consecutive rows of (R + 1, W + 2) bool; the first pair of rows meets at row `top`."""
    crossed = pixels[:-1] ^ pixels[1:]
    left, right = crossed[:, :-1], crossed[:, 1:]
    diagonal = left & right & (pixels[1:, :-1] ^ pixels[1:, 1:])
    places = np.flatnonzero((left ^ right) | diagonal)
    twice = diagonal.reshape(-1)[places]
    places = np.repeat(places, twice + 1)
    second = np.zeros(len(places), np.bool_)
    second[1:] = places[1:] == places[:-1]
    rows, columns = np.divmod(places, left.shape[1])
    below_right, below_left = pixels[rows + 1, columns + 1], pixels[rows + 1, columns]
    # Of two corners at one place the first has the edge to the left. With the pixels up-right and down-left set it
    # also has the edge down, while the columns' pairs meet the edge up first.
    is_shared = np.repeat(twice, twice + 1)
    return _Corners(rows + top, columns, below_right, below_left, second, second ^ (is_shared & below_left))


def _following(corners: _Corners) -> Integers:
    """The corner that comes after each."""
    count = len(corners.row)
    following = np.empty(count, np.int64)
    left, right = np.arange(0, count, 2), np.arange(1, count, 2)
    _link(following, left, right, corners.below_right[left])
    height = int(corners.row[-1]) + 1 if count else 1
    by_column = np.argsort((corners.column * height + corners.row) * 2 + corners.later)
    upper, lower = by_column[0::2], by_column[1::2]
    _link(following, upper, lower, corners.below_left[upper])
    return following


def _link(following: Integers, first: Integers, second: Integers, forwards: npt.NDArray[np.bool_]) -> None:
    following[first[forwards]] = second[forwards]
    following[second[~forwards]] = first[~forwards]


def _paths(corners: _Corners) -> Iterator[list[int]]:
    """Closed paths of corners, none through a place twice."""
    following = _following(corners).tolist()
    places = (np.arange(len(following)) - corners.second).tolist()
    has_shared = bool(corners.second.any())
    done = bytearray(len(following))
    start = 0
    while start >= 0:
        path = []
        corner = start
        while corner < len(following) and not done[corner]:
            done[corner] = 1
            path.append(places[corner])
            corner = following[corner]
        if has_shared and len(set(path)) < len(path):
            yield from _simple(path)
        elif path:
            yield path
        start = done.find(0, start)


def _simple(ring: list[int]) -> Iterator[list[int]]:
    """Cut a ring wherever it comes back to a place."""
    path: list[int] = []
    position: dict[int, int] = {}
    for place in ring:
        if place in position:
            start = position[place]
            loop = path[start:]
            for passed in loop:
                del position[passed]
            del path[start:]
            yield loop
        position[place] = len(path)
        path.append(place)
    yield path
