"""Footprints that another scene may show, too: those that lie where their scene overlaps others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from components.core.footprints.geography import Geometries, mended
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import geometries_of
from components.publish_collection.layer.scenes import Overlaps, within

COLUMNS = ("id", "confidence", "touches_edge", GEOMETRY)
"""What a choice among duplicates needs of a footprint."""

KEPT_FOOTPRINTS = 200_000
"""How many candidates are held in memory at most, beside those of one scene."""

ReadRows = Callable[[str], pa.Table]
"""Gives the rows of a scene, with `COLUMNS`."""


class Candidates(NamedTuple):
    """Some footprints of one scene.

    Attributes:
        rows: (N,) their places in the scene's table.
        ids: (N,) of strings.
        touches_edge: (N,) whether the scene's border cuts them.
        confidence: (N,), NaN where it is not known.
        shapes: (N,) valid polygons.
        boxes: (N, 4) west, south, east, north.
    """

    rows: npt.NDArray[np.int64]
    ids: pa.Array
    touches_edge: npt.NDArray[np.bool_]
    confidence: npt.NDArray[np.float64]
    shapes: Geometries
    boxes: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CandidateReader:
    """Reads candidates, and keeps those that were used last.

    Attributes:
        overlaps: Of all scenes.
        read: Gives the rows of a scene.
    """

    overlaps: Overlaps
    read: ReadRows
    _kept: OrderedDict[str, Candidates]

    @classmethod
    def of(cls, overlaps: Overlaps, read: ReadRows) -> CandidateReader:
        """A reader that has read nothing yet."""
        return cls(overlaps, read, OrderedDict())

    def __call__(self, scene: str) -> Candidates:
        """The candidates of a scene."""
        if scene not in self._kept:
            self._kept[scene] = self._read(scene)
            while len(self._kept) > 1 and sum(len(kept.rows) for kept in self._kept.values()) > KEPT_FOOTPRINTS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(scene)
        return self._kept[scene]

    def _read(self, scene: str) -> Candidates:
        table = self.read(scene)
        shapes = geometries_of(table)
        boxes = shapely.bounds(shapes)
        areas = [self.overlaps.bounds(other) for other in self.overlaps.neighbours(scene)]
        rows = np.flatnonzero(within(boxes, areas))
        chosen = table.select(["id", "confidence", "touches_edge"]).take(pa.array(rows)).combine_chunks()
        return Candidates(
            rows,
            pc.fill_null(chosen["id"], "").combine_chunks(),
            pc.fill_null(chosen["touches_edge"], False).to_numpy().astype(np.bool_),
            chosen["confidence"].to_numpy().astype(np.float64),
            mended(shapes[rows]),
            boxes[rows],
        )
