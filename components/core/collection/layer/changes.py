"""What an update changes in the layer, counted while the partitions are replaced."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.collection.layer.ids import UNCHANGED, Change
from components.core.collection.layer.index import Bounds
from components.core.collection.layer.matching import Measure, matches, shares
from components.core.collection.layer.scenes import flat
from components.core.footprints.geography import Geometries
from components.core.footprints.vector_files import geometries_of

COMPARED_COLUMNS = ("id", "geometry")


@dataclass(frozen=True, slots=True)
class SceneChange:
    """What changed in one partition.

    Attributes:
        scene: Its scene.
        change: By ids. A building that another scene showed before is neither new nor gone: it is kept, where it is
            shown now.
    """

    scene: str
    change: Change


@dataclass(slots=True)
class _Open:
    """A scene whose footprints may have moved to or from others that are still to come."""

    scene: str
    bounds: Bounds
    change: Change
    new: Geometries
    gone: Geometries
    moved_here: npt.NDArray[np.bool_] = field(init=False)
    moved_away: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.moved_here = np.zeros(len(self.new), np.bool_)
        self.moved_away = np.zeros(len(self.gone), np.bool_)

    def meets(self, other: _Open) -> bool:
        west, south, east, north = self.bounds
        return (
            west <= other.bounds[2]
            and other.bounds[0] <= east
            and south <= other.bounds[3]
            and other.bounds[1] <= north
        )

    def closed(self) -> SceneChange:
        here, away = int(np.count_nonzero(self.moved_here)), int(np.count_nonzero(self.moved_away))
        change = self.change
        return SceneChange(
            self.scene, Change(change.new - here, change.gone - away, change.kept + here, change.changed)
        )


class ChangeCounter:
    """Compares old and new partitions, which come from west to east.

    Only what is new or gone is held, of the scenes that those still to come may overlap.
    """

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._closed: list[SceneChange] = []

    def add(self, scene: str, bounds: Bounds, old: pa.Table | None, new: pa.Table | None) -> None:
        """Take one partition as it was and as it will be, each with `COMPARED_COLUMNS`; None for a missing one."""
        entry = _compared(scene, flat(bounds), old, new)
        self._close(entry.bounds[0])
        for other in self._open:
            if entry.meets(other):
                _note_moves(entry, other)
                _note_moves(other, entry)
        self._open.append(entry)

    def changes(self) -> tuple[SceneChange, ...]:
        """All that was counted, in the order of the scenes; no more can be added."""
        self._close(np.inf)
        return tuple(sorted(self._closed, key=lambda change: change.scene))

    def _close(self, west: float) -> None:
        for entry in self._open:
            if entry.bounds[2] < west:
                self._closed.append(entry.closed())
        self._open = [entry for entry in self._open if entry.bounds[2] >= west]


def _note_moves(one: _Open, other: _Open) -> None:
    """Find buildings that one scene shows no more, and the other one shows now."""
    pairs = matches(one.gone, other.new, Measure.OVERLAP)
    one.moved_away[pairs.first] = True
    other.moved_here[pairs.second] = True


def _compared(scene: str, bounds: Bounds, old: pa.Table | None, new: pa.Table | None) -> _Open:
    before, now = _ids(old), _ids(new)
    shapes_before, shapes_now = _shapes(old), _shapes(new)
    places = {name: place for place, name in enumerate(before)}
    partners = np.array([places.get(name, -1) for name in now], np.int64)
    both = np.flatnonzero(partners >= 0)
    kept = _unchanged(shapes_before[partners[both]], shapes_now[both])
    left = np.ones(len(before), np.bool_)
    left[partners[both]] = False
    change = Change(len(now) - len(both), int(np.count_nonzero(left)), kept, len(both) - kept)
    return _Open(scene, bounds, change, shapes_now[partners < 0], shapes_before[left])


def _ids(rows: pa.Table | None) -> list[str]:
    return [] if rows is None else rows["id"].to_pylist()


def _shapes(rows: pa.Table | None) -> Geometries:
    return np.empty(0, dtype=object) if rows is None else geometries_of(rows)


def _unchanged(before: Geometries, now: Geometries) -> int:
    """How many outlines are about the same."""
    other = ~shapely.equals_exact(before, now)
    share = shares(before[other], now[other], Measure.IOU)
    return int(np.count_nonzero(~other)) + int(np.count_nonzero(share >= UNCHANGED))
