"""What became of the layer's buildings, as geometry: the partitions as they were against what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.collection.layer.ids import UNCHANGED
from components.core.collection.layer.index import Bounds
from components.core.collection.layer.matching import Measure, matches, shares
from components.core.collection.layer.scenes import flat
from components.core.footprints.geography import Geometries
from components.core.footprints.vector_files import geometries_of


class ChangeKind(StrEnum):
    """What became of a building."""

    NEW = "new"
    """It is shown now, and was not before."""

    GONE = "gone"
    """It was shown, and is no more, though its ground was looked at."""

    UNCOVERED = "uncovered"
    """It was shown, and no scene of the layer shows most of its ground any more."""

    CHANGED = "changed"
    """It is shown with another outline, be it by another scene."""

    MOVED = "moved"
    """Another scene shows it now, and has another id for it, as where both came in one run, or the outlines share less
    than half."""


SHOWN_COLUMNS = ("id", "class", "source", "captured", "area_m2", "geometry")
"""Columns of a partition that are compared, or told."""

NOW = tuple((name, pa.float64() if name == "area_m2" else pa.string()) for name in SHOWN_COLUMNS[:-1])

CHANGE_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        *NOW,
        *((f"{name}_before", kind) for name, kind in NOW),
        ("overlap", pa.float64()),
        ("geometry", pa.binary()),
        ("geometry_before", pa.binary()),
    ]
)
"""Columns of a change. `geometry` is the outline as it is now, or was where the building is shown no more;
`geometry_before` that before, where both are known, and `overlap` how much they share: their IoU where the id is the
same, else the share of the smaller one that both cover."""


@dataclass(frozen=True, slots=True)
class SceneChanges:
    """What changed in one partition.

    Attributes:
        scene: Its scene.
        rows: Of `CHANGE_SCHEMA`; what is gone may be uncovered.
        kept: How many buildings are as they were.
    """

    scene: str
    rows: pa.Table
    kept: int


class _Fit(NamedTuple):
    """How well a footprint goes with one before; the best is the least."""

    other_id: bool
    less: float
    id: str


@dataclass(slots=True)
class _Open:
    """A scene whose footprints may have moved to or from others that are still to come.

    Attributes:
        scene: It.
        bounds: Around what it showed, and shows.
        changed: Rows of what it shows with another outline.
        kept: How many footprints are as they were.
        new: What it shows now and did not before.
        gone: What it showed before and does not now.
        moved_away: (N,) which of `gone` another scene shows now.
        origins: What became of which footprint of `new`: how well they go together, and the row before.
    """

    scene: str
    bounds: Bounds
    changed: pa.Table
    kept: int
    new: pa.Table
    gone: pa.Table
    new_shapes: Geometries = field(init=False)
    gone_shapes: Geometries = field(init=False)
    moved_away: npt.NDArray[np.bool_] = field(init=False)
    origins: dict[int, tuple[_Fit, pa.Table]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.new_shapes, self.gone_shapes = geometries_of(self.new), geometries_of(self.gone)
        self.moved_away = np.zeros(self.gone.num_rows, np.bool_)

    def meets(self, other: _Open) -> bool:
        west, south, east, north = self.bounds
        return (
            west <= other.bounds[2]
            and other.bounds[0] <= east
            and south <= other.bounds[3]
            and other.bounds[1] <= north
        )

    def take_from(self, other: _Open) -> None:
        """Find buildings that another scene shows no more, and this one shows now; each has the best match's past."""
        pairs = matches(other.gone_shapes, self.new_shapes, Measure.OVERLAP)
        other.moved_away[pairs.first] = True
        ids, own = other.gone["id"].to_pylist(), self.new["id"].to_pylist()
        for before, now, score in zip(*(column.tolist() for column in pairs), strict=True):
            fit = _Fit(ids[before] != own[now], -score, ids[before])
            known = self.origins.get(now)
            if known is None or fit < known[0]:
                self.origins[now] = fit, other.gone.slice(before, 1)

    def closed(self) -> SceneChanges:
        is_new = np.ones(self.new.num_rows, np.bool_)
        is_new[[*self.origins]] = False
        changed, kept = _by_outline(*self._continued(other_id=False))
        now, before = self._continued(other_id=True)
        scores = np.array([-fit.less for fit, _ in self._origins_of(other_id=True).values()], np.float64)
        tables = [
            change_rows(ChangeKind.NEW, now=self.new.filter(pa.array(is_new))),
            change_rows(ChangeKind.MOVED, now, before, scores),
            self.changed,
            changed,
            change_rows(ChangeKind.GONE, before=self.gone.filter(pa.array(~self.moved_away))),
        ]
        return SceneChanges(self.scene, pa.concat_tables(tables), self.kept + kept)

    def _continued(self, other_id: bool) -> tuple[pa.Table, pa.Table]:
        """What other scenes showed before, under the same id or another one: now, and before."""
        origins = self._origins_of(other_id)
        before = [row for _, row in origins.values()] or [self.gone.slice(0, 0)]
        return self.new.take(pa.array([*origins], pa.int64())), pa.concat_tables(before)

    def _origins_of(self, other_id: bool) -> dict[int, tuple[_Fit, pa.Table]]:
        return {place: origin for place, origin in sorted(self.origins.items()) if origin[0].other_id is other_id}


class LayerComparison:
    """Compares old and new partitions, which come from west to east.

    Only what is new or gone is held, of the scenes that those still to come may overlap.
    """

    def __init__(self) -> None:
        self._open: list[_Open] = []

    def add(self, scene: str, bounds: Bounds, old: pa.Table | None, new: pa.Table | None) -> Iterator[SceneChanges]:
        """Take one partition as it was and as it is, each with `SHOWN_COLUMNS`; None for a missing one.

        Yields:
            What changed in scenes that no later one can meet.
        """
        entry = _compared(scene, flat(bounds), old, new)
        yield from self._closed(entry.bounds[0])
        for other in self._open:
            if entry.meets(other):
                entry.take_from(other)
                other.take_from(entry)
        self._open.append(entry)

    def end(self) -> Iterator[SceneChanges]:
        """What changed in all others; no more can be added."""
        yield from self._closed(np.inf)

    def _closed(self, west: float) -> Iterator[SceneChanges]:
        yield from (entry.closed() for entry in self._open if entry.bounds[2] < west)
        self._open = [entry for entry in self._open if entry.bounds[2] >= west]


def _compared(scene: str, bounds: Bounds, old: pa.Table | None, new: pa.Table | None) -> _Open:
    before, now = (_EMPTY if rows is None else rows for rows in (old, new))
    places = {name: place for place, name in enumerate(before["id"].to_pylist())}
    partners = np.array([places.get(name, -1) for name in now["id"].to_pylist()], np.int64)
    both = np.flatnonzero(partners >= 0)
    left = np.ones(before.num_rows, np.bool_)
    left[partners[both]] = False
    changed, kept = _by_outline(now.take(pa.array(both)), before.take(pa.array(partners[both])))
    return _Open(scene, bounds, changed, kept, now.filter(pa.array(partners < 0)), before.filter(pa.array(left)))


def _by_outline(now: pa.Table, before: pa.Table) -> tuple[pa.Table, int]:
    """Rows of the buildings whose outline is another now, and how many have about the same."""
    share = _shares(geometries_of(before), geometries_of(now))
    differs = share < UNCHANGED
    chosen = pa.array(differs)
    changed = change_rows(ChangeKind.CHANGED, now.filter(chosen), before.filter(chosen), share[differs])
    return changed, int(np.count_nonzero(~differs))


def _shares(before: Geometries, now: Geometries) -> npt.NDArray[np.float64]:
    """The IoU of outlines; those that are the same are not measured."""
    share = np.ones(len(before))
    other = ~shapely.equals_exact(before, now)
    share[other] = shares(before[other], now[other], Measure.IOU)
    return share


def change_rows(
    kind: ChangeKind,
    now: pa.Table | None = None,
    before: pa.Table | None = None,
    overlap: npt.NDArray[np.float64] | None = None,
) -> pa.Table:
    """Changes of one kind.

    Args:
        kind: Which.
        now: The buildings as they are, with `SHOWN_COLUMNS`; None where they are shown no more.
        before: As they were; None where they were not shown.
        overlap: How much both outlines share, where there are both.
    """
    shown = now if now is not None else before
    assert shown is not None
    count = shown.num_rows
    columns: dict[str, pa.Array | pa.ChunkedArray] = {"kind": pa.array([kind.value] * count, pa.string())}
    columns |= {
        name: pa.nulls(count, field.type)
        for name, field in zip(CHANGE_SCHEMA.names, CHANGE_SCHEMA, strict=True)
        if name not in columns
    }
    for name in SHOWN_COLUMNS:
        if now is not None:
            columns[name] = now[name]
        if before is not None:
            columns[f"{name}_before"] = before[name]
    columns["geometry"] = shown["geometry"]
    if now is None:
        columns["geometry_before"] = pa.nulls(count, pa.binary())
    if overlap is not None:
        columns["overlap"] = pa.array(np.round(overlap, 6))
    return pa.table([columns[name] for name in CHANGE_SCHEMA.names], schema=CHANGE_SCHEMA)


_EMPTY = pa.schema([*NOW, ("geometry", pa.binary())]).empty_table()
