"""A small project and a network with weights set by hand for the tests of inference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from torch import nn

from components.core.figures import Bitmap
from components.core.geometry import Size
from components.core.network.model_artifact import load_model, save_model
from components.core.project import Item, ProjectMeta, open_project, write_manifest
from components.infer_windows.infer_windows import InferenceResult, infer_windows
from tests.builders import bitmap_meta
from tests.detection.bright_model import save_bright_model

SIZE = Size(100, 120)
WINDOW_PX = 48
CONFIG: dict[str, Any] = {
    "mode": {"window": {"height": WINDOW_PX, "width": WINDOW_PX}, "min_overlap": {"x": 16, "y": 16}},
    "gpu_devices": [],
    "precision": "float32",
}
SHARP, SOFT = 1e6, 10.0
"""How steeply a model's logit rises with brightness."""

PAIR_THRESHOLD = 765.25 / 765

CONFIDENCE_ERROR = 2.01
"""How far a confidence, 0 to 255, may be from the probability × 255: it is made of 254 steps of that, half of one away,
or a whole one at either end, and rounded itself."""


def save_pair_model(folder: Path, steep: float = SHARP, side_px: int = WINDOW_PX) -> Path:
    """Write a network that calls a pixel a building where it and its left neighbour are bright together.

    The left neighbour of a window's first column is none, so that overlapping windows disagree there, as those of any
    network do. Noise is of either class about as often. On windows of the model's own size the sharp one gives
    probabilities of 0 and 1 alone: the sum of six bytes, as the threshold means it, is never within 0.2 of it, and
    times the slope that is far beyond what float32 tells from certain. So its results are the same bits on every
    processor, in every batch and however a scene is cut; those of the soft one are shares of all sizes.
    """
    model = load_model(save_bright_model(folder, side_px))
    first = model.network.encoder.features[0]
    assert isinstance(first, nn.Conv2d) and first.bias is not None
    head = model.network.head
    assert head.bias is not None
    with torch.no_grad():
        first.weight[0, :, 1, 0] = first.weight[0, :, 1, 1]
        first.bias[0] *= 2
        head.weight[1, 0] = steep
        head.bias[1] = -steep * PAIR_THRESHOLD
    save_model(folder, model.network, model.config, {})
    return folder


def write_project(root: Path, items: list[Item]) -> Path:
    tags = tuple(sorted({tag for item in items for tag in item.tags}))
    write_manifest(root / "project", bitmap_meta(tags=tags), items)
    return root / "project"


def infer(project: Path, model: Path | None, **options: Any) -> tuple[InferenceResult, ProjectMeta, list[Item]]:
    root = project.parent
    options = {"data_root": str(root / "data"), "config": CONFIG} | options
    report = infer_windows(project, model, root / "inf", **options)
    result = open_project(root / "inf")
    return report, result.meta, list(result)


def raster(uri: str) -> np.ndarray:
    with rasterio.open(uri) as dataset:
        return dataset.read(1)


def bitmaps(item: Item) -> dict[str, Bitmap]:
    return {entry.class_title: entry.figure for entry in item.objects if isinstance(entry.figure, Bitmap)}


def arguments(project: Path, model: Path, root: Path) -> list[str]:
    text = '{"mode": {"window": {"height": 48, "width": 48}, "min_overlap": {"x": 16, "y": 16}}, "gpu_devices": []}'
    places = {"project": project, "model": model, "data-root": root / "data", "predictions": root / "inf"}
    flags = [part for name, value in places.items() for part in (f"--{name}", str(value))]
    return [*flags, "--metrics", str(root / "metrics.json"), "--config", text, "--image-tags"]
