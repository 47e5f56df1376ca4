"""Lines one pixel wide, as paths from pixel to pixel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from components.core.errors import DataError
from components.core.figures.bitmap import Bitmap
from components.core.figures.connected_components import connected_components
from components.core.figures.figure import Vertices, vertices

LEAST_STEPS = 3
"""Of what is followed; shorter pieces are spurs."""

FORWARD = ((0, 1), (1, -1), (1, 0), (1, 1))
"""The neighbours that come later in row-major order, in rows and columns."""

MOST_PIXELS = 4_000_000
"""Of a component: more are no lines, and would take more than a gigabyte of memory."""

Tree = list[list[int]]
"""The neighbours of each pixel, by the pixels' numbers."""


def line_paths(bitmap: Bitmap) -> Iterator[Vertices]:
    """The paths of an 8-connected drawing: the longest one of each component, then the longest of what is left.

    Each component is made a tree by leaving out the steps that would close a loop, in row-major order; its longest
    path goes from the pixel farthest from any one to the pixel farthest from that. The path's steps are then taken
    away, and what hangs together still is followed in the same way, pieces of fewer than three steps left out. So the
    branches begin where they leave the path, and each step is in one path at most.

    Args:
        bitmap: Lines one pixel wide; of thicker ones there are many paths side by side. It is read by row band; held
            are the band, the components' own boxes and some hundred bytes a set pixel of one component.

    Returns:
        (N, 2) (row, column) of pixels, in the image's coordinates.

    Raises:
        DataError: If a component has more than `MOST_PIXELS` pixels.
    """
    for part in connected_components(bitmap.mask):
        if part.mask.area > MOST_PIXELS:
            raise DataError(
                f"a mask of {part.mask.area} connected pixels is not a line of at most {MOST_PIXELS}; make lines of it "
                "first with `skeletonize`, or cut the image with `sliding_window`"
            )
        places = np.add(np.argwhere(part.mask.pixels()), (bitmap.top + part.top, bitmap.left + part.left))
        tree = _spanning_tree(len(places), _steps(part.mask.pixels()))
        for path in _longest_paths(_branches(tree)):
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
    tree: Tree = [[] for _ in range(count)]
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


class Branch(NamedTuple):
    """A way from an end or a fork to the next one.

    Attributes:
        end: Where it leads.
        pixels: On the way, both ends included.
    """

    end: int
    pixels: list[int]


Branches = dict[int, list[Branch]]
"""The branches that leave each end and fork."""


def _branches(tree: Tree) -> Branches:
    """A tree without the pixels between ends and forks, so that following it does not take a step a pixel."""
    found: Branches = {number: [] for number, others in enumerate(tree) if len(others) != 2}
    for start, leaving in found.items():
        for second in tree[start]:
            pixels = [start, second]
            while len(tree[pixels[-1]]) == 2:
                one, other = tree[pixels[-1]]
                pixels.append(other if one == pixels[-2] else one)
            leaving.append(Branch(pixels[-1], pixels))
    return found


def _longest_paths(branches: Branches) -> Iterator[list[int]]:
    """Of a tree, and then of what taking each path's steps away leaves, in turn."""
    waiting = deque([next(iter(branches))])
    while waiting:
        way = _longest_way(branches, waiting.popleft())
        if way is None:
            continue
        yield [way[0].pixels[0], *(pixel for branch in way for pixel in branch.pixels[1:])]
        forks = [way[0].pixels[0], *(branch.end for branch in way)]
        for one, other in pairwise(forks):
            branches[one] = [branch for branch in branches[one] if branch.end != other]
            branches[other] = [branch for branch in branches[other] if branch.end != one]
        waiting.extend(fork for fork in forks if branches[fork])


def _longest_way(branches: Branches, start: int) -> list[Branch] | None:
    """Of the tree around an end or fork; None where it has too few steps."""
    outward, steps, _ = _walk(branches, start)
    if steps < LEAST_STEPS:
        return None
    end, _, came_by = _walk(branches, outward)
    way = []
    while end != outward:
        way.append(came_by[end])
        end = came_by[end].pixels[0]
    return way[::-1]


def _walk(branches: Branches, start: int) -> tuple[int, int, dict[int, Branch]]:
    """The farthest end, all steps that can be reached, and by which branch each end and fork is."""
    came_by: dict[int, Branch] = {}
    farthest, most, steps = start, 0, 0
    waiting = [(start, start, 0)]
    while waiting:
        place, before, distance = waiting.pop()
        if distance >= most:
            farthest, most = place, distance
        for branch in reversed(branches[place]):
            if branch.end != before:
                came_by[branch.end] = branch
                steps += len(branch.pixels) - 1
                waiting.append((branch.end, place, distance + len(branch.pixels) - 1))
    return farthest, steps, came_by
