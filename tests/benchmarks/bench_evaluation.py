"""How long it takes to evaluate scenes, and what the curves over thresholds add to that."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from components.core.geometry import Size
from components.core.project import ImageRef, Item, write_manifest
from components.core.project.predicted_classes import predicted_classes, with_predicted
from components.core.project.predictions import PROBABILITY_ROLE
from components.evaluate.evaluate import evaluate
from tests.benchmarks.building_masks import building_mask, confidence, rough, split_objects
from tests.benchmarks.harness import Measurement, one_core
from tests.builders import CRS, TRANSFORM, bitmap_meta, mask_object, noise, write_tiled

NAME = "evaluation"

SCENE = Size(5000, 5000)
CLASS = "untitled_dl"


def run(repeats: int) -> list[Measurement]:
    """Evaluate a scene, project to project, without its probabilities and with them."""
    with tempfile.TemporaryDirectory() as folder, one_core():
        root = Path(folder)
        true, said = _items(root)
        write_manifest(root / "truth", bitmap_meta("truth"), [true])
        write_manifest(root / "plain", bitmap_meta("plain", CLASS), [replace(said, rasters={})])
        write_manifest(root / "said", bitmap_meta("said", CLASS), [said])
        plain, curves = (
            [_cpu_s(root / name, root / "truth") for _ in range(repeats + 1)][1:] for name in ("plain", "said")
        )
    notes = {"objects": len(said.objects), "threads": 1}
    return [
        Measurement("evaluate a scene of 5000×5000, without probabilities", "CPU s", tuple(plain), notes=notes),
        Measurement("evaluate the same with curves over thresholds", "CPU s", tuple(curves), notes=notes),
    ]


def _cpu_s(predictions: Path, truth: Path) -> float:
    started = time.process_time()
    evaluate(predictions, truth, workers=1)
    return time.process_time() - started


def _items(root: Path) -> tuple[Item, Item]:
    mask = rough(building_mask(SCENE, 0), 7, 0)
    values = confidence(mask, 1) // 2 + confidence(rough(building_mask(SCENE, 0), 7, 2), 3) // 2
    image = ImageRef.whole(write_tiled(root / "image.tif", noise(SCENE)), SCENE, CRS, TRANSFORM)
    truth = write_tiled(root / "truth.tif", mask.astype("uint8"), compress="deflate")
    probability = write_tiled(root / "probability.tif", values, compress="zstd")
    true = Item("ds", "scene", SCENE, image, objects=(mask_object(truth, mask),))
    said = replace(true, objects=tuple(split_objects(values >= 128)), rasters={PROBABILITY_ROLE: probability})
    return true, with_predicted(said, predicted_classes({1: CLASS}, 2))
