"""What the steps behind the network take: splitting, polygonising and writing COGs on one core, in how much memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.core.footprints.records import FootprintRules
from components.core.footprints.vectorize import scene_footprints
from components.core.geometry import Size
from components.core.imagery.cog import Overviews, write_cog
from components.core.imagery.writing import RasterProfile
from tests.benchmarks.building_masks import building_mask, confidence, percolating, rough, scene_item, split_objects
from tests.benchmarks.harness import Measurement, one_core, seconds
from tests.builders import CRS, TRANSFORM, write_tiled

NAME = "polygons"

SCENE = Size(5000, 5000)
MEGAPIXELS = SCENE.area / 1e6
LEAST_RATE = 60
PROFILE = RasterProfile(SCENE, crs=CRS, transform=TRANSFORM)
PART_BOUNDS = (0, 1500, 3300, 5000)
SIDES = (5000, 20_000, 50_000)
MOST_MEBIBYTES = 1024
MOST_GROWTH = 1.15
PERCOLATING_SIDES = (2000, 3742, 7483)
LEAST_STEADINESS = 0.8
MOST_PERCOLATING_REPEATS = 2


def run(repeats: int) -> list[Measurement]:
    """Polygons of buildings and of an untrained network's mask, COGs of a mask and its confidence, memory by size."""
    smooth = building_mask(SCENE, 0)
    masks = {"smooth": smooth, "rough": rough(smooth, 23, 0)}
    with one_core():
        polygons = [
            _polygons(f"{name} buildings{', right angles' if regularise else ''}", mask, regularise, repeats)
            for name, mask in masks.items()
            for regularise in (False, True)
        ]
        percolating_masks = _percolating(repeats)
        with tempfile.TemporaryDirectory() as folder:
            cogs = _cogs(smooth, Path(folder), repeats)
        return [*polygons, *percolating_masks, *cogs, *_memory()]


def _polygons(what: str, mask: npt.NDArray[np.bool_], regularise: bool, repeats: int) -> Measurement:
    rates, count = _rates(mask, FootprintRules(regularise=regularise), repeats)
    title = f"split a mask in memory and polygonise it, {what}, 5000×5000, one core"
    return Measurement.at_least(title, "MP/s", rates, LEAST_RATE, footprints=count)


def _percolating(repeats: int) -> list[Measurement]:
    """Masks that hang together all over the scene, with holes without number: the rate is to stay what it is."""
    measured: list[Measurement] = []
    for side in PERCOLATING_SIDES:
        rates, count = _rates(
            percolating(Size(side, side), 0), FootprintRules(), min(repeats, MOST_PERCOLATING_REPEATS)
        )
        title = f"the same of an untrained network's mask, {side}×{side}"
        least = LEAST_STEADINESS * measured[0].median if measured else 0
        measured.append(Measurement.at_least(title, "MP/s", rates, round(least, 2), footprints=count))
    return measured


def _rates(mask: npt.NDArray[np.bool_], rules: FootprintRules, repeats: int) -> tuple[list[float], int]:
    """Megapixels a second, and the footprints that come out."""
    size = Size(*mask.shape)
    counts = []

    def work() -> None:
        tables = scene_footprints([scene_item(size).with_objects(split_objects(mask))], "scene", rules, CRS)
        counts.append(sum(table.num_rows for table in tables))

    return [size.area / 1e6 / taken for taken in seconds(work, repeats)], counts[-1]


def _cogs(mask: npt.NDArray[np.bool_], folder: Path, repeats: int) -> list[Measurement]:
    fast = replace(PROFILE, level=1)
    measured = []
    for what, pixels, profile, overviews in (
        ("mask", mask * np.uint8(255), PROFILE, Overviews.MODE),
        ("mask", mask * np.uint8(255), PROFILE, Overviews.NEAREST),
        ("confidence", confidence(mask, 0), fast, Overviews.AVERAGE),
    ):
        parts = [
            write_tiled(folder / f"{top}.tif", pixels[top:bottom], compress="deflate")
            for top, bottom in pairwise(PART_BOUNDS)
        ]
        work = partial(write_cog, folder / "cog.tif", parts, profile, overviews)
        rates = tuple(MEGAPIXELS / taken for taken in seconds(work, repeats))
        title = f"COG of a {what} from three parts, overviews by {overviews}, 5000×5000, one core"
        measured.append(Measurement(title, "MP/s", rates, notes={"bytes": (folder / "cog.tif").stat().st_size}))
    return measured


def _memory() -> list[Measurement]:
    measured = []
    for side in SIDES:
        command = [sys.executable, "-m", "tests.benchmarks.polygons_memory", str(side)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        peak, taken, count = float(printed[0]), float(printed[1]), int(printed[2])
        title = f"peak memory of splitting and polygonising by parts, {side}×{side}"
        most = min([MOST_MEBIBYTES, *(round(MOST_GROWTH * entry.median) for entry in measured[:1])])
        notes = {"seconds": taken, "megapixels_a_second": round(side**2 / 1e6 / taken, 1), "footprints": count}
        measured.append(Measurement.at_most(title, "MiB", [peak], most, **notes))
    return measured
