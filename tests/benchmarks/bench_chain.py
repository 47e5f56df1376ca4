"""How long a chain of resize, rotate, flip and crop takes over 1 000 images with 50 figures each, written as files."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from components.core.dtl.run import execute_query
from components.core.figures import Bitmap, Figure, Line, Point, Polygon, Shape, vertices
from components.core.geometry import Size
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, write_manifest
from tests.benchmarks.harness import MEBIBYTE, Measurement, peak_memory_mib
from tests.builders import noise, write_tiled
from tests.queries import data, layer, save

NAME = "chain"

ITEMS = 1000
RASTERS = 20
"""Images that differ; items refer to them in turn."""

SIZE = Size(1000, 1000)
FIGURES = {"house": 25, "field": 15, "road": 5, "tree": 5}
SHAPES = {"house": Shape.BITMAP, "field": Shape.POLYGON, "road": Shape.LINE, "tree": Shape.POINT}

QUERY = [
    data("CHAIN/*"),
    layer("resize", "$all", "$1", width=800, height=800, aspect_ratio={"keep": False}),
    layer(
        "rotate",
        "$1",
        "$2",
        rotate_angles={"min_degrees": -30, "max_degrees": 30},
        black_regions={"mode": "preserve_size"},
    ),
    layer("flip", "$2", "$3", axis="vertical"),
    layer("crop", "$3", "$4", sides=dict.fromkeys(("left", "top", "right", "bottom"), "10%")),
    save("$4"),
]

MOST_REPEATS = 1


def run(repeats: int) -> list[Measurement]:
    """Run the query as rows of a manifest, and then with files, each in one process of its own."""
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder))
        for what, as_files in (("rows of a manifest", False), ("images and annotations as files", True)):
            done = [_ran(project, as_files) for _ in range(min(repeats, MOST_REPEATS))]
            clock, processor, peaks, sizes = zip(*done, strict=True)
            title = f"resize, rotate, flip and crop of {ITEMS:,} images 1000×1000 with 50 figures, {what}"
            notes = {"rasters": RASTERS, "result": "640×640", "workers": 1}
            measured += [
                Measurement(title, "CPU s", processor, notes=notes),
                Measurement("of these, by the clock", "s", clock),
                Measurement("of these, peak memory above the start", "MiB", peaks),
                Measurement("of these, written", "MiB", sizes),
            ]
    return measured


def _project(folder: Path) -> Path:
    """Images and figures; a manifest of items that refer to them."""
    rasters = [write_tiled(folder / "images" / f"{number}.tif", _smooth(number)) for number in range(RASTERS)]
    classes = tuple(ClassInfo.with_own_color(title, shape) for title, shape in SHAPES.items())
    write_manifest(folder / "CHAIN", ProjectMeta("CHAIN", classes), _items(rasters))
    return folder / "CHAIN"


def _smooth(seed: int) -> np.ndarray:
    """(3, H, W) uint8 that packs as imagery does, not as noise."""
    coarse = noise(Size(125, 125), seed)
    return np.clip(coarse.repeat(8, axis=1).repeat(8, axis=2) // 2 + noise(SIZE, seed) // 16, 0, 255).astype(np.uint8)


def _items(rasters: list[str]) -> Iterator[Item]:
    for number in range(ITEMS):
        random = np.random.default_rng(number)
        objects = (Object(title, _figure(title, random)) for title, count in FIGURES.items() for _ in range(count))
        image = ImageRef.whole(rasters[number % RASTERS], SIZE)
        yield Item("ds", f"image{number}", SIZE, image, objects=tuple(objects))


def _figure(title: str, random: np.random.Generator) -> Figure:
    """One of some forty pixels' width, anywhere."""
    top, left = random.integers(0, SIZE.height - 60, 2).tolist()
    if title == "house":
        pixels = np.ones(tuple(random.integers(10, 60, 2)), np.bool_)
        pixels[: len(pixels) // 2, : pixels.shape[1] // 3] = False
        found = Bitmap.of_pixels(pixels, top, left)
        assert found is not None
        return found
    corners = [(top, left), (top, left + 40), (top + 40, left + 40), (top + 40, left)]
    if title == "field":
        hole = [(top + 10, left + 10), (top + 10, left + 20), (top + 20, left + 20)]
        return Polygon(vertices(corners), (vertices(hole),))
    return Line(vertices(corners)) if title == "road" else Point(float(top), float(left))


def _ran(project: Path, as_files: bool) -> tuple[float, float, float, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run_once, (project, as_files))


def run_once(project: Path, as_files: bool) -> tuple[float, float, float, float]:
    """Run in this process: seconds by the clock and of the processor, MiB of memory above the start, MiB written."""
    output = project.with_name("out")
    before, clock, processor = peak_memory_mib(), time.perf_counter(), time.process_time()
    done = execute_query(json.dumps(QUERY), [project], output, as_files=as_files)
    taken = time.perf_counter() - clock, time.process_time() - processor
    if done.result.written != ITEMS:
        raise AssertionError(done.sentence())
    peak = peak_memory_mib() - before
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file()) / MEBIBYTE
    shutil.rmtree(output)
    return *taken, peak, size
