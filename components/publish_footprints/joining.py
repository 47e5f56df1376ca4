"""Footprints that wait for the scenes beside their own."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from components.core.footprints.tiles import Halves, Seam, joined
from components.publish_footprints.layers import LayerWriter
from components.publish_footprints.records import SceneRows


class Joiner:
    """Holds back what touches the border of a scene that others meet, and gives it joined in the end.

    Attributes:
        count: How many buildings were joined.
    """

    def __init__(self, seams: Sequence[Seam], crs: str) -> None:
        self.count = 0
        self._seams = seams
        self._crs = crs
        self._with_seam = {name for seam in seams for name in (seam.first, seam.second)}
        self._halves: dict[str, Halves] = {}

    def taken(self, scene: SceneRows) -> pa.Table:
        """The rows of a scene that need not wait."""
        if scene.source not in self._with_seam or not scene.on_map:
            return scene.rows
        self._halves[scene.source] = Halves(scene.rows.filter(scene.at_border), scene.tolerance_px)
        return scene.rows.filter(pc.invert(scene.at_border))

    def end(self, layers: dict[bool, LayerWriter]) -> None:
        """Add what has waited."""
        rows, self.count = joined(self._halves, self._seams, self._crs)
        if rows is not None:
            layers[True].add(rows)
