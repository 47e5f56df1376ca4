"""Scenes that are done, for tests of what is said of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from affine import Affine
from pyproj import Transformer

from components.core.collection.ledger import Mark, SceneRecord
from components.core.collection.stac import MaskClass

MARK = Mark("austin7-0123456789", "abcdef012345", "543210fedcba")
MODEL = "feed" * 16
TRANSFORM = Affine(0.3, 0, 600_000, 0, -0.3, 5_300_000)
DETECTED = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
CLASSES = (MaskClass(0, "bg", "#000000"), MaskClass(1, "Gebäude (neu)", "#56e236"))
UTM33 = Transformer.from_crs("EPSG:32633", "EPSG:4326", always_xy=True)


def record(**changes: Any) -> SceneRecord:
    """A scene of 500×1000 px of 0.3 m in UTM zone 33N."""
    made = SceneRecord(
        key="2026/austin7.tif",
        uri="s3://imagery/2026/austin7.tif",
        etag="e",
        size_bytes=9,
        height=500,
        width=1000,
        crs="EPSG:32633",
        captured="2026-05-01",
        model=MODEL,
        footprints=12,
        area_m2=3456.7,
        bounds=UTM33.transform_bounds(600_000, 5_299_850, 600_300, 5_300_000),
        files={"mask": "mask.tif", "confidence": "confidence.tif", "footprints": "footprints.parquet"},
    )
    return replace(made, **changes)
