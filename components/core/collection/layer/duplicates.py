"""Overlapping scenes do not give the same building twice.

The rule: scenes are gone through in the order of their capture, those of one moment together, those of an unknown one
first. At each moment the footprints that are kept so far and those of the moment's scenes are gone through, best first,
and one that matches a kept one of another scene is dropped, for good. Better is what its own scene's border does not
cut, then what was captured later, then what is more certain, then what has the smaller id, then what is of the scene
with the smaller name.

So no two kept ones of different scenes match, every dropped one matched one that was kept then, a scene alone loses
nothing, and the result depends on no order in which scenes are added. What a capture dropped does not come back when a
later one drops what it was dropped for: the old capture is settled, and one more capture of a place is compared with
what is shown there, however many there were before. A scene that is retired counts as if it had never been.

A building that is cut by the borders of both scenes, of which they share less than half of what each shows, stays in
both: together they show all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from components.core.collection.layer.candidates import CandidateReader, ReadAlive
from components.core.collection.layer.dropped import NOTHING, Dropped
from components.core.collection.layer.index import Bounds
from components.core.collection.layer.matching import SAME, Measure, shares
from components.core.collection.layer.scenes import LayerScene, Overlaps
from components.core.collection.layer.search import Neighbours, Search

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

Same = Callable[[Indices], Bool]
"""Gives which of some pairs show the same building."""


def find_duplicates(
    scenes: Mapping[str, LayerScene],
    changed: Iterable[str],
    areas: Sequence[Bounds],
    since: float,
    read: ReadAlive,
) -> dict[str, Dropped]:
    """What is to be dropped, for every scene where that may have changed.

    A change reaches a footprint through matches only, and from its moment on: it lies where a scene was or is that
    changed, or a chain of possible matches leads there, and it was not dropped before that moment.

    Args:
        scenes: Those of the layer that show anything from `since` on; others do no harm.
        changed: Those that are new or were detected again.
        areas: Bounds of scenes that were there before and are no more, or lay elsewhere; more do no harm.
        since: The first moment at which anything changed, in seconds since 1970.
        read: Gives the footprints of a scene that were not dropped before `since`, and all that were ever dropped.

    Returns:
        By scene; the changed ones are among them.
    """
    changed = set(changed)
    if not changed and not areas:
        return {}
    overlaps = Overlaps(scenes)
    reader = CandidateReader(overlaps, read, areas)
    search = Search(overlaps, reader)
    search.begin(changed, areas)
    found = search.run()
    moments = np.array([scenes[name].moment for name in found.scenes], np.float64)
    dropped_at = _fold(found, moments, since, reader)
    return _by_scene(found, dropped_at, changed, reader)


def _by_scene(found: Neighbours, dropped_at: Floats, changed: set[str], reader: CandidateReader) -> dict[str, Dropped]:
    """What was decided now, and what earlier runs decided of footprints that no change has reached."""
    result = dict.fromkeys(changed, NOTHING)
    for number in np.unique(found.scene[found.reached]).tolist():
        own = found.reached & (found.scene == number)
        name = found.scenes[number]
        before = reader.dropped(name)
        kept = ~np.isin(before.rows, found.row[own])
        now = own & ~np.isnan(dropped_at)
        result[name] = Dropped.of(
            np.concatenate([before.rows[kept], found.row[now]]),
            np.concatenate([before.moments[kept], dropped_at[now]]),
        )
    return result


def _fold(found: Neighbours, moments: Floats, since: float, reader: CandidateReader) -> Floats:
    """Go through the moments from `since` on; (N,) when each footprint was dropped, NaN for never."""
    moment = moments[found.scene] if len(found.scene) else np.zeros(0)
    dropped_at = np.full(len(moment), np.nan)
    if not len(found.first):
        return dropped_at
    ranks = _ranks(found, moment)
    later = np.maximum(moment[found.first], moment[found.second])
    order = np.argsort(later, kind="stable")
    steps, starts = np.unique(later[order], return_index=True)
    for step, pairs in zip(steps.tolist(), np.split(order, starts[1:]), strict=True):
        if step < since:
            continue  # decided by earlier runs, with which the state began
        first, second = found.first[pairs], found.second[pairs]
        there = np.isnan(dropped_at[first]) & np.isnan(dropped_at[second])
        first, second = first[there], second[there]
        ends, places = np.unique(np.concatenate([first, second]), return_inverse=True)
        half = len(first)

        def same(chosen: Indices, first: Indices = first, second: Indices = second) -> Bool:
            return _same(found, first[chosen], second[chosen], reader)

        kept = kept_best_first(ranks[ends], places[:half], places[half:], same)
        dropped_at[ends[~kept]] = step
    return dropped_at


def _same(found: Neighbours, first: Indices, second: Indices, reader: CandidateReader) -> Bool:
    """(M,) bool: which pairs show the same building; scene by scene, so that few are in memory."""
    result = np.zeros(len(first), np.bool_)
    one, other = found.scene[first], found.scene[second]
    order = np.lexsort((other, one))
    changes = np.flatnonzero((np.diff(one[order]) != 0) | (np.diff(other[order]) != 0)) + 1
    for group in np.split(order, changes):
        if not len(group):
            continue
        mine, theirs = (reader(found.scenes[int(side[group[0]])]) for side in (one, other))
        score = shares(
            mine.shapes[np.searchsorted(mine.rows, found.row[first[group]])],
            theirs.shapes[np.searchsorted(theirs.rows, found.row[second[group]])],
            Measure.OVERLAP,
        )
        result[group] = score >= SAME
    return result


def _ranks(found: Neighbours, moment: Floats) -> Indices:
    """Place of each footprint when the best comes first; no two share one."""
    ids = pc.rank(found.ids, tiebreaker="dense").to_numpy()
    certain = np.where(np.isnan(found.confidence), -np.inf, found.confidence)
    order = np.lexsort((found.scene, ids, -certain, -moment, found.touches_edge))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def kept_best_first(ranks: Indices, first: Indices, second: Indices, same: Same) -> Bool:
    """Go through footprints by rank and keep each that matches no kept one, many at a time.

    Whoever is better than all undecided ones that it may match would be kept in its turn, and whoever matches a kept
    one dropped; doing both for all until nothing is undecided gives what going one by one gives. Pairs are looked at
    only when one of them is kept, so that among many that show one building each is compared with few.

    Args:
        ranks: (N,) different.
        first: (M,) indices of footprints that may match.
        second: (M,) indices of what these may match.
        same: Gives (K,) bool: which of some pairs, as (K,) indices into `first` and `second`, do match.

    Returns:
        (N,) bool.
    """
    count = len(ranks)
    kept = np.zeros(count, np.bool_)
    undecided = np.ones(count, np.bool_)
    pairs = np.arange(len(first))
    while undecided.any():
        one, other = first[pairs], second[pairs]
        best = np.full(count, np.iinfo(np.int64).max)
        np.minimum.at(best, one, ranks[other])
        np.minimum.at(best, other, ranks[one])
        now = undecided & (ranks < best)
        kept |= now
        undecided &= ~now
        decisive = pairs[now[one] | now[other]]
        matching = decisive[same(decisive)]
        undecided[first[matching]] = False
        undecided[second[matching]] = False
        pairs = pairs[undecided[one] & undecided[other]]
    return kept
