"""Layered drawing of a directed graph without loops (Sugiyama, Tagawa and Toda, 1981).

Boxes lie on ranks; labels of edges get ranks and room of their own between them, so that nothing overlaps;
edges that pass a rank get a place in it. Positions run along the ranks' direction and across it; which of them
is horizontal is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from components.core.errors import ConfigError

SWEEPS = 24
RELAXATIONS = 200
HOLD = 1e-6
PASSING_ACROSS = 10.0
GAP_ACROSS = 12.0

Positions = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Box:
    """What is to be placed.

    Attributes:
        along: Its extent in the direction of the ranks, in pixels.
        across: Its extent across, in pixels.
        weight: How much it draws its neighbours; below 1 it yields to others.
    """

    along: float
    across: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Link:
    """A directed edge with a label.

    Attributes:
        source: Where it leaves.
        target: Where it ends.
        label: Room for its label.
    """

    source: Hashable
    target: Hashable
    label: Box


@dataclass(frozen=True, slots=True)
class Placed:
    """A placed box: its centre across, and the ends of its rank along."""

    begin: float
    end: float
    across: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished layout.

    Attributes:
        along: Extent in the direction of the ranks.
        across: Extent across.
        boxes: Where each box lies, by its key.
        chains: For each link, the places it passes from source to target, both included; the second is its label.
    """

    along: float
    across: float
    boxes: Mapping[Hashable, Placed]
    chains: tuple[tuple[Placed, ...], ...]


@dataclass
class _Cells:
    """Boxes, labels and passing places: what is ordered within the ranks."""

    boxes: list[Box] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    links: list[tuple[int, int]] = field(default_factory=list)

    def add(self, box: Box, rank: int) -> int:
        self.boxes.append(box)
        self.ranks.append(rank)
        return len(self.boxes) - 1

    def by_rank(self) -> list[list[int]]:
        rows: list[list[int]] = [[] for _ in range(max(self.ranks, default=-1) + 1)]
        for cell, rank in enumerate(self.ranks):
            rows[rank].append(cell)
        return rows


def layered(boxes: Mapping[Hashable, Box], links: Sequence[Link], gap_along: float) -> Drawing:
    """Place boxes on ranks, with few crossings and short edges.

    Args:
        boxes: What is to be placed, by key; the order decides between equals.
        links: Edges between the keys.
        gap_along: Room between a box and a label, in pixels.

    Returns:
        The places, in pixels from the top left.

    Raises:
        ConfigError: If the links form a loop.
    """
    cells = _Cells()
    ranks = _ranks(boxes, links)
    index = {key: cells.add(box, 2 * ranks[key]) for key, box in boxes.items()}
    chains = [_chain(cells, index[link.source], index[link.target], link.label) for link in links]
    rows = _ordered(cells)
    across = _across(cells, rows)
    spans, along = _along(cells, rows, gap_along)
    placed = [Placed(*spans[cells.ranks[cell]], float(across[cell])) for cell in range(len(cells.boxes))]
    extent = max((across[i] + box.across / 2 for i, box in enumerate(cells.boxes)), default=0.0)
    return Drawing(
        along=along,
        across=float(extent),
        boxes={key: placed[cell] for key, cell in index.items()},
        chains=tuple(tuple(placed[cell] for cell in chain) for chain in chains),
    )


def _ranks(boxes: Mapping[Hashable, Box], links: Sequence[Link]) -> dict[Hashable, int]:
    """Longest path from the sources; a source lies just before the first that needs it."""
    before: dict[Hashable, set[Hashable]] = {key: set() for key in boxes}
    after: dict[Hashable, set[Hashable]] = {key: set() for key in boxes}
    for link in links:
        before[link.target].add(link.source)
        after[link.source].add(link.target)
    try:
        order = list(TopologicalSorter(before).static_order())
    except CycleError as error:
        loop = " → ".join(str(key) for key in error.args[1])
        raise ConfigError(f"graph: the edges form a loop, {loop}; leave one of them out") from error
    ranks: dict[Hashable, int] = {}
    for key in order:
        ranks[key] = max((ranks[source] + 1 for source in before[key]), default=0)
    for key in boxes:
        if not before[key] and after[key]:
            ranks[key] = min(ranks[target] for target in after[key]) - 1
    return ranks


def _chain(cells: _Cells, source: int, target: int, label: Box) -> list[int]:
    chain = [source]
    for rank in range(cells.ranks[source] + 1, cells.ranks[target]):
        is_label = rank == cells.ranks[source] + 1
        chain.append(cells.add(label if is_label else Box(0.0, PASSING_ACROSS), rank))
    chain.append(target)
    cells.links += pairwise(chain)
    return chain


def _ordered(cells: _Cells) -> list[list[int]]:
    """Order the cells within each rank by their neighbours' mean place, as long as crossings become fewer."""
    rows = _first_order(cells)
    best, fewest = [list(row) for row in rows], _crossings(cells, rows)
    before, after = _neighbours(cells)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        neighbours = before if sweep % 2 == 0 else after
        for row in rows if sweep % 2 == 0 else reversed(rows):
            place = {cell: i for r in rows for i, cell in enumerate(r)}
            means = {
                cell: float(np.mean([place[other] for other in neighbours[cell]])) if neighbours[cell] else place[cell]
                for cell in row
            }
            row.sort(key=means.__getitem__)
        crossings = _crossings(cells, rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _first_order(cells: _Cells) -> list[list[int]]:
    """Branch after branch, each to its end, as a reader would follow them."""
    before, after = _neighbours(cells)
    rows: list[list[int]] = [[] for _ in cells.by_rank()]
    seen: set[int] = set()
    waiting = [cell for cell in reversed(range(len(cells.boxes))) if not before[cell]]
    while waiting:
        cell = waiting.pop()
        if cell not in seen:
            seen.add(cell)
            rows[cells.ranks[cell]].append(cell)
            waiting += reversed(after[cell])
    return rows


def _neighbours(cells: _Cells) -> tuple[list[list[int]], list[list[int]]]:
    before: list[list[int]] = [[] for _ in cells.boxes]
    after: list[list[int]] = [[] for _ in cells.boxes]
    for first, second in cells.links:
        before[second].append(first)
        after[first].append(second)
    return before, after


def _crossings(cells: _Cells, rows: Sequence[Sequence[int]]) -> int:
    place = {cell: i for row in rows for i, cell in enumerate(row)}
    total = 0
    for rank in range(len(rows)):
        pairs = [(place[a], place[b]) for a, b in cells.links if cells.ranks[a] == rank]
        first, second = np.array(pairs, np.int64).reshape(-1, 2).T
        total += int(np.sum((first[:, None] < first) & (second[:, None] > second)))
    return total


def _across(cells: _Cells, rows: Sequence[Sequence[int]]) -> Positions:
    """Centres across, in order, never overlapping, with the least sum of squared bends (weighted).

    Row by row each minimum given the others: block coordinate descent on a convex problem.
    """
    extents = np.array([box.across for box in cells.boxes])
    centres = np.zeros(len(extents))
    for row in rows:
        offsets = _offsets(extents[row])
        centres[row] = offsets - offsets.mean()
    pulls = _pulls(cells)
    for sweep in range(RELAXATIONS):
        for row in rows if sweep % 2 else reversed(rows):
            strengths = np.array([sum(pulls[cell].values()) for cell in row]) + HOLD
            sums = [sum(weight * centres[other] for other, weight in pulls[cell].items()) for cell in row]
            wished = (np.array(sums) + HOLD * centres[row]) / strengths
            centres[row] = _spread(wished, strengths, extents[row])
    return centres - np.min(centres - extents / 2, initial=np.inf) if len(centres) else centres


def _pulls(cells: _Cells) -> list[dict[int, float]]:
    """How strongly each cell is drawn to its neighbours: fans yield to chains, so that chains run straight."""
    weights = [min(cells.boxes[a].weight, cells.boxes[b].weight) for a, b in cells.links]
    leaving, coming = [0.0] * len(cells.boxes), [0.0] * len(cells.boxes)
    for (first, second), weight in zip(cells.links, weights, strict=True):
        leaving[first] += weight
        coming[second] += weight
    pulls: list[dict[int, float]] = [{} for _ in cells.boxes]
    for (first, second), weight in zip(cells.links, weights, strict=True):
        pull = weight / max(leaving[first], coming[second], 1.0) ** 2
        pulls[first][second] = pulls[second][first] = pull
    return pulls


def _offsets(extents: Positions) -> Positions:
    """Centres of boxes that stand side by side, from the first one's."""
    room = (extents[1:] + extents[:-1]) / 2 + GAP_ACROSS
    return np.concatenate(([0.0], np.cumsum(room)))[: len(extents)]


def _spread(wished: Positions, strengths: Positions, extents: Positions) -> Positions:
    """The places nearest to those wished for (weighted least squares) that keep the order and leave the gaps.

    Pool adjacent violators: Ayer, Brunk, Ewing, Reid and Silverman, 1955.
    """
    offsets = _offsets(extents)
    blocks: list[tuple[float, float, int]] = []
    for value, strength in zip((wished - offsets).tolist(), strengths.tolist(), strict=True):
        mean, weight, count = value, strength, 1
        while blocks and blocks[-1][0] > mean:
            other, other_weight, members = blocks.pop()
            mean = (mean * weight + other * other_weight) / (weight + other_weight)
            weight, count = weight + other_weight, count + members
        blocks.append((mean, weight, count))
    return np.repeat([mean for mean, _, _ in blocks], [count for _, _, count in blocks]) + offsets


def _along(cells: _Cells, rows: Sequence[Sequence[int]], gap: float) -> tuple[list[tuple[float, float]], float]:
    """First and last pixel of every rank, and the end of the last."""
    spans, position = [], 0.0
    for row in rows:
        end = position + max((cells.boxes[cell].along for cell in row), default=0.0)
        spans.append((position, end))
        position = end + gap
    return spans, spans[-1][1] if spans else 0.0
