"""Lines one pixel wide, as paths from pixel to pixel."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
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

Numbers = npt.NDArray[np.int32]
"""(N,) of pixels."""


class Steps(NamedTuple):
    """Steps between neighbouring pixels: the number of each one's first pixel, and of its second, which is greater."""

    firsts: Numbers
    seconds: Numbers


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
        for path in _longest_paths(_branches(len(places), tree)):
            yield vertices(places[path])


def _steps(pixels: npt.NDArray[np.bool_]) -> Steps:
    """The steps between neighbouring pixels, which are numbered in row-major order, by first and then second pixel."""
    height, width = pixels.shape
    count = np.count_nonzero(pixels)
    framed = np.full((height + 1, width + 2), -1, np.int32)
    framed[:height, 1:-1][pixels] = np.arange(count, dtype=np.int32)
    seconds = np.empty((count, len(FORWARD)), np.int32)
    for place, (row, column) in enumerate(FORWARD):
        seconds[:, place] = framed[row : height + row, 1 + column : width + 1 + column][pixels]
    there = seconds >= 0
    return Steps(np.nonzero(there)[0].astype(np.int32), seconds[there])


def _spanning_tree(count: int, steps: Steps) -> Steps:
    """The steps that close no loop with earlier ones, in their order.

    These are what Kruskal's algorithm takes where all steps have one length. They are found by Borůvka's, many at a
    time: in each round every part takes the first step that leads out of it, and parts that are joined become one.
    Both give one tree, as no two steps have the same place in the order.

    Args:
        count: How many pixels there are; they hang together.
        steps: In order.
    """
    number, ones, others = np.arange(len(steps.firsts), dtype=np.int32), *steps
    taken = np.zeros(len(number), np.bool_)
    while len(number):
        first_out = np.minimum(_first_places(ones, count), _first_places(others, count))
        leading = np.flatnonzero(first_out < len(number))
        chosen = first_out[leading]
        taken[number[chosen]] = True
        joined = np.arange(count, dtype=np.int32)
        joined[leading] = np.where(ones[chosen] == leading, others[chosen], ones[chosen])
        heads = leading[(joined[joined[leading]] == leading) & (leading < joined[leading])]
        joined[heads] = heads  # of two parts that took the same step one keeps its number
        while not np.array_equal(above := joined[joined], joined):
            joined = above
        ones, others = joined[ones], joined[others]
        leads_out = ones != others
        number, ones, others = number[leads_out], ones[leads_out], others[leads_out]
    return Steps(steps.firsts[taken], steps.seconds[taken])


def _first_places(ends: Numbers, count: int) -> Numbers:
    """(count,) where each number comes first among some; beyond the end where it does not."""
    places = np.full(count, len(ends), np.int32)
    places[ends[::-1]] = np.arange(len(ends), dtype=np.int32)[::-1]  # of values for one place the last one stays
    return places


@dataclass(slots=True)
class Branch:
    """A way from an end or a fork to the next one, and what lies that way as long as that is known.

    Attributes:
        end: Where it leads.
        pixels: On the way, both ends included.
        reach: Steps to the farthest end that way.
        steps: All steps that way.
    """

    end: int
    pixels: list[int]
    reach: int = 0
    steps: int = 0

    @property
    def length(self) -> int:
        """Its own steps."""
        return len(self.pixels) - 1


Branches = dict[int, list[Branch]]
"""The branches that leave each end and fork."""


def _branches(count: int, tree: Steps) -> Branches:
    """A tree without the pixels between ends and forks, so that following it does not take a step a pixel.

    Args:
        count: How many pixels there are.
        tree: Its steps; the order of a pixel's neighbours is theirs.
    """
    ends, partners = np.stack(tree, axis=1).ravel(), np.stack(tree[::-1], axis=1).ravel()
    degrees = np.bincount(ends, minlength=count)
    neighbours = partners[np.argsort(ends, kind="stable")].tolist()
    bounds = np.concatenate([[0], np.cumsum(degrees)]).tolist()
    sums = np.bincount(ends, weights=partners, minlength=count).astype(np.int64)
    onward = np.where(degrees == 2, sums, -1).tolist()
    found: Branches = {}
    known: dict[tuple[int, int], list[int]] = {}
    for start in np.flatnonzero(degrees != 2).tolist():
        found[start] = []
        for second in neighbours[bounds[start] : bounds[start + 1]]:
            way = known.pop((start, second), None)
            pixels = way[::-1] if way else _way(start, second, onward)
            if way is None:
                known[pixels[-1], pixels[-2]] = pixels
            found[start].append(Branch(pixels[-1], pixels))
    return found


def _way(start: int, second: int, onward: list[int]) -> list[int]:
    """The pixels from an end or fork to the next one.

    Args:
        start: The first pixel.
        second: The one after it.
        onward: Of each pixel between ends and forks the sum of its neighbours' numbers, which less the one that is come
            from is the one to go to; -1 of ends and forks.
    """
    pixels = [start]
    before, at = start, second
    while (neighbours := onward[at]) >= 0:
        pixels.append(at)
        before, at = at, neighbours - before
    pixels.append(at)
    return pixels


def _longest_paths(branches: Branches) -> Iterator[list[int]]:
    """Of a tree, and then of what taking each path's steps away leaves, in turn.

    What is left hangs together at an end or fork of the path. From there, what its branches reach is known: they lead
    away from what was taken.
    """
    start = next(iter(branches))
    _measure(branches, start)
    waiting = deque([start])
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


def _measure(branches: Branches, start: int) -> None:
    """Set what lies along each branch that leads away from an end or fork."""
    away = []
    waiting = [(start, start)]
    while waiting:
        place, before = waiting.pop()
        for branch in branches[place]:
            if branch.end != before:
                away.append((branch, place))
                waiting.append((branch.end, place))
    for branch, place in reversed(away):
        onward = [other for other in branches[branch.end] if other.end != place]
        branch.reach = branch.length + max((other.reach for other in onward), default=0)
        branch.steps = branch.length + sum(other.steps for other in onward)


def _longest_way(branches: Branches, start: int) -> list[Branch] | None:
    """Of the tree around an end or fork, from which all is known; None where it has too few steps.

    It leads from the end that is farthest from there to the one that is farthest from that. Afterwards all is known
    from each end and fork on it, once its own branches are taken away.
    """
    steps = sum(branch.steps for branch in branches[start])
    if steps < LEAST_STEPS:
        return None
    place = start
    outward = _farthest_way(branches, start)
    for branch in outward:
        back = next(other for other in branches[branch.end] if other.end == place)
        back.reach = back.length + max((other.reach for other in branches[place] if other is not branch), default=0)
        back.steps = steps - branch.steps + back.length
        place = branch.end
    return _farthest_way(branches, place)


def _farthest_way(branches: Branches, start: int) -> list[Branch]:
    """To the end that is farthest from another one or a fork; to the last one of several."""
    way: list[Branch] = []
    place, before = start, start
    while True:
        farthest = None
        for branch in branches[place]:
            if branch.end != before and (farthest is None or branch.reach >= farthest.reach):
                farthest = branch
        if farthest is None:
            return way
        way.append(farthest)
        place, before = farthest.end, place
