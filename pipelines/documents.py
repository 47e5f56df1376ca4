"""The tutorial's five documents, and the same scaled down for a laptop.

On a cluster they run as printed. A laptop changes the numbers below and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

LAPTOP_WINDOW_PX = 256
LAPTOP_OVERLAP_PX = 64
LAPTOP_TRAINVAL_SHARE = 0.6
LAPTOP_TRAINING: Mapping[str, Any] = {
    "lr": 0.007,
    "lr_schedule": "cosine",
    "epochs": 10,
    "batch_size": {"train": 4, "val": 8},
    "data_workers": {"train": 0, "val": 0},
    "input_size": {"height": 128, "width": 128},
    "encoder": "vgg16_bn_slim8",
    "encoder_weights": "none",
}
"""An eighth of the channels, windows at half their resolution, and a rate that falls to nothing in a short training."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The queries and configs of a training run, each as JSON text.

    Attributes:
        split_tagging: DTL query that tags images for training and testing.
        crop_augment: DTL query that cuts training crops.
        training: Training config.
        inference: Inference config.
        split_masks: DTL query that splits predicted masks.
    """

    split_tagging: str
    crop_augment: str
    training: str
    inference: str
    split_masks: str


def tutorial_documents() -> Documents:
    """The documents as the tutorial prints them."""
    return Documents(
        split_tagging=_text("split_tagging", "split_tagging.query.json"),
        crop_augment=_text("crop_augment", "crop_augment.query.json"),
        training=_text("train_unet", "train.config.json"),
        inference=_text("infer_windows", "inference.config.json"),
        split_masks=_text("split_masks", "split_masks.query.json"),
    )


def laptop_documents() -> Documents:
    """The same, scaled down so that a run ends in minutes on two cores.

    More of the few sample scenes go to training, windows and network are smaller.
    """
    tutorial = tutorial_documents()
    side = {"width": LAPTOP_WINDOW_PX, "height": LAPTOP_WINDOW_PX}
    tagging = json.loads(tutorial.split_tagging)
    for layer in tagging:
        condition = layer["settings"].get("condition", {})
        if "probability" in condition:
            condition["probability"] = LAPTOP_TRAINVAL_SHARE
    cropping = json.loads(tutorial.crop_augment)
    for layer in cropping:
        if layer["action"] == "sliding_window":
            layer["settings"]["window"] = side
    training = {**json.loads(tutorial.training), **LAPTOP_TRAINING}
    inference = json.loads(tutorial.inference)
    inference["mode"] |= {"window": side, "min_overlap": {"x": LAPTOP_OVERLAP_PX, "y": LAPTOP_OVERLAP_PX}}
    return Documents(
        split_tagging=json.dumps(tagging),
        crop_augment=json.dumps(cropping),
        training=json.dumps(training),
        inference=json.dumps(inference),
        split_masks=tutorial.split_masks,
    )


def _text(stage: str, name: str) -> str:
    """The document on one line: Kubeflow's compiler copies defaults into a comment of one line."""
    return json.dumps(json.loads(files(f"components.{stage}").joinpath(name).read_text(encoding="utf-8")))
