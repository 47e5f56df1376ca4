"""Plans without imagery, for tests of what publishing makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.core.collection.plan import DetectionReason, DetectionSettings, Plan, PlannedScene, ShardRows
from components.core.geometry import Size

SIZE = Size(1000, 40)
RECIPE = "5e771e"


def planned(name: str, **changes: Any) -> PlannedScene:
    """A scene of 1000×40 px for one shard."""
    made = PlannedScene(
        id=f"{name}-1d",
        key=f"2026/{name}.tif",
        uri=f"s3://imagery/2026/{name}.tif",
        etag="e",
        size_bytes=9,
        version="ab",
        size=SIZE,
        crs="EPSG:32633",
        captured="",
        why=DetectionReason.NEW,
        parts=(ShardRows(1, 0, SIZE.height),),
    )
    return replace(made, **changes)


def plan(*scenes: PlannedScene, **changes: Any) -> Plan:
    """A plan of some scenes."""
    made = Plan("s3://imagery", "s3://out", "s3://model", "feed" * 16, RECIPE, DetectionSettings(""), scenes, 1)
    return replace(made, **changes)
