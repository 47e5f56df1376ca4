"""Ids that stay: a building that is found again in a newer image, or by a newer model, keeps its id.

That holds for another detection of the same scene, and for one of another scene whose building the layer shows, such as
a later capture of the same ground that is a file of its own. With its id it keeps the day on which it was seen first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.core.collection.layer.matching import SAME, Matches, Measure, matches, shares
from components.core.collection.layer.registration import Shift, common_shift
from components.core.collection.layer.sightings import FIRST_SEEN, Sighting, sightings_of, with_sightings
from components.core.collection.layer.tables import read_footprints
from components.core.footprints.records import ID_CHARACTERS
from components.core.footprints.vector_files import geometries_of
from components.core.hashing import digest

MORE_THAN_HALF = float(np.nextafter(SAME, 1))
"""The least IoU of a building with itself; what lies beside each other never both has it with the same footprint."""

UNCHANGED = 0.9
"""A building whose outlines have a smaller IoU has changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the buildings of a scene, or of the layer.

    Attributes:
        new: Found now, and not before.
        gone: Found before, and not now.
        kept: Found both times with about the same outline.
        changed: Found both times with outlines whose IoU is below `UNCHANGED`.
        uncovered: Found before, where nobody looked now.
    """

    new: int = 0
    gone: int = 0
    kept: int = 0
    changed: int = 0
    uncovered: int = 0

    def __add__(self, other: Change) -> Change:
        return Change(
            self.new + other.new,
            self.gone + other.gone,
            self.kept + other.kept,
            self.changed + other.changed,
            self.uncovered + other.uncovered,
        )


@dataclass(frozen=True, slots=True)
class WrittenChanges:
    """What became of the layer's buildings, as a run wrote it down.

    Attributes:
        change: How many buildings of each kind.
        files: URIs of the files; none where all buildings are as they were.
    """

    change: Change = field(default_factory=Change)
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inherited:
    """Footprints with the ids of those they continue.

    Attributes:
        rows: The new footprints, in their order.
        change: Against the old ones.
    """

    rows: pa.Table
    change: Change


def inherit_ids(new: pa.Table | Path | str, old: pa.Table | Path | str, shown: pa.Table | None = None) -> Inherited:
    """Give newly detected footprints the ids of those that were found at their places before.

    Pairs are made by falling IoU from above 0.5 on, each footprint once, ties by the ids; where all lie off as a whole,
    their IoU is taken as if they did not. A new footprint without a
    partner keeps its own id, unless that was another building's before; then it gets one derived from it.

    Args:
        new: Footprints of a scene, or the URI of their file.
        old: Those of an earlier detection of the same scene, or the URI of their file; none where there was none.
        shown: Those of other scenes that the layer shows there; where one has the id of an old one, it counts alone.

    Returns:
        All columns of `new` with ids that are different from each other, and the first sightings; and what has changed
        against `old`.

    Raises:
        DataError: If a file or a geometry cannot be read.
    """
    fresh, former = _rows(new), _rows(old)
    known = [former] if shown is None else [_without(former, shown["id"].to_pylist()), shown]
    shift = common_shift(geometries_of(fresh), np.concatenate([geometries_of(rows) for rows in known]))
    change = _change(_pairs(fresh, former, shift), fresh, former)
    before: dict[int, Sighting] = {}
    heirs: dict[int, str] = {}
    for rows in known:
        free = _without(rows, heirs.values())
        alone = np.setdiff1d(np.arange(fresh.num_rows), np.array([*heirs], np.int64))
        pairs = _pairs(fresh.take(pa.array(alone)), free, shift)
        partners = pairs.second.tolist()
        heirs |= dict(zip(alone[pairs.first].tolist(), _chosen(free["id"], partners), strict=True))
        days = [Sighting.of(day, day) for day in _chosen(free[FIRST_SEEN], partners)]
        before |= dict(zip(alone[pairs.first].tolist(), days, strict=True))
    taken = {str(name) for rows in known for name in rows["id"].to_pylist()}
    ids = _all_ids(fresh["id"].to_pylist(), heirs, taken)
    seen = sightings_of(fresh)
    for index, sighting in before.items():
        seen[index] = seen[index]._replace(first=seen[index].and_of(sighting).first)
    place = fresh.schema.get_field_index("id")
    named = fresh.set_column(place, fresh.schema.field(place), pa.array(ids, pa.string()))
    return Inherited(with_sightings(named, seen), change)


def _without(rows: pa.Table, ids: Iterable[str]) -> pa.Table:
    return rows.filter(pc.invert(pc.is_in(rows["id"], pa.array(list(ids), pa.string()))))


def _chosen(column: pa.ChunkedArray, places: list[int]) -> list[str]:
    values: list[str] = column.take(pa.array(places, pa.int64())).to_pylist()
    return values


def _pairs(fresh: pa.Table, former: pa.Table, shift: Shift) -> Matches:
    found = matches(shift.back(geometries_of(fresh)), geometries_of(former), Measure.IOU, MORE_THAN_HALF)
    return _one_to_one(found, fresh["id"].to_pylist(), former["id"].to_pylist())


def _change(pairs: Matches, fresh: pa.Table, former: pa.Table) -> Change:
    score = shares(geometries_of(fresh)[pairs.first], geometries_of(former)[pairs.second], Measure.IOU)
    kept = int(np.count_nonzero(score >= UNCHANGED))
    both = len(pairs.first)
    return Change(fresh.num_rows - both, former.num_rows - both, kept, both - kept)


def _rows(rows: pa.Table | Path | str) -> pa.Table:
    return rows if isinstance(rows, pa.Table) else read_footprints(str(rows))


def _one_to_one(found: Matches, own: list[str], before: list[str]) -> Matches:
    """The pairs that remain when the best are taken first and each footprint once."""
    pairs = zip(found.first.tolist(), found.second.tolist(), found.score.tolist(), range(len(found.first)), strict=True)
    taken: set[int] = set()
    taken_before: set[str] = set()
    chosen = []
    for first, second, _, index in sorted(pairs, key=lambda pair: (-pair[2], before[pair[1]], own[pair[0]], pair[:2])):
        if first not in taken and before[second] not in taken_before:
            taken.add(first)
            taken_before.add(before[second])
            chosen.append(index)
    order = np.array(chosen, np.int64)
    return Matches(found.first[order], found.second[order], found.score[order])


def _all_ids(own: list[str], heirs: dict[int, str], taken: set[str]) -> list[str]:
    """Inherited ids where there are any, else free ones."""
    ids = []
    for index, name in enumerate(own):
        if index in heirs:
            ids.append(heirs[index])
            continue
        candidate, number = name, 0
        while candidate in taken:
            number += 1
            candidate = digest(name, str(number))[:ID_CHARACTERS]
        taken.add(candidate)
        ids.append(candidate)
    return ids
