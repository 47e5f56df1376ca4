"""How fast windows come out of 1 000 000 polygons in one GeoPackage, and what memory that takes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from affine import Affine

from components.core.dtl.actions.sliding_window import crop_item
from components.core.figures import Shape
from components.core.figures.vector import fill_by_centres
from components.core.footprints.geography import PixelGrid
from components.core.geometry import Size, sliding_windows
from components.core.project import ClassInfo, Item, Object, ProjectMeta, open_project, write_manifest
from components.core.vectors.features import features_on
from components.core.vectors.files import VectorFile
from components.core.vectors.layer import open_layer
from components.train_unet.dataset import draw_mask
from tests.benchmarks.harness import Measurement, one_core, peak_memory_mib, seconds
from tests.builders import CLASS

NAME = "vector_labels"

COLUMNS = 1000
"""Buildings stand in a grid, so that there are `COLUMNS` × rows of them."""

MANY, FEW = 1_000_000, 10_000

SPACING_M = 20.0

GSD_M = 0.3

WINDOW = Size(512, 512)

SCENE = Size(5000, 5000)

WINDOWS = 300

CRS = "EPSG:32633"

WEST, NORTH = 400_000.0, 5_400_000.0

BATCH = 50_000


def run(repeats: int) -> list[Measurement]:
    """Read windows at random places of a town of a million buildings and of one of a hundredth, each in a process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measured = {}
        for count in (FEW, MANY):
            path = folder / f"{count}.gpkg"
            _write(path, count)
            results = [_measured(path, count, repeat) for repeat in range(repeats)]
            measured[count] = {key: [result[key] for result in results] for key in results[0]}
        imported = _imported(folder / f"{MANY}.gpkg", folder, repeats)
        size_mib = (folder / f"{MANY}.gpkg").stat().st_size / (1 << 20)
    many, few = measured[MANY], measured[FEW]
    notes = {"windows": WINDOWS, "polygons a window": round(many["polygons"][0], 1), "threads": 1, "file MiB": size_mib}
    what = f"windows of {WINDOW} px at {GSD_M} m"
    return [
        Measurement(
            f"{what} rasterised from {MANY} polygons in one GeoPackage", "windows/s", tuple(many["rate"]), notes=notes
        ),
        Measurement(f"the same from {FEW} polygons", "windows/s", tuple(few["rate"])),
        Measurement("of these, drawing alone", "windows/s", tuple(many["drawing"])),
        Measurement(f"training masks of {WINDOW} px, drawn from an imported project", "windows/s", tuple(imported)),
        Measurement("opening the layer", "s", tuple(many["opening"])),
        Measurement.at_most(
            f"memory that {MANY} polygons take beyond {FEW}",
            "MiB",
            [more - less for more, less in zip(many["memory"], few["memory"], strict=True)],
            32,
        ),
    ]


def _write(path: Path, count: int) -> None:
    schema = pa.schema([("kind", pa.string()), ("geometry", pa.binary())])
    reader = pa.RecordBatchReader.from_batches(schema, _batches(count, schema))
    pyogrio.write_arrow(
        reader, path, layer="roofs", driver="GPKG", geometry_name="geometry", geometry_type="Polygon", crs=CRS
    )


def _batches(count: int, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """L-shaped buildings, each turned its own way."""
    outline = np.array([(-6, -5), (6, -5), (6, 1), (0, 1), (0, 5), (-6, 5), (-6, -5)], np.float64)
    for first in range(0, count, BATCH):
        number = np.arange(first, min(first + BATCH, count))
        turn = np.random.default_rng(first).uniform(0, 2 * np.pi, len(number))
        cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
        x = WEST + (number % COLUMNS)[:, None] * SPACING_M + outline[:, 0] * cos - outline[:, 1] * sin
        y = NORTH - (number // COLUMNS)[:, None] * SPACING_M + outline[:, 0] * sin + outline[:, 1] * cos
        shapes = shapely.polygons(np.stack([x, y], axis=2))
        kinds = pa.array(["house"] * len(number))
        yield pa.RecordBatch.from_arrays([kinds, pa.array(shapely.to_wkb(shapes).tolist())], schema=schema)


def _imported(path: Path, folder: Path, repeats: int) -> list[float]:
    """Masks a second of the crops of one scene, as training draws them from a project's rows."""
    layer = open_layer(VectorFile(str(path)), folder)
    grid = PixelGrid(CRS, Affine(GSD_M, 0, WEST, 0, -GSD_M, NORTH))
    objects = tuple(Object(CLASS, polygon) for polygon in features_on(layer, grid, SCENE).polygons)
    scene = Item("ds", "scene", SCENE, objects=objects)
    meta = ProjectMeta("CROPS", (ClassInfo.with_own_color(CLASS, Shape.POLYGON),))
    write_manifest(
        folder / "crops", meta, [crop_item(scene, window) for window in sliding_windows(SCENE, WINDOW, Size(0, 0))]
    )
    project = open_project(folder / "crops")
    with one_core():
        taken = seconds(lambda: [draw_mask(project.item(row), {CLASS: 1}) for row in range(len(project))], repeats)
    return [len(project) / time_s for time_s in taken]


def _measured(path: Path, count: int, seed: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_vector_labels", str(path), str(count), str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _read_windows(path: Path, count: int, seed: int) -> dict[str, float]:
    random = np.random.default_rng(seed)
    extent = np.array([min(count, COLUMNS), count // COLUMNS]) * SPACING_M
    places = random.uniform(0, extent - WINDOW.width * GSD_M, (WINDOWS, 2))
    with tempfile.TemporaryDirectory() as folder, one_core():
        started = time.perf_counter()
        layer = open_layer(VectorFile(str(path)), Path(folder))
        opening = time.perf_counter() - started
        drawing, polygons = 0.0, 0
        started = time.perf_counter()
        for east, south in places:
            grid = PixelGrid(CRS, Affine(GSD_M, 0, WEST + east, 0, -GSD_M, NORTH - south))
            found = features_on(layer, grid, WINDOW).polygons
            drawn_from = time.perf_counter()
            canvas = np.zeros((WINDOW.height, WINDOW.width), np.uint8)
            fill_by_centres(found, canvas, 1)
            drawing += time.perf_counter() - drawn_from
            polygons += len(found)
        taken = time.perf_counter() - started
    return {
        "opening": opening,
        "rate": WINDOWS / taken,
        "drawing": WINDOWS / drawing,
        "polygons": polygons / WINDOWS,
        "memory": peak_memory_mib(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_read_windows(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
