"""Overlapping scenes do not give the same building twice.

The rule: all footprints that match one of another scene are gone through, best first, and one that matches a kept one
of another scene is dropped. Better is what its own scene's border does not cut, then what was captured later, then
what is more certain, then what has the smaller id, then what is of the scene with the smaller name. So every dropped
footprint matches a kept one, no two kept ones of different scenes match, a scene alone loses nothing, and the result
depends on no order of scenes.

A building that is cut by the borders of both scenes, of which they share less than half of what each shows, stays in
both: together they show all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from components.core.keyed import digest
from components.publish_collection.layer.candidates import CandidateReader, ReadRows
from components.publish_collection.layer.index import Bounds
from components.publish_collection.layer.scenes import LayerScene, Overlaps
from components.publish_collection.layer.search import Ends, Search

Indices = npt.NDArray[np.int64]

DIGEST_CHARACTERS = 16


@dataclass(frozen=True, eq=False)
class Dropped:
    """The footprints that a scene leaves to others.

    Attributes:
        rows: Their places in the scene's table, ascending.
        ids: Digest of their ids; empty where there is none.
    """

    rows: Indices
    ids: str


NOTHING = Dropped(np.zeros(0, np.int64), "")


def find_duplicates(
    scenes: Mapping[str, LayerScene], changed: Iterable[str], areas: Sequence[Bounds], read: ReadRows
) -> dict[str, Dropped]:
    """What is to be dropped, for every scene where that may have changed.

    A change reaches a footprint through matches only: it lies where a scene was or is that changed, or a chain of
    matches leads there. Scenes with such footprints are then gone through whole.

    Args:
        scenes: All scenes of the layer.
        changed: Those that are new or were detected anew.
        areas: Bounds of scenes that were there before and are no more, or lay elsewhere; more do no harm.
        read: Gives the rows of a scene.

    Returns:
        By scene; the changed ones are among them, and all that share ground with them or with `areas`.
    """
    changed = set(changed)
    if not changed and not areas:
        return {}
    overlaps = Overlaps(scenes)
    search = Search(overlaps, CandidateReader.of(overlaps, read))
    near = _near(overlaps, changed, areas)
    for scene in changed:
        search.begin(scene)
    for scene in sorted(near, key=overlaps.order.__getitem__):
        search.begin_within(scene, near[scene])
    search.run()
    affected = changed | set(near) | search.reached
    for scene in affected - changed:
        search.begin(scene)
    search.run()
    dropped = _dropped(search.found, scenes)
    return {scene: dropped.get(scene, NOTHING) for scene in affected}


def _near(overlaps: Overlaps, changed: set[str], areas: Iterable[Bounds]) -> dict[str, list[Bounds]]:
    """Unchanged scenes that share ground with a change, and where."""
    near: dict[str, list[Bounds]] = {}
    for area in [*areas, *(overlaps.bounds(scene) for scene in sorted(changed))]:
        for scene in overlaps.near(area):
            if scene not in changed:
                near.setdefault(scene, []).append(area)
    return near


class _Footprints(NamedTuple):
    """Footprints that have matches.

    Attributes:
        scene: (N,) numbers of their scenes, in the order of the scenes' names.
        row: (N,) places in their scenes' tables.
        ids: (N,) of strings.
        touches_edge: (N,) whether their scene's border cuts them.
        moment: (N,) when they were captured.
        confidence: (N,), NaN where it is not known.
    """

    scene: Indices
    row: Indices
    ids: pa.Array
    touches_edge: npt.NDArray[np.bool_]
    moment: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]


def _dropped(found: Sequence[tuple[Ends, Ends]], scenes: Mapping[str, LayerScene]) -> dict[str, Dropped]:
    if not found:
        return {}
    names = sorted({ends.scene for pair in found for ends in pair})
    footprints, first, second = _graph(found, names, scenes)
    kept = kept_best_first(_ranks(footprints), first, second)
    dropped = np.flatnonzero(~kept)
    result = {}
    for number in np.unique(footprints.scene[dropped]).tolist():
        own = dropped[footprints.scene[dropped] == number]
        ids = sorted(footprints.ids.take(pa.array(own)).to_pylist())
        result[names[number]] = Dropped(np.sort(footprints.row[own]), digest(*ids)[:DIGEST_CHARACTERS])
    return result


def _graph(
    found: Sequence[tuple[Ends, Ends]], names: Sequence[str], scenes: Mapping[str, LayerScene]
) -> tuple[_Footprints, Indices, Indices]:
    """Footprints, each once, and the matches as pairs of indices into them."""
    numbers = {name: number for number, name in enumerate(names)}
    ends = [pair[side] for side in (0, 1) for pair in found]
    lengths = [len(end.rows) for end in ends]
    scene = np.repeat([numbers[end.scene] for end in ends], lengths)
    row = np.concatenate([end.rows for end in ends])
    _, once, places = np.unique(scene * (row.max() + 1) + row, return_index=True, return_inverse=True)
    moments = np.array([scenes[name].moment for name in names])
    footprints = _Footprints(
        scene[once],
        row[once],
        pa.concat_arrays([end.ids for end in ends]).take(pa.array(once)),
        np.concatenate([end.touches_edge for end in ends])[once],
        moments[scene[once]],
        np.concatenate([end.confidence for end in ends])[once],
    )
    half = len(places) // 2
    return footprints, places[:half], places[half:]


def _ranks(footprints: _Footprints) -> Indices:
    """Place of each footprint when the best comes first; no two share one."""
    ids = pc.rank(footprints.ids, tiebreaker="dense").to_numpy()
    certain = np.where(np.isnan(footprints.confidence), -np.inf, footprints.confidence)
    order = np.lexsort((footprints.scene, ids, -certain, -footprints.moment, footprints.touches_edge))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def kept_best_first(ranks: Indices, first: Indices, second: Indices) -> npt.NDArray[np.bool_]:
    """Go through footprints by rank and keep each that matches no kept one, many at a time.

    Whoever is better than all undecided ones that it matches would be kept in its turn, and whoever matches a kept one
    dropped; doing both for all until nothing is undecided gives what going one by one gives.

    Args:
        ranks: (N,) different.
        first: (M,) indices of matching footprints.
        second: (M,) indices of what these match.

    Returns:
        (N,) bool.
    """
    count = len(ranks)
    kept = np.zeros(count, np.bool_)
    undecided = np.ones(count, np.bool_)
    while undecided.any():
        best = np.full(count, count, np.int64)
        np.minimum.at(best, first, ranks[second])
        np.minimum.at(best, second, ranks[first])
        now = undecided & (ranks < best)
        kept |= now
        undecided &= ~now
        undecided[second[now[first]]] = False
        undecided[first[now[second]]] = False
        open_ = undecided[first] & undecided[second]
        first, second = first[open_], second[open_]
    return kept
