"""How long a query of `if` and `tag` layers takes, and how much memory, as the items grow to a million."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from components.core.documents.tutorial import SPLIT_TAGGING_QUERY
from components.core.dtl.run import execute_query
from components.core.figures import Bitmap, RasterMask, Shape
from components.core.geometry import Size
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, write_manifest
from tests.benchmarks.harness import Measurement, peak_memory_mib
from tests.builders import CLASS, CRS, TRANSFORM

NAME = "tagging"

COUNTS = (10_000, 100_000, 1_000_000)
MOST_SECONDS = 30
MOST_MEBIBYTES = 128
"""Above the start; 16 of them hold the names that are taken."""

MOST_REPEATS = 3

TOWNS = ("austin", "chicago", "kitsap", "tyrol-w", "vienna")
SIZE = Size(5000, 5000)


def run(repeats: int) -> list[Measurement]:
    """Tag whole scenes with the tutorial's query, each time in a new process, without the report's pictures."""
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            place = Path(folder) / str(count)
            write_manifest(
                place, ProjectMeta("INRIA", (ClassInfo.with_own_color(CLASS, Shape.BITMAP),)), _scenes(count)
            )
            taken, processor, peaks = zip(*(_tagged(place) for _ in range(min(repeats, MOST_REPEATS))), strict=True)
            what = f"split tagging of {count:,} items"
            measured.append(Measurement.at_most(what, "s", taken, MOST_SECONDS))
            measured.append(Measurement("of these, of the processor", "CPU s", processor))
            measured.append(Measurement.at_most("of these, peak memory above the start", "MiB", peaks, MOST_MEBIBYTES))
    return measured


def _scenes(count: int) -> Iterator[Item]:
    for number in range(count):
        name = f"{TOWNS[number % len(TOWNS)]}{number // len(TOWNS) + 1}"
        mask = RasterMask(MaskRaster(f"s3://bucket/masks/{name}.tif"), Recipe.whole(SIZE), SIZE.area // 6)
        image = ImageRef.whole(f"s3://bucket/images/{name}.tif", SIZE, CRS, TRANSFORM)
        yield Item("ds", name, SIZE, image, objects=(Object(CLASS, Bitmap(0, 0, mask)),))


def _tagged(place: Path) -> tuple[float, float, float]:
    """Seconds by the clock and of the processor, and the peak memory above the start in MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(tag_all, (place,))


def tag_all(place: Path) -> tuple[float, float, float]:
    """Tag in this process."""
    before = peak_memory_mib()
    started, processor = time.perf_counter(), time.process_time()
    done = execute_query(SPLIT_TAGGING_QUERY, [place], place.with_name(f"{place.name} tagged"))
    if done.result.written != done.result.read or not done.result.read:
        raise AssertionError(done.sentence())
    return time.perf_counter() - started, time.process_time() - processor, peak_memory_mib() - before
