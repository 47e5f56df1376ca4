"""Footprints that the layer shows at a place, for scenes that show it again."""

from __future__ import annotations

import logging
import math
from functools import cached_property

import pyarrow as pa
import shapely

from components.core.collection.layer.candidates import KEPT_FOOTPRINTS
from components.core.collection.layer.index import Bounds, CollectionLayer, Partition, layer_or_none
from components.core.collection.layer.lru_cache import RecentlyRead
from components.core.collection.layer.partitions import LostPartitionError, read_alive
from components.core.collection.layer.scenes import LayerScene, Overlaps, within
from components.core.collection.layer.sightings import FIRST_SEEN
from components.core.collection.layer.tables import read_columns
from components.core.collection.ledger import Collection
from components.core.errors import DataError, StorageError
from components.core.footprints.records import GEOMETRY
from components.core.footprints.vector_files import geometries_of

log = logging.getLogger(__name__)

SCHEMA = pa.schema([("id", pa.string()), (FIRST_SEEN, pa.string()), (GEOMETRY, pa.binary())])


class ShownFootprints:
    """Asks the layer as it is when a process asks it first; picklable, without what was read."""

    def __init__(self, collection: Collection) -> None:
        """Of a collection, which need not have a layer."""
        self._collection = collection

    def __getstate__(self) -> dict[str, object]:
        return {"_collection": self._collection}

    @cached_property
    def _layer(self) -> CollectionLayer:
        return layer_or_none(self._collection) or CollectionLayer()

    @cached_property
    def _overlaps(self) -> Overlaps:
        parts = (part for part in self._layer.parts if part.footprints or part.joins or part.withheld)
        return Overlaps({part.scene: LayerScene.of(part) for part in parts})

    def near(self, bounds: Bounds, but: str) -> pa.Table:
        """What other scenes show on some ground, joined buildings whole and in parts, and what they withhold.

        What cannot be read is left out, since it is the layer's next update that mends it.

        Args:
            bounds: The ground.
            but: The scene that is not asked for.

        Returns:
            Table of `SCHEMA`.
        """
        found = [self._rows(name) for name in self._overlaps.near(bounds) if name != but]
        rows = pa.concat_tables([SCHEMA.empty_table(), *found])
        return rows.filter(pa.array(within(shapely.bounds(geometries_of(rows)), [bounds])))

    @cached_property
    def _rows(self) -> RecentlyRead[pa.Table]:
        return RecentlyRead(self._read, lambda rows: int(rows.num_rows), KEPT_FOOTPRINTS)

    def _read(self, name: str) -> pa.Table:
        part = self._layer.partitions[name]
        try:
            return self._shown(part)
        except (LostPartitionError, DataError, StorageError) as error:
            log.warning("%s: no id is taken over from this scene: %s", part.scene, error)
            return SCHEMA.empty_table()

    def _shown(self, part: Partition) -> pa.Table:
        alive = read_alive(self._collection, LayerScene.of(part), part, math.inf)
        rows = alive.sightings.told(alive.table, alive.rows).select(SCHEMA.names).cast(SCHEMA)
        return pa.concat_tables([rows, self._whole(part)]) if part.joined else rows

    def _whole(self, part: Partition) -> pa.Table:
        """The buildings that a scene shows, those that it shows of several tiles among them, whole."""
        place = self._collection.partition(part.scene)
        try:
            return read_columns(place, SCHEMA.names).cast(SCHEMA)
        except (pa.ArrowException, ValueError) as error:
            raise LostPartitionError(part.scene, str(error)) from error
