"""Peak memory of splitting and polygonising a scene by row parts, in a process of its own.

`python -m tests.benchmarks.polygons_memory SIDE` prints peak MiB, seconds without the making of masks, and footprints.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from components.core.footprints.records import FootprintRules
from components.core.footprints.vectorize import scene_footprints
from components.core.geometry import Size, Window, row_bands
from components.core.project import Item
from components.core.project.parts import Rows, part_item
from tests.benchmarks.building_masks import CELL_PX, building_mask, scene_item, split_objects
from tests.benchmarks.harness import peak_memory_mib
from tests.builders import CRS

PART_PIXELS = 25_000_000

LEAST_PIXELS = 400_000_000
"""So many pixels are done whatever the scene's size, as a run of many scenes does: the allocator's leftovers grow with
the time for which one looks, until they level off."""


def main(side: int) -> None:
    """Make one scene's rows, again and again where it is small, and say how much memory that took.

    A scene that is smaller still comes first, which loads what is needed.
    """
    _measured(10 * CELL_PX)
    for _ in range(max(LEAST_PIXELS // side**2, 1)):
        seconds, count = _measured(side)
    sys.stdout.write(f"{peak_memory_mib():.1f} {seconds:.2f} {count}\n")


def _measured(side: int) -> tuple[float, int]:
    """Seconds without the making of masks, and footprints of one scene."""
    size = Size(side, side)
    scene = scene_item(size)
    away = [0.0]

    def mask(rows: Window) -> npt.NDArray[np.bool_]:
        started = time.perf_counter()
        pixels = _mask(rows)
        away[0] += time.perf_counter() - started
        return pixels

    def parts() -> Iterator[Item]:
        for rows in row_bands(size, PART_PIXELS // side):
            yield part_item(scene, Rows(rows.top, rows.bottom)).with_objects(split_objects(mask(rows)))

    started = time.perf_counter()
    count = sum(table.num_rows for table in scene_footprints(parts(), "scene", FootprintRules(), CRS))
    return time.perf_counter() - started - away[0], count


def _mask(rows: Window) -> npt.NDArray[np.bool_]:
    """Some rows of a scene of buildings, of which the parts' seams cut some."""
    pixels = np.zeros((rows.height, rows.width), np.bool_)
    for top in range(rows.top // CELL_PX * CELL_PX, rows.bottom, CELL_PX):
        first, last = max(top, rows.top), min(top + CELL_PX, rows.bottom)
        cells = building_mask(Size(CELL_PX, rows.width), top)
        pixels[first - rows.top : last - rows.top] = cells[first - top : last - top]
    return pixels


if __name__ == "__main__":
    main(int(sys.argv[1]))
