"""How long it takes to split a scene's predicted mask into buildings, on one core, and in how much memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from components.core.figures import InlineMask, RasterMask
from components.core.figures.connected_components import connected_components
from components.core.geometry import Size, Window
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.project import ImageRef, Item, write_manifest
from components.split_masks.split_masks import split_masks
from tests.benchmarks.building_masks import building_mask
from tests.benchmarks.harness import Measurement, one_core, seconds
from tests.builders import bitmap_meta, mask_object, write_tiled

NAME = "split_masks"

SCENE = Size(5000, 5000)
SECONDS = 0.25
MEBIBYTES = 200


def run(repeats: int) -> list[Measurement]:
    """Split from memory, from the raster that inference writes, and as the stage does it, project to project."""
    pixels = building_mask(SCENE, 0)
    with tempfile.TemporaryDirectory() as folder, one_core():
        file = write_tiled(Path(folder) / "mask.tif", pixels.view(np.uint8) * np.uint8(255), compress="deflate")
        stored = RasterMask(MaskRaster(file), Recipe(Window.of_size(SCENE)), int(pixels.sum()))
        notes = {"objects": len(connected_components(stored)), "threads": 1}
        project = _project(Path(folder), file, pixels)
        in_memory = seconds(lambda: connected_components(InlineMask(pixels)), repeats)
        from_file = seconds(lambda: connected_components(stored), repeats)
        stage = seconds(lambda: split_masks(project, Path(folder) / "split"), repeats)
        memory = [_memory(file) for _ in range(repeats)]
    size = "5000×5000, one core"
    return [
        Measurement.at_most(f"split a mask in memory into objects, {size}", "s", in_memory, SECONDS, **notes),
        Measurement.at_most(
            f"split a mask raster into objects, read included, {size}", "s", from_file, SECONDS, **notes
        ),
        Measurement(f"split_masks, one scene, project to project, {size}", "s", tuple(stage), notes=notes),
        Measurement.at_most("memory above the mask while splitting, 5000×5000", "MiB", memory, MEBIBYTES, **notes),
    ]


def _project(folder: Path, mask: str, pixels: np.ndarray) -> Path:
    image = ImageRef.whole(mask, SCENE)
    entry = Item("ds", "town1", SCENE, image, objects=(mask_object(mask, pixels, "untitled_dl"),))
    write_manifest(folder / "project", bitmap_meta("inf_INRIA_test_part", "untitled_dl"), [entry])
    return folder / "project"


def _memory(file: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.split_masks_memory", file]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
