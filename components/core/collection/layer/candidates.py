"""Footprints that another scene may show, too: those that lie where their scene overlaps others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from components.core.collection.layer.dropped import NOTHING, Dropped
from components.core.collection.layer.index import Bounds
from components.core.collection.layer.lru_cache import RecentlyRead
from components.core.collection.layer.scenes import Overlaps, within
from components.core.collection.layer.sightings import FIRST_SEEN, LAST_SEEN, UNSEEN, Sightings
from components.core.footprints.geography import Geometries, fixed
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import geometries_of

COLUMNS = ("id", "confidence", "touches_edge", "source", FIRST_SEEN, LAST_SEEN, GEOMETRY)
"""What a choice among duplicates needs of a footprint, and a new name of it."""

KEPT_FOOTPRINTS = 200_000
"""How many candidates are held in memory at most, beside those of one scene."""


Strings = npt.NDArray[np.object_]


class Alive(NamedTuple):
    """Footprints of a scene that were not dropped before a moment.

    Attributes:
        rows: (N,) their places in the scene's table, ascending.
        table: Of N rows, with `COLUMNS`.
        dropped: All footprints of the scene that were ever dropped.
        sightings: What other scenes say of them.
    """

    rows: npt.NDArray[np.int64]
    table: pa.Table
    dropped: Dropped = NOTHING
    sightings: Sightings = UNSEEN

    @classmethod
    def whole(cls, table: pa.Table) -> Alive:
        """Of a scene of which nothing was decided."""
        return cls(np.arange(table.num_rows), table)


ReadAlive = Callable[[str], Alive]
"""Gives what is alive of a scene."""


class Candidates(NamedTuple):
    """Some footprints of one scene.

    Attributes:
        rows: (N,) their places in the scene's table, ascending.
        ids: (N,) of strings.
        touches_edge: (N,) whether the scene's border cuts them.
        confidence: (N,), NaN where it is not known.
        first_seen: (N,) of strings, empty where it is not known; as the scene alone says.
        last_seen: (N,) of strings.
        shapes: (N,) valid polygons.
        boxes: (N, 4) west, south, east, north.
    """

    rows: npt.NDArray[np.int64]
    ids: Strings
    touches_edge: npt.NDArray[np.bool_]
    confidence: npt.NDArray[np.float64]
    first_seen: Strings
    last_seen: Strings
    shapes: Geometries
    boxes: npt.NDArray[np.float64]


@dataclass(frozen=True)
class CandidateReader:
    """Reads candidates, and keeps those that were used last.

    Attributes:
        overlaps: Of all scenes.
        read: Gives what is alive of a scene.
        areas: Where other scenes were, and are no more; what lies there is a candidate as well.
    """

    overlaps: Overlaps
    read: ReadAlive
    areas: Sequence[Bounds] = ()
    _before: dict[str, tuple[Dropped, Sightings]] = field(default_factory=dict)

    def __call__(self, scene: str) -> Candidates:
        """The candidates of a scene."""
        return self._recent(scene)

    @cached_property
    def _recent(self) -> RecentlyRead[Candidates]:
        return RecentlyRead(self._read, lambda candidates: len(candidates.rows), KEPT_FOOTPRINTS)

    def before(self, scene: str) -> tuple[Dropped, Sightings]:
        """What was ever dropped of a scene that was read, and what others said of its footprints."""
        return self._before[scene]

    def _read(self, scene: str) -> Candidates:
        alive = self.read(scene)
        self._before[scene] = alive.dropped, alive.sightings
        shapes = geometries_of(alive.table)
        boxes = shapely.bounds(shapes)
        areas = [*self.areas, *(self.overlaps.bounds(other) for other in self.overlaps.neighbours(scene))]
        inside = np.flatnonzero(within(boxes, areas))
        chosen = alive.table.drop_columns([GEOMETRY]).take(pa.array(inside))
        return Candidates(
            alive.rows[inside],
            _strings(chosen["id"]),
            pc.fill_null(chosen["touches_edge"], False).to_numpy().astype(np.bool_),
            chosen["confidence"].to_numpy().astype(np.float64),
            _strings(chosen[FIRST_SEEN]),
            _strings(chosen[LAST_SEEN]),
            fixed(shapes[inside]),
            boxes[inside],
        )


def _strings(column: pa.ChunkedArray) -> Strings:
    return np.array(pc.fill_null(column, "").to_pylist(), object)
