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
both: together they show all of it. Two that are shown have different ids: of those of one id that lie on each other,
the worse is renamed.

What is dropped leaves the footprint for which it is dropped when it was seen first and last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from components.core.collection.layer.candidates import CandidateReader, ReadAlive
from components.core.collection.layer.dropped import NOTHING, Dropped
from components.core.collection.layer.index import Bounds
from components.core.collection.layer.matching import SAME, Measure, shares
from components.core.collection.layer.scenes import LayerScene, Overlaps
from components.core.collection.layer.search import Neighbours, Search
from components.core.collection.layer.sightings import UNSEEN, Sighting, Sightings

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

NOBODY = -1

Same = Callable[[Indices], Bool]
"""Gives which of some pairs show the same building."""


class Shown(NamedTuple):
    """What is decided of the footprints of a scene.

    Attributes:
        dropped: Which it leaves to others.
        sightings: What others say of the rest.
        withheld: Which of the rest are not shown, as too few captures agree; see `confirming`.
    """

    dropped: Dropped = NOTHING
    sightings: Sightings = UNSEEN
    withheld: tuple[int, ...] = ()


def find_duplicates(
    scenes: Mapping[str, LayerScene],
    changed: Iterable[str],
    areas: Sequence[Bounds],
    since: float,
    read: ReadAlive,
) -> dict[str, Shown]:
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

    Raises:
        DecidedLaterError: If something was dropped from `since` on where the change reaches: who saw what until then is
            not known.
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
    _check_is_first(found, changed, since, reader)
    return _by_scene(found, _fold(found, moments, since, reader), changed, reader)


class DecidedLaterError(Exception):
    """Something was decided after the moment of a change, so that all has to be decided again."""


def _check_is_first(found: Neighbours, changed: set[str], since: float, reader: CandidateReader) -> None:
    if since == -np.inf:
        return
    for number in np.unique(found.scene[found.reached]).tolist():
        name = found.scenes[number]
        last = reader.before(name)[0].last
        if name not in changed and last is not None and last >= since:
            raise DecidedLaterError(name)


@dataclass
class _State:
    """What is known of the footprints at a moment.

    Attributes:
        found: They.
        dropped_at: (N,) when each was dropped, NaN for never.
        seen: What differs from what a footprint's scene says.
    """

    found: Neighbours
    dropped_at: Floats
    seen: dict[int, Sighting] = field(default_factory=dict)

    def sighting(self, index: int) -> Sighting:
        return self.seen.get(index) or self.own(index)

    def own(self, index: int) -> Sighting:
        """As its scene alone says."""
        return Sighting.of(str(self.found.first_seen[index]), str(self.found.last_seen[index]))

    def drop(self, index: int, heir: int, moment: float) -> None:
        self.dropped_at[index] = moment
        self.seen[heir] = self.sighting(heir).and_of(self.sighting(index))

    def said_of(self, index: int) -> Sighting | None:
        """What others say of a footprint that is shown; None where that is nothing."""
        sighting = self.seen.get(index)
        return None if sighting is None or sighting == self.own(index) else sighting


def _by_scene(found: Neighbours, state: _State, changed: set[str], reader: CandidateReader) -> dict[str, Shown]:
    """What was decided now, and what earlier runs decided of footprints that no change has reached."""
    result = dict.fromkeys(changed, Shown())
    for number in np.unique(found.scene[found.reached]).tolist():
        own = np.flatnonzero(found.reached & (found.scene == number))
        name = found.scenes[number]
        rows = found.row[own]
        before, sightings = reader.before(name)
        kept = ~np.isin(before.rows, rows)
        now = ~np.isnan(state.dropped_at[own])
        pairs = ((int(row), state.said_of(index)) for index, row in zip(own.tolist(), rows, strict=True))
        said = {row: sighting for row, sighting in pairs if sighting is not None}
        reached = set(rows.tolist())
        said |= {row: sighting for row, sighting in sightings.by_row.items() if row not in reached}
        dropped = Dropped.of(
            np.concatenate([before.rows[kept], rows[now]]),
            np.concatenate([before.moments[kept], state.dropped_at[own][now]]),
        )
        shown = set(said).difference(dropped.rows.tolist())
        result[name] = Shown(dropped, Sightings({row: said[row] for row in shown}))
    return result


def _fold(found: Neighbours, moments: Floats, since: float, reader: CandidateReader) -> _State:
    """Go through the moments from `since` on."""
    moment = moments[found.scene] if len(found.scene) else np.zeros(0)
    state = _State(found, np.full(len(moment), np.nan))
    if since > -np.inf:
        state.seen |= _seen_before(found, reader)
    if not len(found.first):
        return state
    ranks = _ranks(found, moment)
    later = np.maximum(moment[found.first], moment[found.second])
    order = np.argsort(later, kind="stable")
    steps, starts = np.unique(later[order], return_index=True)
    for step, pairs in zip(steps.tolist(), np.split(order, starts[1:]), strict=True):
        if step < since:
            continue  # decided by earlier runs, with which the state began
        first, second = found.first[pairs], found.second[pairs]
        there = np.isnan(state.dropped_at[first]) & np.isnan(state.dropped_at[second])
        first, second = first[there], second[there]
        ends, places = np.unique(np.concatenate([first, second]), return_inverse=True)
        half = len(first)

        def same(chosen: Indices, first: Indices = first, second: Indices = second) -> Bool:
            return _same(found, first[chosen], second[chosen], reader)

        heirs = heirs_best_first(ranks[ends], places[:half], places[half:], same)
        gone = np.flatnonzero(heirs != NOBODY)
        for place in gone[np.argsort(ranks[ends[gone]])].tolist():
            state.drop(int(ends[place]), int(ends[heirs[place]]), step)
    _rename(state, ranks)
    return state


def _seen_before(found: Neighbours, reader: CandidateReader) -> dict[int, Sighting]:
    """What earlier runs noted of the footprints; names are given anew."""
    seen: dict[int, Sighting] = {}
    for number, name in enumerate(found.scenes):
        by_row = reader.before(name)[1].by_row
        if by_row:
            own = np.flatnonzero(found.scene == number)
            for index, row in zip(own.tolist(), found.row[own].tolist(), strict=True):
                if row in by_row:
                    seen[index] = by_row[row]._replace(is_renamed=False)
    return seen


def _rename(state: _State, ranks: Indices) -> None:
    """Of two footprints of one id that are shown, the worse gives it up."""
    found = state.found
    first, second = found.first, found.second
    shown = np.isnan(state.dropped_at)
    chosen = shown[first] & shown[second] & (found.ids[first] == found.ids[second])
    first, second = first[chosen], second[chosen]
    for index in np.unique(np.where(ranks[first] > ranks[second], first, second)).tolist():
        state.seen[index] = state.sighting(index)._replace(is_renamed=True)


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
    ids = np.unique(found.ids.astype(str), return_inverse=True)[1]
    certain = np.where(np.isnan(found.confidence), -np.inf, found.confidence)
    order = np.lexsort((found.scene, ids, -certain, -moment, found.touches_edge))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def heirs_best_first(ranks: Indices, first: Indices, second: Indices, same: Same) -> Indices:
    """Go through footprints by rank, keep each that matches no kept one, and drop the others, many at a time.

    Whoever is better than all undecided ones that it may match would be kept in its turn, and whoever matches a kept
    one dropped; doing both for all until nothing is undecided gives what going one by one gives. Pairs are looked at
    only when one of them is kept, so that among many that show one building each is compared with few.

    Args:
        ranks: (N,) different.
        first: (M,) indices of footprints that may match.
        second: (M,) indices of what these may match.
        same: Gives (K,) bool: which of some pairs, as (K,) indices into `first` and `second`, do match.

    Returns:
        (N,) for whom each was dropped, the best kept one that it matches; `NOBODY` for what is kept.
    """
    count = len(ranks)
    seen = np.zeros(len(first), np.bool_)
    heirs = np.full(count, NOBODY)
    undecided = np.ones(count, np.bool_)
    pairs = np.arange(len(first))
    while undecided.any():
        one, other = first[pairs], second[pairs]
        best = np.full(count, np.iinfo(np.int64).max)
        np.minimum.at(best, one, ranks[other])
        np.minimum.at(best, other, ranks[one])
        now = undecided & (ranks < best)
        undecided &= ~now
        decisive = pairs[now[one] | now[other]]
        _bequeath(heirs, ranks, first, second, decisive[same(decisive)], now)
        seen[decisive] = True
        pairs = pairs[~seen[pairs]]
        undecided &= heirs == NOBODY
        pairs = pairs[undecided[first[pairs]] & undecided[second[pairs]]]
    kept = heirs == NOBODY
    gone = np.where(kept[first], second, first)
    left = np.flatnonzero(~seen & (kept[first] != kept[second]))
    left = left[ranks[first[left] + second[left] - gone[left]] < ranks[heirs[gone[left]]]]
    _bequeath(heirs, ranks, first, second, left[same(left)], kept)
    return heirs


def _bequeath(heirs: Indices, ranks: Indices, first: Indices, second: Indices, matching: Indices, kept: Bool) -> None:
    """Note of pairs of which one end is kept for whom the other one is dropped."""
    one, other = first[matching], second[matching]
    heir, gone = np.where(kept[one], one, other), np.where(kept[one], other, one)
    worst_first = np.argsort(-ranks[heir])
    heirs[gone[worst_first]] = heir[worst_first]
