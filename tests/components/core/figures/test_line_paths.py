"""Lines as paths of pixels: what a plain implementation of the same rules gives, whatever the drawing."""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap, InlineMask, line_paths
from components.core.figures.connected_components import connected_components
from components.core.figures.thinning import zhang_suen
from tests.strategies import masks, sizes

Pixel = tuple[int, int]
Graph = dict[Pixel, list[Pixel]]

FORWARD = ((0, 1), (1, -1), (1, 0), (1, 1))


def plain_paths(pixels: np.ndarray) -> list[list[Pixel]]:
    """The paths, pixel by pixel: a step that closes no loop is taken, in row-major order."""
    found = []
    for part in connected_components(InlineMask(pixels)):
        places = [(row + part.top, column + part.left) for row, column in np.argwhere(part.mask.pixels()).tolist()]
        graph = tree_of(places)
        waiting = deque([next(place for place in places if len(graph[place]) != 2)])
        while waiting:
            start = waiting.popleft()
            steps = sum(len(graph[place]) for place in reached(graph, start)) // 2
            if steps < 3:
                continue
            path = way(graph, farthest(graph, start))
            found.append(path)
            for one, other in pairwise(path):
                graph[one].remove(other)
                graph[other].remove(one)
            waiting.extend(place for place in path if graph[place])
    return found


def tree_of(places: list[Pixel]) -> Graph:
    parts = {place: {place} for place in places}
    graph: Graph = defaultdict(list)
    for row, column in places:
        for down, right in FORWARD:
            one, other = (row, column), (row + down, column + right)
            if other in parts and parts[one] is not parts[other]:
                joined = parts[one] | parts[other]
                parts.update(dict.fromkeys(joined, joined))
                graph[one].append(other)
                graph[other].append(one)
    return graph


def reached(graph: Graph, start: Pixel) -> dict[Pixel, tuple[int, Pixel]]:
    """Steps to each pixel and the one before it, neighbours first to last, each with all behind it."""
    found = {start: (0, start)}
    waiting = [start]
    order: dict[Pixel, tuple[int, Pixel]] = {}
    while waiting:
        place = waiting.pop()
        order[place] = found[place]
        for other in reversed(graph[place]):
            if other not in found:
                found[other] = (found[place][0] + 1, place)
                waiting.append(other)
    return order


def farthest(graph: Graph, start: Pixel) -> Pixel:
    """The last of the farthest pixels."""
    there = reached(graph, start)
    most = max(distance for distance, _ in there.values())
    return [place for place, (distance, _) in there.items() if distance == most][-1]


def way(graph: Graph, start: Pixel) -> list[Pixel]:
    there, place = reached(graph, start), farthest(graph, start)
    path = [place]
    while place != start:
        place = there[place][1]
        path.append(place)
    return path[::-1]


def paths_of(pixels: np.ndarray) -> list[list[Pixel]]:
    bitmap = Bitmap.of_pixels(pixels)
    return (
        []
        if bitmap is None
        else [[(int(row), int(column)) for row, column in path] for path in line_paths.line_paths(bitmap)]
    )


@settings(max_examples=300)
@given(pixels=sizes(14).flatmap(masks))
def test_paths_are_those_of_the_plain_rules(pixels: np.ndarray) -> None:
    assert paths_of(pixels) == (plain_paths(pixels) if pixels.any() else [])


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8, 1.0])
@pytest.mark.parametrize("thinned", [False, True])
def test_paths_of_larger_drawings(share: float, thinned: bool) -> None:
    pixels = np.random.default_rng(7).random((40, 50)) < share
    pixels = zhang_suen(pixels) if thinned else pixels
    assert paths_of(pixels) == plain_paths(pixels)


@given(rows=st.integers(2, 30), columns=st.integers(2, 30))
def test_a_block_is_cut_into_paths_that_take_each_step_once(rows: int, columns: int) -> None:
    steps = [tuple(sorted(step)) for path in paths_of(np.ones((rows, columns), np.bool_)) for step in pairwise(path)]
    assert len(steps) == len(set(steps)) < rows * columns


def test_a_huge_block_takes_as_many_paths_as_it_has_columns() -> None:
    """What took steps by the square of them took half a minute."""
    side = 700
    assert len(paths_of(np.ones((side, side), np.bool_))) == side - 1


def test_more_pixels_than_lines_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_paths, "MOST_PIXELS", 8)
    with pytest.raises(DataError, match="a mask of 9 connected pixels is not a line of at most 8"):
        paths_of(np.ones((3, 3), np.bool_))
