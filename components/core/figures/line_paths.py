"""Lines one pixel wide, as paths from pixel to pixel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from components.core.figures.bitmap import Bitmap
from components.core.figures.connected_components import connected_components
from components.core.figures.figure import Vertices, vertices

LEAST_STEPS = 3
"""Of what is followed; shorter pieces are spurs."""

FORWARD = ((0, 1), (1, -1), (1, 0), (1, 1))
"""The neighbours that come later in row-major order, in rows and columns."""

Tree = dict[int, list[int]]
"""The neighbours of each pixel, by the pixels' numbers."""


def line_paths(bitmap: Bitmap) -> Iterator[Vertices]:
    """The paths of an 8-connected drawing: the longest one of each component, then the longest of what is left.

    Each component is made a tree by leaving out the steps that would close a loop, in row-major order; its longest
    path goes from the pixel farthest from any one to the pixel farthest from that. The path's steps are then taken
    away, and what hangs together still is followed in the same way, pieces of fewer than three steps left out. So the
    branches begin where they leave the path, and each step is in one path at most.

    Args:
        bitmap: Lines one pixel wide; thicker ones give a path to and fro. It is read by row band; held are the band,
            the components' own boxes and some hundred bytes a set pixel of one component.

    Returns:
        (N, 2) (row, column) of pixels, in the image's coordinates.
    """
    for part in connected_components(bitmap.mask):
        pixels = np.argwhere(part.mask.pixels())
        places = np.add(pixels, (bitmap.top + part.top, bitmap.left + part.left))
        for path in _longest_paths(_spanning_tree(len(pixels), _steps(part.mask.pixels()))):
            yield vertices(places[path])


def _steps(pixels: npt.NDArray[np.bool_]) -> Iterable[tuple[int, int]]:
    """The steps between neighbouring pixels, which are numbered in row-major order, by their first and second pixel."""
    height, width = pixels.shape
    framed = np.full((height + 1, width + 2), -1, np.int64)
    framed[:height, 1:-1][pixels] = np.arange(np.count_nonzero(pixels))
    steps = []
    for row, column in FORWARD:
        first = framed[:height, 1:-1]
        second = framed[row : height + row, 1 + column : width + 1 + column]
        there = (first >= 0) & (second >= 0)
        steps.append(np.stack([first[there], second[there]], axis=1))
    joined = np.concatenate(steps)
    return map(tuple, joined[np.lexsort((joined[:, 1], joined[:, 0]))].tolist())


def _spanning_tree(count: int, steps: Iterable[tuple[int, int]]) -> Tree:
    """The steps that close no loop with earlier ones (Kruskal's algorithm, all steps of one length)."""
    roots = list(range(count))
    tree: Tree = {number: [] for number in range(count)}
    for first, second in steps:
        one, other = _root(roots, first), _root(roots, second)
        if one != other:
            roots[max(one, other)] = min(one, other)
            tree[first].append(second)
            tree[second].append(first)
    return tree


def _root(roots: list[int], number: int) -> int:
    while roots[number] != number:
        roots[number] = roots[roots[number]]
        number = roots[number]
    return number


def _longest_paths(tree: Tree) -> Iterator[list[int]]:
    """Of a tree, and then of what taking each path's steps away leaves, in turn."""
    waiting = deque([0])
    while waiting:
        path = _longest_path(tree, waiting.popleft())
        if path is None:
            continue
        yield path
        for first, second in pairwise(path):
            tree[first].remove(second)
            tree[second].remove(first)
        waiting.extend(number for number in path if tree[number])


def _longest_path(tree: Tree, start: int) -> list[int] | None:
    """Of the tree around a pixel; None where it has too few steps."""
    reached, _ = _walk(tree, start)
    if len(reached) <= LEAST_STEPS:
        return None
    outward = reached[-1]
    reached, parents = _walk(tree, outward)
    path = [reached[-1]]
    while path[-1] != outward:
        path.append(parents[path[-1]])
    return path[::-1]


def _walk(tree: Tree, start: int) -> tuple[Sequence[int], dict[int, int]]:
    """Breadth first: pixels in the order in which they are reached, and from where each is."""
    parents = {start: start}
    reached = [start]
    for number in reached:
        for other in tree[number]:
            if other not in parents:
                parents[other] = number
                reached.append(other)
    return reached, parents
