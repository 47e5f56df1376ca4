"""What a mosaic of tiles costs the layer, whose borders cut buildings: from nothing, and when one tile changes."""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from components.core.collection.layer.index import read_layer
from components.core.collection.layer.update import update_layer
from components.core.collection.ledger import Collection
from tests.benchmarks.harness import Measurement, one_core, peak_memory_mib
from tests.components.core.collection.layer.drawing import TILE, clipped
from tests.components.core.collection.layer.small_collections import SmallScene, finish, finish_all, opened_files

NAME = "mosaic"

IMAGES = "/imagery"

SIDES = (10, 20, 30)
"""Of a mosaic, in tiles."""

CELL = 0.6
"""Side of a building's place in the unit of tiles, so that about 45 begin in a tile."""

LEAST, MOST = 3, 5
"""Sides of a building in tenths of the unit."""

MOST_SECONDS = 1.0
"""For one more tile changed in the largest mosaic."""

MOST_REPEATS = 5


def run(repeats: int) -> list[Measurement]:
    """Make the layer of a mosaic, and change one tile in its middle, with buildings joined and without."""
    found = []
    for side in SIDES:
        for join_tiles in (True, False):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                found += process.submit(_measured, side, min(repeats, MOST_REPEATS), join_tiles).result()
    return found


def _measured(side: int, repeats: int, join_tiles: bool) -> list[Measurement]:
    with one_core(), tempfile.TemporaryDirectory() as folder:
        collection = Collection(folder)
        tiles = {(column, row): tile for column, row, tile in _tiles(side)}
        finish_all(collection, tiles.values())
        before = peak_memory_mib()
        scratch = _update_seconds(collection, join_tiles)
        peak = peak_memory_mib() - before
        middle = tiles[side // 2, side // 2]
        changed = []
        for number in range(repeats):
            collection.retire(middle.mark)
            middle = replace(middle, buildings=middle.buildings[1:], version=f"{number:04x}")
            finish(collection, middle)
            with opened_files(Path(folder)) as files:
                changed.append(_update_seconds(collection, join_tiles))
        layer = read_layer(collection)
        assert layer is not None
        notes = {"footprints": layer.footprints, "joined": layer.joined}
    what = f"{side}×{side} tiles, {'joined' if join_tiles else 'left apart'}"
    one = f"one tile changed in {what}"
    return [
        Measurement(f"the layer of {what}, from nothing", "CPU s", (scratch,), notes=notes),
        Measurement(f"of this, peak memory above the start, {what}", "MiB", (peak,)),
        Measurement.at_most(one, "CPU s", changed, MOST_SECONDS, files_opened=len(files))
        if join_tiles and side == max(SIDES)
        else Measurement(one, "CPU s", tuple(changed), notes={"files_opened": len(files)}),
    ]


def _update_seconds(collection: Collection, join_tiles: bool) -> float:
    marks = list(collection.marks())
    started = time.process_time()
    update_layer(collection, IMAGES, marks, join_tiles=join_tiles)
    return time.process_time() - started


def _tiles(side: int) -> Iterator[tuple[int, int, SmallScene]]:
    """The tiles of a mosaic over a town of jittered houses, by column and row."""
    draw = random.Random(side)
    houses: dict[tuple[int, int], list[tuple[float, float, float, float]]] = {}
    cells = int(TILE * side / CELL)
    for row in range(cells):
        for column in range(cells):
            wide, high = draw.randint(LEAST, MOST), draw.randint(LEAST, MOST)
            left = round(10 * CELL * column) + draw.randint(0, round(10 * CELL) - wide)
            bottom = round(10 * CELL * row) + draw.randint(0, round(10 * CELL) - high)
            house = (left / 10, bottom / 10, wide / 10, high / 10)
            for across in {left // (10 * TILE), (left + wide) // (10 * TILE)}:
                for up in {bottom // (10 * TILE), (bottom + high) // (10 * TILE)}:
                    houses.setdefault((across, up), []).append(house)
    for column in range(side):
        for row in range(side):
            yield column, row, clipped(f"t{column:02}-{row:02}", (column, row), houses.get((column, row), []))
