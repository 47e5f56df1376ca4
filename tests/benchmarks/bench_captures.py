"""What one more capture of a place costs the layer, as captures of it grow."""

from __future__ import annotations

import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from components.core.collection.layer.update import update_layer
from components.core.collection.ledger import Collection
from tests.benchmarks.harness import Measurement, one_core
from tests.components.core.collection.layer.small_collections import (
    Building,
    SmallScene,
    finish,
    finish_all,
    opened_files,
)

NAME = "captures"

IMAGES = "/imagery"

TOWN, HAMLET = 358, 8
"""Buildings of a place."""

TOWN_CAPTURES = (10, 20, 40, 80)
HAMLET_CAPTURES = 1000

MOST_SECONDS = 1.1
"""For one more of the most captures of a town."""

MOST_REPEATS = 3

MISSED, INVENTED, BESIDE = 0.05, 0.02, 0.08
"""Shares of buildings that a capture misses and of those that are none; how far it shows one beside its place."""


def run(repeats: int) -> list[Measurement]:
    """Add a capture to a collection that has so many, a week apart, each a little unlike the others."""
    found = []
    with one_core():
        for buildings, count in [(TOWN, count) for count in TOWN_CAPTURES] + [(HAMLET, HAMLET_CAPTURES)]:
            scratch, more, files = _added(buildings, count, min(repeats, MOST_REPEATS))
            what = f"{count} captures of {buildings} buildings"
            one_more = f"one more than {what}"
            found += [
                Measurement.at_most(one_more, "CPU s", more, MOST_SECONDS, files_opened=files)
                if count == max(TOWN_CAPTURES)
                else Measurement(one_more, "CPU s", tuple(more), notes={"files_opened": files}),
                Measurement(f"the layer of {what} from nothing", "CPU s", (scratch,)),
            ]
    return found


def _added(buildings: int, count: int, repeats: int) -> tuple[float, list[float], int]:
    """CPU seconds of the layer of some captures, and of one more each time; files opened for the last of these."""
    more: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(folder)
        finish_all(collection, [_capture(buildings, number) for number in range(count)])
        scratch = _update_seconds(collection)
        count_opened = 0
        for number in range(count, count + repeats + 1):
            finish(collection, _capture(buildings, number))
            with opened_files(Path(folder)) as files:
                more.append(_update_seconds(collection))
            count_opened = len(files)
    return scratch, more[1:], count_opened


def _update_seconds(collection: Collection) -> float:
    marks = list(collection.marks())
    started = time.process_time()
    update_layer(collection, IMAGES, marks)
    return time.process_time() - started


def _capture(buildings: int, number: int) -> SmallScene:
    draw = random.Random(number)
    side = int(buildings**0.5) + 1
    shown = []
    for place in range(buildings):
        row, column = divmod(place, side)
        if draw.random() < INVENTED:
            invented = Building(f"f{place}-{number}", 2 * side * draw.random(), 2 * side * draw.random(), 0.4, 0.4)
            shown.append(invented)
        if draw.random() >= MISSED:
            x, y = (2 * at + 0.3 + draw.uniform(-BESIDE, BESIDE) for at in (column, row))
            shown.append(Building(f"b{place}-{number}", x, y, draw.uniform(0.9, 1.1), draw.uniform(0.9, 1.1)))
    captured = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(weeks=number)
    return SmallScene(f"c{number:04}", 0, 0, 2 * side + 1, 2 * side + 1, tuple(shown), captured.isoformat())
