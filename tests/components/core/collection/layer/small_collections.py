"""Collections of small scenes for tests: real files, written as a finished scene has them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from components.core import storage
from components.core.collection.changes import write_changes
from components.core.collection.coverage import update_coverage
from components.core.collection.layer.ids import Change
from components.core.collection.layer.index import mark_of, read_layer
from components.core.collection.layer.tables import FOOTPRINT_SCHEMA, FOOTPRINTS_FILE, SCENE_SCHEMA, scene_bytes
from components.core.collection.ledger import Collection, Mark, SceneRecord
from components.core.footprints.records import OUTLINE

UNIT = 1e-4
"""Degrees of one unit of the tests' coordinates; about 11 m."""

UNIT_PX = 10
"""Pixels of one unit."""

WEST, SOUTH = 16.0, 48.0


@dataclass(frozen=True)
class Building:
    """A footprint: a box in units from the corner of the test's ground."""

    id: str
    x: float
    y: float
    width: float = 1.0
    height: float = 1.0
    touches_edge: bool = False
    confidence: float | None = 0.5


@dataclass(frozen=True)
class SmallScene:
    """A scene: its bounds in units, what it shows, and whether its marker says where its pixels lie.

    Of buildings below the least area its file has those that touch its border, as fragments.
    """

    id: str
    x: float
    y: float
    width: float
    height: float
    buildings: tuple[Building, ...]
    captured: str = ""
    version: str = "aa"
    is_placed: bool = True
    min_area_m2: float = 0.0

    @property
    def mark(self) -> Mark:
        return Mark(self.id, self.version, "bb")

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        return degrees(self.x, self.y, self.width, self.height)


def degrees(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    """A box in units as west, south, east, north."""
    return WEST + UNIT * x, SOUTH + UNIT * y, WEST + UNIT * (x + width), SOUTH + UNIT * (y + height)


def rows_of(buildings: Sequence[Building], source: str = "town.tif", captured: str = "") -> pa.Table:
    """Footprints as a scene's file has them."""
    boxes = np.array([degrees(each.x, each.y, each.width, each.height) for each in buildings]).reshape(-1, 4)
    columns: dict[str, Any] = {
        "id": [each.id for each in buildings],
        "class": ["building"] * len(buildings),
        "area_m2": [100.0 * each.width * each.height for each in buildings],
        "area_px": [int(100 * each.width * each.height) for each in buildings],
        "confidence": [each.confidence for each in buildings],
        "status": ["regular"] * len(buildings),
        "source": [source] * len(buildings),
        **{name: [captured or None] * len(buildings) for name in ("captured", "first_seen", "last_seen")},
        "model": ["0123456789ab"] * len(buildings),
        "touches_edge": [each.touches_edge for each in buildings],
        "geometry": shapely.to_wkb(shapely.box(*boxes.T)).tolist(),
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in FOOTPRINT_SCHEMA], schema=FOOTPRINT_SCHEMA)


def scene_rows(scene: SmallScene, buildings: Sequence[Building]) -> pa.Table:
    """Rows of a scene's file: some footprints, and the exact outlines of those that touch its border."""
    top = scene.y + scene.height
    boxes = np.array(
        [(each.x - scene.x, top - each.y - each.height, each.width, each.height) for each in buildings]
    ).reshape(-1, 4)
    low, high = np.round(UNIT_PX * boxes[:, :2]), np.round(UNIT_PX * (boxes[:, :2] + boxes[:, 2:]))
    shapes = shapely.to_wkb(shapely.box(*low.T, *high.T)).tolist()
    outlines = [shape if each.touches_edge else None for shape, each in zip(shapes, buildings, strict=True)]
    rows = rows_of(buildings, f"{scene.id}.tif", scene.captured).append_column(OUTLINE, pa.array(outlines, pa.binary()))
    return rows.select(SCENE_SCHEMA.names)


def finish(collection: Collection, scene: SmallScene) -> Mark:
    """Add a finished scene: its footprints, then its marker."""
    small = [100 * each.width * each.height < scene.min_area_m2 for each in scene.buildings]
    rows = scene_rows(scene, [each for each, is_small in zip(scene.buildings, small, strict=True) if not is_small])
    cut = [each for each, is_small in zip(scene.buildings, small, strict=True) if is_small and each.touches_edge]
    place = storage.join_uri(collection.scene_folder(scene.mark), FOOTPRINTS_FILE)
    storage.write_bytes(place, scene_bytes(rows, scene_rows(scene, cut)))
    record = SceneRecord(
        key=f"{scene.id}.tif",
        uri=f"/imagery/{scene.id}.tif",
        etag=scene.version,
        size_bytes=1,
        height=round(scene.height * UNIT_PX),
        width=round(scene.width * UNIT_PX),
        crs="EPSG:4326",
        captured=scene.captured,
        model="ab" * 32,
        footprints=rows.num_rows,
        area_m2=100.0,
        bounds=scene.bounds,
        files={"footprints": FOOTPRINTS_FILE},
        transform=(UNIT / UNIT_PX, 0.0, scene.bounds[0], 0.0, -UNIT / UNIT_PX, scene.bounds[3])
        if scene.is_placed
        else None,
        regularise=False,
        min_area_m2=scene.min_area_m2,
    )
    collection.finish(scene.mark, record)
    return scene.mark


def finish_all(collection: Collection, scenes: Iterable[SmallScene]) -> None:
    """Have the ledger hold these scenes and no others."""
    wanted = {scene.mark: scene for scene in scenes}
    there = set(collection.marks())
    for mark in there - set(wanted):
        collection.retire(mark)
    for mark in sorted(set(wanted) - there):
        finish(collection, wanted[mark])


def told(collection: Collection) -> Change:
    """What changed since it was told the last time; the layer is up to date."""
    layer = read_layer(collection)
    assert layer is not None
    coverage = update_coverage(collection, [mark_of(part.mark) for part in layer.parts])
    return write_changes(collection, coverage).change


@contextmanager
def opened_files(folder: Path) -> Iterator[list[str]]:
    """The files below a folder that this process opens in the block, each time that it does."""
    opened: list[str] = []
    listens = True

    def listen(name: str, arguments: tuple[object, ...]) -> None:
        if listens and name == "open" and str(arguments[0]).startswith(f"{folder}/"):
            opened.append(str(arguments[0]))

    sys.addaudithook(listen)
    try:
        yield opened
    finally:
        listens = False  # a hook stays for good


def layer_files(collection: Collection) -> dict[str, bytes]:
    """What the layer is made of, by name."""
    found = [found.uri for found in storage.list_objects(collection.place("layer"))]
    return {storage.name_of(uri): storage.read_bytes(uri) for uri in [*found, collection.place("layer.json")]}
