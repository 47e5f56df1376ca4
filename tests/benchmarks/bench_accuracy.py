"""How good a model the laptop's default run trains, and what each technique of its training config does by itself.

Trains on sample scenes and scores the scenes held out: the stages of `make run` from the imported project on, without
their reports. `ACCURACY=all` measures each technique alone, too, which takes hours; `ACCURACY=quick` trains for one
epoch on a few small scenes, to see that it runs.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from components.core.documents.named import merged
from components.core.geometry import Size
from components.core.storage import join_uri
from components.crop_augment.crop_augment import crop_augment
from components.evaluate.evaluate import evaluate
from components.import_images.import_images import import_images
from components.infer_windows.infer_windows import infer_windows
from components.sample_scenes.sample_scenes import Request, generate
from components.sample_scenes.towns import TOWNS
from components.split_masks.split_masks import split_masks
from components.split_tagging.split_tagging import split_tagging
from components.train_unet.train_unet import train
from pipelines.documents import RunDocuments, laptop_documents, laptop_query
from tests.benchmarks.harness import Measurement

NAME = "accuracy"

MODE = os.environ.get("ACCURACY", "")

IOU, F1 = 0.75, 0.70

PLAIN: dict[str, Any] = {
    "lr": 0.007,
    "lr_schedule": "cosine",
    "epochs": 5,
    "batch_size": {"train": 4, "val": 8},
    "input_size": {"height": 128, "width": 128},
    "gpu_devices": [],
    "val_every": 5,
    "encoder": "vgg16_bn_slim8",
    "encoder_weights": "none",
}
"""Without any of the techniques; half of the epochs of the default, as there are many to measure."""

ALONE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "mirrored and turned": {"augmentation": {"mirror": True, "turn": True}},
    "colours by 0.1": {"augmentation": {"color": 0.1}},
    "scale by 0.1": {"augmentation": {"scale": 0.1}},
    "AdamW, decay 0.01": {"optimizer": "adamw", "weight_decay": 0.01},
    "learning rate 0.004, warm-up, clipping": {"lr": 0.004, "warmup": 0.1, "gradient_clip": 1.0},
    "average of weights": {"ema_decay": 0.99},
    "statistics recomputed": {"recompute_statistics": 256},
    "small decoder": {"architecture": "UNetV2Small"},
    "small first weights of the head": {"head_scale": 0.1},
    "5 % bare ground": {"negatives": 0.05},
    "boundaries weigh three times as much": {"loss_weights": {"boundary": 2.0}},
}
"""Each technique by itself, over `PLAIN`."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one training, on the scenes held out.

    Attributes:
        iou: Of buildings' pixels, all scenes pooled.
        f1: Of buildings, matched at an IoU of 0.5.
        sure_iou: Of the pixels of buildings of which the network is sure, by the query `split_masks_confident`.
        sure_f1: Of these buildings.
        cpu_s: CPU seconds of training and inference.
    """

    iou: float
    f1: float
    sure_iou: float
    sure_f1: float
    cpu_s: float


def run(repeats: int) -> list[Measurement]:
    """Train with as many seeds, each on the same scenes."""
    documents = laptop_documents()
    configs = {"the default of make run": documents.training}
    if MODE == "all":
        configs |= {f"alone: {what}": merged(PLAIN, config) for what, config in ALONE.items()}
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        scenes = _scenes(Path(folder), documents)
        for what, config in configs.items():
            scores = [_score(Path(folder), scenes, documents, config | {"seed": seed}) for seed in range(repeats)]
            measured += _measurements(what, scores)
    return measured


def _measurements(what: str, scores: list[Scores]) -> list[Measurement]:
    names = ("iou", "f1", "sure_iou", "sure_f1", "cpu_s")
    iou, f1, sure_iou, sure_f1, cpu = ([getattr(score, name) for score in scores] for name in names)
    notes = {"seeds": len(scores), "mean_iou": round(fmean(sure_iou), 4), "mean_f1": round(fmean(sure_f1), 4)}
    return [
        Measurement.at_least(f"building IoU, {what}", "", sure_iou, IOU, **notes),
        Measurement.at_least(f"object F1, {what}", "", sure_f1, F1, **notes),
        Measurement(f"building IoU, all objects, {what}", "", tuple(iou), notes=notes),
        Measurement(f"object F1, all objects, {what}", "", tuple(f1), notes=notes),
        Measurement(f"training and inference, {what}", "CPU s", tuple(cpu), notes=notes),
    ]


def _scenes(folder: Path, documents: RunDocuments) -> Path:
    """Scenes tagged and cut; gives the folder of their projects."""
    data, quick = str(folder / "data"), MODE == "quick"
    side = 512 if quick else 768
    request = Request(tuple(TOWNS), 4 if quick else 10, Size(side, side), 0.3, 0, False)
    made = generate(join_uri(data, "sample_scenes"), request, 1)
    import_images(made.images_uri, made.masks_uri, folder / "project", data_root=data, workers=1)
    split_tagging(folder / "project", folder / "tagged", query=json.dumps(documents.split_tagging))
    crop_augment(folder / "tagged", folder / "crops", query=json.dumps(documents.crop_augment))
    return folder


def _score(folder: Path, scenes: Path, documents: RunDocuments, config: dict[str, Any]) -> Scores:
    if MODE == "quick":
        config = config | {"epochs": 1, "val_every": 1}
    with tempfile.TemporaryDirectory(dir=folder) as place:
        model, found, split = (Path(place) / name for name in ("model", "found", "split"))
        began = time.process_time()
        train(scenes / "crops", model, config=config)
        data_root = str(Path(place) / "data")
        infer_windows(scenes / "tagged", model, found, data_root=data_root, config=documents.inference)
        cpu_s = time.process_time() - began
        plain, sure = (
            _split_scores(found, split / query, scenes, query) for query in ("split_masks", "split_masks_confident")
        )
    return Scores(*plain, *sure, cpu_s)


def _split_scores(found: Path, split: Path, scenes: Path, query: str) -> tuple[float, float]:
    """Building IoU and object F1 of predictions that a ready-made query splits."""
    split_masks(found, split, query=json.dumps(laptop_query(query)))
    scalars = evaluate(split, scenes / "tagged", image_tags=["test"], workers=1).scalars()
    return scalars["iou"], scalars.get("object_f1", 0.0)
