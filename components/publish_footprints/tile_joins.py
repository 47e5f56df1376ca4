"""Footprints that wait for the scenes beside their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.core.footprints.records import OUTLINE
from components.core.footprints.tile_joins import CutFootprints, buildings, joined_rows
from components.core.footprints.tiles import Seam, Tile
from components.core.footprints.vectorize import BATCH_OBJECTS
from components.publish_footprints.layers import LayerWriter
from components.publish_footprints.records import SceneRows


class TileJoiner:
    """Holds back what touches the border of a scene that others meet, and gives it joined in the end.

    Attributes:
        count: How many buildings were joined.
    """

    def __init__(self, tiles: Mapping[str, Tile], borders: Sequence[Seam], crs: str, min_area_m2: float) -> None:
        self.count = 0
        self._min_area_m2 = min_area_m2
        self._tiles = tiles
        self._seams = borders
        self._crs = crs
        self._with_seam = {name for seam in borders for name in (seam.first, seam.second)}
        self._halves: dict[str, CutFootprints] = {}
        self._fragments: dict[str, int] = {}

    def taken(self, scene: SceneRows) -> pa.Table:
        """The rows of a scene that need not wait."""
        if scene.source not in self._with_seam or not scene.on_map:
            return scene.rows
        at_border = pc.is_valid(scene.outlines)
        rows = scene.rows.append_column(OUTLINE, scene.outlines).filter(at_border)
        halves = pa.concat_tables([rows, scene.fragments.select(rows.column_names)]).combine_chunks()
        tile = self._tiles[scene.source]
        self._halves[scene.source] = CutFootprints(halves, tile, scene.drawing, self._crs, self._min_area_m2)
        self._fragments[scene.source] = scene.fragments.num_rows
        return scene.rows.filter(pc.invert(at_border))

    def end(self, layers: dict[bool, LayerWriter]) -> None:
        """Add what has waited."""
        found = buildings(self._halves, self._seams)
        self.count = len(found)
        joined: defaultdict[str, list[int]] = defaultdict(list)
        for half in (half for building in found for half in building.halves):
            joined[half.tile].append(half.row)
        for name, halves in sorted(self._halves.items()):
            alone = np.arange(halves.rows.num_rows) < halves.rows.num_rows - self._fragments[name]
            alone[joined[name]] = False
            layers[True].add(halves.rows.drop_columns([OUTLINE]).filter(pa.array(alone)))
        for start in range(0, len(found), BATCH_OBJECTS):
            layers[True].add(joined_rows(found[start : start + BATCH_OBJECTS], self._halves))
