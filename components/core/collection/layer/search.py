"""Footprints that a change may reach, and which of them may show the same building, going by their boxes.

The search follows possible matches: a footprint whose box shares enough with that of one it has reached, or meets it
under the same id, is reached as well. So it sees every chain of matches whole, and reads only scenes that it gets to.
Boxes are in memory, and what the choice among duplicates looks at; the polygons are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

from components.core.collection.layer.candidates import CandidateReader, Candidates, Strings
from components.core.collection.layer.index import Bounds
from components.core.collection.layer.matching import Measure, may_match
from components.core.collection.layer.scenes import Overlaps, within

Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

CHUNK_FOOTPRINTS = 2048
"""How many are looked up at once: where a place has a thousand captures, each has a thousand partners."""


@dataclass(frozen=True)
class Neighbours:
    """The footprints that were read, and their possible matches.

    Attributes:
        scenes: Names of their scenes, in order.
        scene: (N,) indices into these.
        row: (N,) places in their scenes' tables.
        ids: (N,) of strings.
        touches_edge: (N,) whether their scene's border cuts them.
        confidence: (N,), NaN where it is not known.
        first_seen: (N,) of strings, as their scene alone says.
        last_seen: (N,) of strings.
        reached: (N,) bool.
        first: (M,) footprints that may match or have the same id, of scenes whose names come before the others'.
        second: (M,) what these may match.
    """

    scenes: list[str]
    scene: Indices
    row: Indices
    ids: Strings
    touches_edge: Bool
    confidence: Floats
    first_seen: Strings
    last_seen: Strings
    reached: Bool
    first: Indices
    second: Indices


@dataclass
class _Loaded:
    """Candidates of all scenes that were read, one scene after the other.

    Attributes:
        starts: First footprint of each scene.
        parts: What was read, without the polygons.
        areas: Of the polygons, by scene.
        count: Of footprints.
    """

    starts: dict[str, int] = field(default_factory=dict)
    parts: list[Candidates] = field(default_factory=list)
    areas: list[Floats] = field(default_factory=list)
    count: int = 0

    def add(self, scene: str, candidates: Candidates) -> None:
        self.starts[scene] = self.count
        self.parts.append(candidates._replace(shapes=np.zeros(0, object)))
        self.areas.append(shapely.area(candidates.shapes))
        self.count += len(candidates.rows)

    def column(self, name: str) -> npt.NDArray[np.generic]:
        return np.concatenate([getattr(part, name) for part in self.parts])


class Search:
    """Finds what a change may reach."""

    def __init__(self, overlaps: Overlaps, candidates: CandidateReader) -> None:
        self._overlaps = overlaps
        self._candidates = candidates
        self._loaded = _Loaded()
        self._reached = np.zeros(0, np.bool_)
        self._expanded = np.zeros(0, np.bool_)
        self._pairs: list[tuple[Indices, Indices]] = []

    def begin(self, scenes: Iterable[str], areas: Sequence[Bounds]) -> None:
        """Reach all footprints of some scenes, and those of others that lie in some areas."""
        whole = sorted((scene for scene in scenes if self._overlaps.neighbours(scene)), key=self._place)
        for scene in whole:
            self._load(scene)
            self._reached[self._own(scene)] = True
        near = {scene for area in areas for scene in self._overlaps.near(area)}.difference(whole)
        for scene in sorted(near, key=self._place):
            self._load(scene)
            self._reached[self._own(scene)] |= within(self._candidates(scene).boxes, areas)

    def run(self) -> Neighbours:
        """Follow all chains to their ends."""
        while (fresh := np.flatnonzero(self._reached & ~self._expanded)).size:
            self._load_around(fresh)
            self._expanded[fresh] = True
            self._expand(fresh)
        return self._found()

    def _place(self, scene: str) -> int:
        return self._overlaps.order[scene]

    def _own(self, scene: str) -> slice:
        start = self._loaded.starts[scene]
        return slice(start, start + len(self._candidates(scene).rows))

    def _load(self, scene: str) -> None:
        if scene in self._loaded.starts:
            return
        self._loaded.add(scene, self._candidates(scene))
        more = np.zeros(self._loaded.count - len(self._reached), np.bool_)
        self._reached = np.concatenate([self._reached, more])
        self._expanded = np.concatenate([self._expanded, more])

    def _load_around(self, fresh: Indices) -> None:
        """Read the scenes on whose ground some footprints lie."""
        boxes = self._loaded.column("boxes")[fresh]
        names = list(self._loaded.starts)
        scene = np.searchsorted(list(self._loaded.starts.values()), fresh, side="right") - 1
        wanted: set[str] = set()
        for number in np.unique(scene).tolist():
            own = boxes[scene == number]
            for other in self._overlaps.neighbours(names[number]):
                is_known = other in self._loaded.starts or other in wanted
                if not is_known and within(own, [self._overlaps.bounds(other)]).any():
                    wanted.add(other)
        for name in sorted(wanted, key=self._place):
            self._load(name)

    def _expand(self, fresh: Indices) -> None:
        """Reach what some footprints may match, and note the pairs, each once."""
        boxes = np.asarray(self._loaded.column("boxes"), np.float64)
        areas = np.concatenate(self._loaded.areas)
        ids = self._loaded.column("ids")
        scene = np.repeat(np.arange(len(self._loaded.parts)), [len(part.rows) for part in self._loaded.parts])
        tree = shapely.STRtree(shapely.box(*boxes.T))
        is_fresh = np.zeros(len(boxes), np.bool_)
        is_fresh[fresh] = True
        for start in range(0, len(fresh), CHUNK_FOOTPRINTS):
            chunk = fresh[start : start + CHUNK_FOOTPRINTS]
            one, other = tree.query(shapely.box(*boxes[chunk].T))
            one = chunk[one]
            # Pairs with what was expanded before were found from the other end; of two fresh ends one finds the pair.
            once = np.where(is_fresh[other], one < other, ~self._expanded[other])
            chosen = (scene[one] != scene[other]) & once
            one, other = one[chosen], other[chosen]
            possible = may_match((boxes[one], areas[one]), (boxes[other], areas[other]), Measure.OVERLAP)
            possible |= (ids[one] == ids[other]) & (ids[one] != "")
            self._pairs.append((one[possible], other[possible]))
            self._reached[other[possible]] = True

    def _found(self) -> Neighbours:
        loaded = self._loaded
        names = sorted(loaded.starts)
        number = {name: place for place, name in enumerate(names)}
        counts = [len(part.rows) for part in loaded.parts]
        scene = np.repeat(np.array([number[name] for name in loaded.starts], np.int64), counts)
        nothing, no_text = [np.zeros(0, np.int64)], [np.zeros(0, object)]
        one = np.concatenate([pair[0] for pair in self._pairs] or nothing)
        other = np.concatenate([pair[1] for pair in self._pairs] or nothing)
        swapped = scene[one] > scene[other]  # a score at the very threshold may depend on which comes first
        return Neighbours(
            scenes=names,
            scene=scene,
            row=np.concatenate([part.rows for part in loaded.parts] or nothing),
            ids=np.concatenate([part.ids for part in loaded.parts] or no_text),
            touches_edge=np.concatenate([part.touches_edge for part in loaded.parts] or [np.zeros(0, np.bool_)]),
            confidence=np.concatenate([part.confidence for part in loaded.parts] or [np.zeros(0)]),
            first_seen=np.concatenate([part.first_seen for part in loaded.parts] or no_text),
            last_seen=np.concatenate([part.last_seen for part in loaded.parts] or no_text),
            reached=self._reached,
            first=np.where(swapped, other, one),
            second=np.where(swapped, one, other),
        )
