"""What other scenes say of the footprints of one: since when and until when they show the same building.

It follows from the choice among duplicates. Where a footprint is dropped for another, that one has the first of both
first sightings from then on, and the last of both last ones; kept with the scene's part of the layer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.core.collection.layer.scenes import moment_of
from components.core.footprints.records import ID_CHARACTERS
from components.core.hashing import digest
from components.core.json_text import parse_json

FIRST_SEEN, LAST_SEEN = "first_seen", "last_seen"

DIGEST_CHARACTERS = 16

Indices = npt.NDArray[np.int64]


class Sighting(NamedTuple):
    """When a building was seen.

    Attributes:
        first: Day or time of the first capture in ISO 8601; empty where it is not known.
        last: Of the last one.
        is_renamed: Whether another scene shows another building under its id, for which it gives that up.
        days: Of all captures that show it, as far as they are known, in time.
    """

    first: str
    last: str
    is_renamed: bool = False
    days: tuple[str, ...] = ()

    @classmethod
    def of(cls, first: str | None, last: str | None) -> Sighting:
        """From the first and the last day; None or empty where one is not known."""
        days = sorted({first or "", last or ""}, key=_in_time)
        return cls(first or "", last or "", days=tuple(days))

    def and_of(self, other: Sighting) -> Sighting:
        """When one or the other was seen; an unknown day is before all others."""
        first = min(self.first, other.first, key=_in_time)
        days = tuple(sorted({*self.days, *other.days}, key=_in_time))
        return self._replace(first=first, last=max(self.last, other.last, key=_in_time), days=days)


def _in_time(captured: str) -> tuple[float, str]:
    return moment_of(captured), captured


@dataclass(frozen=True)
class Sightings:
    """Those of a scene's footprints of which other scenes say something.

    Attributes:
        by_row: By place in the scene's table.
    """

    by_row: Mapping[int, Sighting]

    @cached_property
    def digest(self) -> str:
        """Of all of it; empty where there is none."""
        return digest(self.as_json())[:DIGEST_CHARACTERS] if self.by_row else ""

    def as_json(self) -> str:
        """A list of [first, last, whether it is renamed, days, rows], by these."""
        rows: dict[Sighting, list[int]] = {}
        for row in sorted(self.by_row):
            rows.setdefault(self.by_row[row], []).append(row)
        return json.dumps([[*sighting, rows[sighting]] for sighting in sorted(rows)], separators=(",", ":"))

    @classmethod
    def of_json(cls, text: str | bytes) -> Sightings:
        """From what `as_json` gives.

        Raises:
            ValueError: If it is anything else.
        """
        try:
            return cls(
                {
                    int(row): Sighting(str(first), str(last), bool(is_renamed), tuple(map(str, days)))
                    for first, last, is_renamed, days, rows in parse_json(text)
                    for row in rows
                }
            )
        except TypeError as error:
            raise ValueError(f"is not a list of sightings ({error})") from error

    def told(self, table: pa.Table, places: Indices) -> pa.Table:
        """Footprints with what is said of them.

        Args:
            table: N of them, with the columns id, source, first_seen and last_seen.
            places: (N,) their places in the scene's table.
        """
        rows = {index: self.by_row[place] for index, place in enumerate(places.tolist()) if place in self.by_row}
        if not rows:
            return table
        ids, sources = table["id"].to_pylist(), table["source"].to_pylist()
        for index, sighting in rows.items():
            if sighting.is_renamed:
                ids[index] = digest(str(ids[index]), str(sources[index]))[:ID_CHARACTERS]
        seen = [rows.get(index) or sighting for index, sighting in enumerate(sightings_of(table))]
        return with_sightings(_with_column(table, "id", ids), seen)


UNSEEN = Sightings({})


def sightings_of(table: pa.Table) -> list[Sighting]:
    """When each footprint was seen."""
    days = zip(table[FIRST_SEEN].to_pylist(), table[LAST_SEEN].to_pylist(), strict=True)
    return [Sighting.of(first, last) for first, last in days]


def with_sightings(table: pa.Table, seen: Sequence[Sighting]) -> pa.Table:
    """Footprints with when each was seen."""
    table = _with_column(table, FIRST_SEEN, [sighting.first or None for sighting in seen])
    return _with_column(table, LAST_SEEN, [sighting.last or None for sighting in seen])


def _with_column(table: pa.Table, name: str, values: Sequence[str | None]) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values, pa.string()))
