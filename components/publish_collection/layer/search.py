"""Pairs of footprints of different scenes that show the same building, found from where the search begins.

The search follows matches: a footprint that matches one it has reached is reached as well, and is compared with all
scenes that overlap its own. So it sees every chain of matches whole, and reads only scenes that it gets to. A pair of
scenes is in memory at a time, and the matches.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.core.progress import progress
from components.publish_collection.layer.candidates import CandidateReader, Candidates
from components.publish_collection.layer.index import Bounds
from components.publish_collection.layer.matching import Measure, matches
from components.publish_collection.layer.scenes import Overlaps, within

Chosen = npt.NDArray[np.bool_]


class Ends(NamedTuple):
    """One end of several matches, all in one scene.

    Attributes:
        scene: The scene.
        rows: (M,) places in the scene's table.
        ids: (M,) of strings.
        touches_edge: (M,) whether the scene's border cuts them.
        confidence: (M,), NaN where it is not known.
    """

    scene: str
    rows: npt.NDArray[np.int64]
    ids: pa.Array
    touches_edge: npt.NDArray[np.bool_]
    confidence: npt.NDArray[np.float64]

    @classmethod
    def of(cls, scene: str, candidates: Candidates, chosen: npt.NDArray[np.int64]) -> Ends:
        """The chosen candidates of a scene."""
        return cls(
            scene,
            candidates.rows[chosen],
            candidates.ids.take(pa.array(chosen)),
            candidates.touches_edge[chosen],
            candidates.confidence[chosen],
        )


class Search:
    """Finds matches.

    Attributes:
        found: Matches, each once; two ends of the same length.
    """

    def __init__(self, overlaps: Overlaps, candidates: CandidateReader) -> None:
        self.found: list[tuple[Ends, Ends]] = []
        self._overlaps = overlaps
        self._candidates = candidates
        self._whole: set[str] = set()
        self._reached: dict[str, Chosen] = {}
        self._compared: dict[str, Chosen] = {}
        self._waiting: list[tuple[int, str]] = []

    @property
    def reached(self) -> set[str]:
        """Scenes of which at least one footprint was reached."""
        return {scene for scene, chosen in self._reached.items() if chosen.any()}

    def begin(self, scene: str) -> None:
        """Reach all footprints of a scene."""
        if self._overlaps.neighbours(scene):
            self._whole.add(scene)
            self._wait(scene)

    def begin_within(self, scene: str, areas: Iterable[Bounds]) -> None:
        """Reach the footprints of a scene that lie in some areas."""
        if self._overlaps.neighbours(scene):
            self._reach(scene, within(self._candidates(scene).boxes, areas))

    def run(self) -> None:
        """Compare all that was reached, and all that is reached on the way."""
        if self._waiting:
            for scene in progress(self._each_waiting(), None, "scenes compared with their neighbours"):
                self._compare(scene)

    def _each_waiting(self) -> Iterator[str]:
        while self._waiting:
            _, scene = heapq.heappop(self._waiting)
            yield scene

    def _wait(self, scene: str) -> None:
        heapq.heappush(self._waiting, (self._overlaps.order[scene], scene))

    def _reach(self, scene: str, chosen: Chosen) -> None:
        if scene in self._whole:
            return
        reached = self._reached.get(scene)
        if reached is None or (chosen & ~reached).any():
            self._reached[scene] = chosen if reached is None else reached | chosen
            self._wait(scene)

    def _compare(self, scene: str) -> None:
        mine = self._candidates(scene)
        compared_own = self._compared.get(scene, np.zeros(len(mine.rows), np.bool_))
        if scene in self._whole:
            self._reached[scene] = np.ones(len(mine.rows), np.bool_)
        own = self._reached[scene] & ~compared_own
        if not own.any():
            return
        for other in self._overlaps.neighbours(scene):
            compared = self._compared.get(other)
            if compared is not None and compared.all():
                continue  # these matches were found from the other end
            theirs = self._candidates(other)
            fresh = np.ones(len(theirs.rows), np.bool_) if compared is None else ~compared
            self._match((scene, mine, own), (other, theirs, fresh))
        self._compared[scene] = compared_own | own

    def _match(self, one: tuple[str, Candidates, Chosen], other: tuple[str, Candidates, Chosen]) -> None:
        (scene, mine, own), (neighbour, theirs, fresh) = one, other
        first = np.flatnonzero(own & within(mine.boxes, [self._overlaps.bounds(neighbour)]))
        second = np.flatnonzero(fresh & within(theirs.boxes, [self._overlaps.bounds(scene)]))
        if scene < neighbour:
            pairs = matches(mine.shapes[first], theirs.shapes[second], Measure.OVERLAP)
            ours, others = pairs.first, pairs.second
        else:  # a score at the very threshold may depend on which comes first, and must not on the search
            pairs = matches(theirs.shapes[second], mine.shapes[first], Measure.OVERLAP)
            ours, others = pairs.second, pairs.first
        if not len(ours):
            return
        first, second = first[ours], second[others]
        self.found.append((Ends.of(scene, mine, first), Ends.of(neighbour, theirs, second)))
        met = np.zeros(len(theirs.rows), np.bool_)
        met[second] = True
        self._reach(neighbour, met)
