"""Ids that stay: a building that is found again in a newer image, or by a newer model, keeps its id."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from components.core.collection.layer.matching import SAME, Matches, Measure, matches
from components.core.collection.layer.tables import read_footprints
from components.core.footprints.records import ID_CHARACTERS
from components.core.footprints.vector_files import geometries_of
from components.core.hashing import digest

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


def inherit_ids(new: pa.Table | Path | str, old: pa.Table | Path | str) -> Inherited:
    """Give newly detected footprints the ids of those that were found at their places before.

    Pairs are made by falling IoU from 0.5 on, each footprint once, ties by the ids. A new footprint without a partner
    keeps its own id, unless that was another building's before; then it gets one derived from it.

    Args:
        new: Footprints of a scene, or the URI of their file.
        old: Those of an earlier detection of the same scene, or the URI of their file.

    Returns:
        All columns of `new` with ids that are different from each other; and what has changed.

    Raises:
        DataError: If a file or a geometry cannot be read.
    """
    fresh, former = _rows(new), _rows(old)
    own, before = fresh["id"].to_pylist(), former["id"].to_pylist()
    pairs = _one_to_one(matches(geometries_of(fresh), geometries_of(former), Measure.IOU, SAME), own, before)
    heirs = {int(index): before[partner] for index, partner in zip(pairs.first, pairs.second, strict=True)}
    ids = pa.array(_all_ids(own, heirs, set(before)), pa.string())
    kept = int(np.count_nonzero(pairs.score >= UNCHANGED))
    change = Change(len(own) - len(heirs), len(before) - len(heirs), kept, len(heirs) - kept)
    return Inherited(fresh.set_column(fresh.schema.get_field_index("id"), fresh.schema.field("id"), ids), change)


def _rows(rows: pa.Table | Path | str) -> pa.Table:
    return rows if isinstance(rows, pa.Table) else read_footprints(str(rows))


def _one_to_one(found: Matches, own: list[str], before: list[str]) -> Matches:
    """The pairs that remain when the best are taken first and each footprint once."""
    pairs = zip(found.first.tolist(), found.second.tolist(), found.score.tolist(), range(len(found.first)), strict=True)
    taken: set[int] = set()
    taken_before: set[int] = set()
    chosen = []
    for first, second, _, index in sorted(pairs, key=lambda pair: (-pair[2], before[pair[1]], own[pair[0]], pair[:2])):
        if first not in taken and second not in taken_before:
            taken.add(first)
            taken_before.add(second)
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
