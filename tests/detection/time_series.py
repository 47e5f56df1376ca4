"""A town that grows, captured every month, and what a collection makes of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from components.core import storage
from components.core.collection.layer.tables import FOOTPRINTS_FILE, read_footprints
from components.core.collection.ledger import Collection
from components.core.footprints.geography import WGS84, reprojected
from components.core.footprints.vector_files import geometries_of
from components.core.geometry import Size
from tests.builders import write_tiled
from tests.detection.detecting import CRS, PLACE, Box, Detection, town
from tests.detection.scot import Frame

LOT_PX = 48
BEGUN, PULLED_DOWN = 0.6, 0.05


@dataclass(frozen=True)
class Capture:
    """One month.

    Attributes:
        day: Of capture.
        there: Boxes of the buildings by their names, as they are.
        drawn: Boxes of what the image shows.
    """

    day: str
    there: dict[str, Box]
    drawn: list[Box]


def captures(months: int, side_px: int, *, shift_px: int = 0, missed: float = 0.0, seed: int = 0) -> list[Capture]:
    """A series.

    Args:
        months: How many captures.
        side_px: Of the image.
        shift_px: How far an image may lie beside its place, and how far the walls in it.
        missed: Share of the buildings that an image does not show.
        seed: Of all chance.
    """
    chance = random.Random(seed)
    lots = [
        (top, left) for top in range(0, side_px - LOT_PX + 1, LOT_PX) for left in range(0, side_px - LOT_PX + 1, LOT_PX)
    ]
    town_plan = {}
    for number, (top, left) in enumerate(lots):
        height, width = (chance.randint(14, LOT_PX - 16) for _ in range(2))
        first = 0 if chance.random() < BEGUN else chance.randint(1, months)
        last = chance.randint(first + 1, months) if chance.random() < PULLED_DOWN else months
        town_plan[str(number)] = (top + 8, left + 8, height, width), first, last
    found = []
    for month in range(months):
        there = {name: box for name, (box, first, last) in town_plan.items() if first <= month < last}
        moved = [chance.randint(-shift_px, shift_px) for _ in range(2)]
        drawn = []
        for top, left, height, width in there.values():
            walls = [chance.randint(-shift_px, shift_px) // 2 for _ in range(2)]
            if chance.random() >= missed:
                drawn.append((top + moved[0], left + moved[1], height + walls[0], width + walls[1]))
        found.append(Capture(f"{2020 + month // 12}-{month % 12 + 1:02}-15", there, drawn))
    return found


def detect_each(detection: Detection, series: Sequence[Capture], side_px: int) -> None:
    """Have a collection see one capture after the other, each an image of its own."""
    for capture in series:
        write_tiled(
            Path(detection.images) / f"town_{capture.day}.tif",
            town(Size(side_px, side_px), *capture.drawn),
            crs=CRS,
            transform=PLACE,
        )
        detection.run()


def true_frames(series: Sequence[Capture]) -> list[Frame]:
    """The buildings of each capture, in WGS 84."""
    return [{name: _on_map(box) for name, box in capture.there.items()} for capture in series]


def _on_map(box: Box) -> shapely.Geometry:
    top, left, height, width = box
    corners = [PLACE @ corner for corner in ((left, top), (left + width, top + height))]
    placed = np.array([shapely.box(*corners[0], *corners[1])], dtype=object)
    return reprojected(placed, CRS, WGS84)[0]


def found_frames(detection: Detection, series: Sequence[Capture]) -> list[Frame]:
    """What the collection has of each capture."""
    collection = Collection(detection.output)
    frames: dict[str, Frame] = {}
    for mark in collection.marks():
        rows = read_footprints(storage.join_uri(collection.scene_folder(mark), FOOTPRINTS_FILE))
        day = collection.read(mark).captured
        frames[day] = dict(zip(rows["id"].to_pylist(), geometries_of(rows), strict=True))
    return [frames[capture.day] for capture in series]
