"""Layered drawing of a directed graph without loops (after Sugiyama, Tagawa and Toda, 1981).

Boxes lie on ranks; an arrow over several ranks gets a place of its own in each that it passes, so that it meets no
box. Positions run across the ranks; which direction that is, is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

ORDERING_SWEEPS, SWEEPS = 12, 200
GAP_PX, PASSING_PX = 14.0, 2.0

Positions = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arrow:
    """An edge: from the box `source` to a later box `target`; it leaves `offset` px across from the source's centre."""

    source: int
    target: int
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where boxes and arrows lie.

    Attributes:
        ranks: Of each box, from 0.
        centres: Of each box, across, in px.
        passing: Of each arrow, where it passes the ranks between its ends, across, in px.
        extent: From the first box to the last, across, in px.
    """

    ranks: tuple[int, ...]
    centres: tuple[float, ...]
    passing: tuple[tuple[float, ...], ...]
    extent: float


def layered(extents: Sequence[float], arrows: Sequence[Arrow]) -> Layout:
    """Place boxes with few crossings and short, straight arrows.

    Args:
        extents: Of each box, across, in px; every box comes after those that have arrows to it.
        arrows: Between them.
    """
    ranks, sizes = _ranks(len(extents), arrows), list(extents)
    links: list[Arrow] = []
    chains: list[list[int]] = []
    for arrow in arrows:
        passed = range(ranks[arrow.source] + 1, ranks[arrow.target])
        chain = [arrow.source, *range(len(sizes), len(sizes) + len(passed)), arrow.target]
        links += [Arrow(a, b, 0.0 if place else arrow.offset) for place, (a, b) in enumerate(pairwise(chain))]
        chains.append(chain)
        ranks += passed
        sizes += [PASSING_PX] * len(passed)
    centres = _centres(ranks, np.array(sizes, np.float64), links)
    return Layout(
        ranks=tuple(ranks[: len(extents)]),
        centres=tuple(centres[: len(extents)].tolist()),
        passing=tuple(tuple(centres[chain[1:-1]].tolist()) for chain in chains),
        extent=float(np.max(centres + np.array(sizes) / 2, initial=0.0)),
    )


def _ranks(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """Longest path from the sources; a source lies just before the first that needs it."""
    ranks = [0] * count
    for arrow in sorted(arrows, key=lambda arrow: arrow.source):
        ranks[arrow.target] = max(ranks[arrow.target], ranks[arrow.source] + 1)
    for box in {arrow.source for arrow in arrows} - {arrow.target for arrow in arrows}:
        ranks[box] = min(ranks[arrow.target] for arrow in arrows if arrow.source == box) - 1
    return ranks


def _branch_by_branch(ranks: Sequence[int], links: Sequence[Arrow]) -> list[list[int]]:
    """The cells of each rank in the order in which a reader comes to them who follows each branch to its end."""
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    waiting = sorted(set(range(len(ranks))) - {link.target for link in links}, reverse=True)
    seen: set[int] = set()
    while waiting:
        cell = waiting.pop()
        if cell not in seen:
            seen.add(cell)
            rows[ranks[cell]].append(cell)
            waiting += [link.target for link in reversed(links) if link.source == cell]
    return rows


def _centres(ranks: Sequence[int], sizes: Positions, links: Sequence[Arrow]) -> Positions:
    """Positions that never overlap, each near the mean of its neighbours'; fans yield to chains, which run straight.

    First from the neighbours before and from those after by turns, which also gives the order within the ranks (the
    barycentre method); then, in the order with the fewest crossings, from both.
    """
    rows = _branch_by_branch(ranks, links)
    near: list[list[tuple[int, float, float]]] = [[] for _ in ranks]
    sources, targets = np.array([(link.source, link.target) for link in links], np.int64).reshape(-1, 2).T
    degrees = np.maximum(np.bincount(sources)[sources], np.bincount(targets)[targets]) if links else ()
    for link, degree in zip(links, degrees, strict=True):
        near[link.source].append((link.target, -link.offset, degree**-2.0))
        near[link.target].append((link.source, link.offset, degree**-2.0))
    centres = np.zeros(len(ranks))
    for row in rows:
        centres[row] = np.arange(len(row))
    best, fewest = [list(row) for row in rows], _crossings(ranks, centres, links)
    for sweep in range(SWEEPS):
        is_down, is_ordering = sweep % 2 == 0, sweep < ORDERING_SWEEPS
        rows = best if sweep == ORDERING_SWEEPS else rows
        for row in rows if is_down else rows[::-1]:
            wished = {cell: centres[cell] for cell in row}
            for cell in row:
                pulls = [it for it in near[cell] if not is_ordering or (ranks[it[0]] < ranks[cell]) == is_down]
                if pulls:
                    total = sum(pull for *_, pull in pulls)
                    wished[cell] = sum((centres[other] + offset) * pull for other, offset, pull in pulls) / total
            if is_ordering:
                row.sort(key=wished.__getitem__)
            least = np.concatenate(([0.0], np.cumsum((sizes[row][1:] + sizes[row][:-1]) / 2 + GAP_PX)))
            free = np.array([wished[cell] for cell in row]) - least
            centres[row] = (np.maximum.accumulate(free) + np.minimum.accumulate(free[::-1])[::-1]) / 2 + least
        if is_ordering and (crossings := _crossings(ranks, centres, links)) < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return centres - np.min(centres - sizes / 2, initial=np.inf) if len(ranks) else centres


def _crossings(ranks: Sequence[int], centres: Positions, links: Sequence[Arrow]) -> int:
    ends = [(ranks[link.source], centres[link.source] + link.offset, centres[link.target]) for link in links]
    rank, first, second = np.array(ends, np.float64).reshape(-1, 3).T
    return int(np.sum((rank[:, None] == rank) & (first[:, None] < first) & (second[:, None] > second)))
