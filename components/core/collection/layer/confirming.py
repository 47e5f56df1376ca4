"""Changes that count only when later captures agree: a building is shown, or no more, once k of the next n say so.

The first capture of a place is where it begins: what it shows is shown. From then on a capture that says otherwise than
what holds is a change that counts if k of the n captures after it, of those that show the place, say the same. Until so
many agree, what held goes on to hold. So one image in which a building is hidden, or one in which a lorry looks like
one, changes nothing. Scenes of one moment are one capture; so are all of unknown moments.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.collection.coverage import scene_ground
from components.core.collection.layer.duplicates import Shown
from components.core.collection.layer.lru_cache import RecentlyRead
from components.core.collection.layer.partitions import footprints_uri
from components.core.collection.layer.scenes import LayerScene, Overlaps, moment_of
from components.core.collection.layer.sightings import FIRST_SEEN, LAST_SEEN, sightings_of
from components.core.collection.layer.tables import read_footprints
from components.core.collection.ledger import Collection
from components.core.errors import ConfigError
from components.core.footprints.geography import Geometries, fixed
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import geometries_of

MOST_CAPTURES = 100
KEPT_GROUNDS = 1000
COLUMNS = (FIRST_SEEN, LAST_SEEN, GEOMETRY)

_TEXT = re.compile(r"\s*(\d{1,4})\s+of\s+(\d{1,4})\s*")

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many of the next captures have to agree.

    Attributes:
        least: So many, 1 or more.
        of: Of so many.
    """

    least: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Confirmation | None:
        """From text such as "2 of 3"; None for empty text.

        Raises:
            ConfigError: If it is something else.
        """
        if not text.strip():
            return None
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ConfigError(
                f"confirm: {text!r} does not say how many of the next captures have to agree; give it as 2 of 3, or "
                "leave it empty for changes that count at once"
            )
        least, of = map(int, found.groups())
        if not 1 <= least <= of <= MOST_CAPTURES:
            raise ConfigError(
                f"confirm: {text!r} asks for {least} of the next {of} captures; the first is from 1 to the second, and "
                f"that at most {MOST_CAPTURES}"
            )
        return cls(least, of)

    def __str__(self) -> str:
        return f"{self.least} of {self.of}"

    def holds(self, seen: Sequence[bool]) -> bool:
        """Whether a building is shown after some captures of its place, oldest first, one at least."""
        state = seen[0]
        for number, says in enumerate(seen):
            if says != state and sum(later == says for later in seen[number + 1 : number + 1 + self.of]) >= self.least:
                state = says
        return state


class Confirming:
    """Finds the footprints that are not shown, as too few captures agree with their own, or too many have not."""

    def __init__(self, collection: Collection, scenes: Mapping[str, LayerScene], confirmation: Confirmation) -> None:
        """Of a layer's scenes."""
        self._collection = collection
        self._scenes = scenes
        self._confirmation = confirmation
        self._ground = RecentlyRead(self._read_ground, lambda _: 1, KEPT_GROUNDS)

    @cached_property
    def _overlaps(self) -> Overlaps:
        return Overlaps(self._scenes)

    def around(self, scenes: Iterable[str], areas: Iterable[tuple[float, float, float, float]]) -> set[str]:
        """The scenes for which a change of some, or of what lay in some areas, may matter."""
        found = set(scenes)
        for name in tuple(found):
            found.update(self._overlaps.neighbours(name))
        for area in areas:
            found.update(self._overlaps.near(area))
        return found

    def withheld(self, name: str, decided: Shown) -> tuple[int, ...]:
        """Places of footprints in the table of a scene, ascending; of those that it does not leave to others.

        Raises:
            DataError: If the scene's files are broken.
            StorageError: If they cannot be read.
        """
        others = self._overlaps.neighbours(name)
        own = self._scenes[name].moment
        if all(self._scenes[other].moment == own for other in others):
            return ()
        table = read_footprints(footprints_uri(self._collection, self._scenes[name]), COLUMNS)
        alive = np.ones(table.num_rows, np.bool_)
        alive[decided.dropped.rows] = False
        rows = np.flatnonzero(alive)
        chosen = table.take(pa.array(rows))
        looked = self._captures(geometries_of(chosen), [name, *others])
        found = []
        for row, sighting, moments in zip(rows.tolist(), sightings_of(chosen), looked, strict=True):
            said = decided.sightings.by_row.get(row, sighting)
            days = {own, *map(moment_of, said.days)}
            captures = sorted(moments | days)
            if not self._confirmation.holds([moment in days for moment in captures]):
                found.append(row)
        return tuple(found)

    def _captures(self, shapes: Geometries, scenes: Sequence[str]) -> list[set[float]]:
        """The moments at which a point within each of some polygons was looked at."""
        found: list[set[float]] = [set() for _ in range(len(shapes))]
        points = shapely.point_on_surface(shapes)
        for scene in scenes:
            ground = self._ground(scene)
            if ground is not None:
                for index in np.flatnonzero(shapely.covers(ground, points)).tolist():
                    found[index].add(self._scenes[scene].moment)
        return found

    def _read_ground(self, scene: str) -> shapely.Geometry | None:
        ground = scene_ground(self._collection, self._scenes[scene].mark)
        if ground is None:
            return None
        (valid,) = fixed(np.array([ground], dtype=object))
        shapely.prepare(valid)
        return valid
