"""A small project and an untrained network for the tests of inference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch

from components.core.figures import Bitmap
from components.core.geometry import Size
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import save_model
from components.core.network.unetv2 import UNetV2
from components.core.project import Item, ProjectMeta, open_project, write_manifest
from components.infer_windows.infer_windows import InferenceReport, infer_windows
from tests.builders import bitmap_meta

SIZE = Size(100, 120)
CONFIG: dict[str, Any] = {
    "mode": {"window": {"height": 48, "width": 48}, "min_overlap": {"x": 16, "y": 16}},
    "gpu_devices": [],
}
ENCODER = "vgg16_bn_slim8"


def save_untrained_model(folder: Path) -> Path:
    """Write an untrained network whose two classes are about as frequent."""
    torch.manual_seed(0)
    network = UNetV2(2, ENCODER).eval()
    with torch.inference_mode():
        logits = network(torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8))
    network.head.bias.data -= logits.mean(dim=(0, 2, 3))
    classes = (bitmap_meta("", "bg").classes[0], bitmap_meta().classes[0])
    save_model(folder, network, ModelConfig.of(ENCODER, classes, "bg", "neutral", Size(32, 32)), {})
    return folder


def write_project(root: Path, items: list[Item]) -> Path:
    tags = tuple(sorted({tag for item in items for tag in item.tags}))
    write_manifest(root / "project", bitmap_meta(tags=tags), items)
    return root / "project"


def infer(project: Path, model: Path | None, **options: Any) -> tuple[InferenceReport, ProjectMeta, list[Item]]:
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
