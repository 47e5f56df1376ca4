"""Which footprints are not shown, as too few captures of their place agree; see `Confirmation`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from components.core.collection.confirmation import Confirmation
from components.core.collection.coverage import scene_ground
from components.core.collection.layer.duplicates import Shown
from components.core.collection.layer.lru_cache import RecentlyRead
from components.core.collection.layer.partitions import footprints_uri
from components.core.collection.layer.scenes import LayerScene, Overlaps, moment_of
from components.core.collection.layer.sightings import FIRST_SEEN, LAST_SEEN, sightings_of
from components.core.collection.layer.tables import read_footprints
from components.core.collection.ledger import Collection
from components.core.footprints.geography import Geometries, fixed
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import geometries_of

KEPT_GROUNDS = 1000
COLUMNS = (FIRST_SEEN, LAST_SEEN, GEOMETRY)

Indices = npt.NDArray[np.int64]


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
