"""How long the tutorial's crop_augment takes on 25 scenes of 5000×5000, and how much it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.core.geometry import Size
from components.core.parallel import worker_count
from components.core.project import ImageRef, Item, write_manifest
from components.core.storage.atomic_directory import staged_directory
from components.crop_augment.crop_augment import crop_augment
from tests.benchmarks.building_masks import building_mask
from tests.benchmarks.harness import MEBIBYTE, RESULTS, Measurement, one_core, seconds
from tests.builders import bitmap_meta, mask_object, write_tiled

NAME = "crop_augment"

SCENES = 25
SCENE = Size(5000, 5000)


def run(repeats: int) -> list[Measurement]:
    """Crop on one core, and on all; the scenes' masks are made once and kept."""
    folder = RESULTS / "crop_augment_scenes"
    project, crops = _project(folder), folder / "crops"
    cores = worker_count(0, SCENES)
    with one_core():
        alone = seconds(lambda: crop_augment(project, crops, workers=1), repeats)
    together = seconds(lambda: crop_augment(project, crops, workers=cores), repeats)
    written = crop_augment(project, crops, workers=cores).result.written
    size = sum(path.stat().st_size for path in crops.iterdir()) / MEBIBYTE
    notes = {
        "scenes": SCENES,
        "crops": 400 * SCENES,
        "kept": written,
        "imagery": "referenced, neither read nor written",
    }
    return [
        Measurement("crop_augment, 25 scenes 5000×5000 → 10 000 crops, one core", "s", tuple(alone), notes=notes),
        Measurement(f"crop_augment, 25 scenes, {cores} workers", "s", tuple(together), notes=notes),
        Measurement("written by crop_augment, 25 scenes → 10 000 crops", "MiB", (size,), notes=notes),
    ]


def _project(folder: Path) -> Path:
    """Tagged scenes: real masks, and imagery that is only named."""
    masks = folder / "masks"
    if not masks.is_dir():
        with staged_directory(masks) as aside:
            for number in range(SCENES):
                values = building_mask(SCENE, number).view(np.uint8) * np.uint8(255)
                write_tiled(aside / f"town{number}.tif", values, compress="deflate")
    entries = [_scene(masks.resolve(), number) for number in range(SCENES)]
    write_manifest(folder / "INRIA_TAGGED", bitmap_meta("INRIA_TAGGED", tags=("trainval",)), entries)
    return folder / "INRIA_TAGGED"


def _scene(masks: Path, number: int) -> Item:
    name = f"town{number}"
    whole = mask_object(str(masks / f"{name}.tif"), building_mask(SCENE, number))
    image = ImageRef.whole(str(masks.with_name("images") / f"{name}.tif"), SCENE)
    return Item("ds", name, SCENE, image, ("trainval",), objects=(whole,))
