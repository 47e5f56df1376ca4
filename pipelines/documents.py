"""The tutorial's five documents, and the same scaled down for a laptop.

On a cluster they run as printed. A laptop changes the numbers below and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.core.documents import tutorial
from components.core.documents.ready_made import READY_MADE

LAPTOP_WINDOW_PX = 256
LAPTOP_OVERLAP_PX = 64
LAPTOP_TRAINVAL_SHARE = 0.6
LAPTOP_SOURCE_SHARE = 0.8
"""Of images for training where whole images go to training or validation: of a few scenes one in twenty may be none."""

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
class RunDocuments:
    """The queries and configs of a training run, as the pipeline's parameters hold them.

    Attributes:
        split_tagging: DTL query that tags images for training and testing.
        crop_augment: DTL query that cuts training crops.
        training: Training config.
        inference: Inference config.
        split_masks: DTL query that splits predicted masks.
    """

    split_tagging: list[Any]
    crop_augment: list[Any]
    training: dict[str, Any]
    inference: dict[str, Any]
    split_masks: list[Any]


def tutorial_documents() -> RunDocuments:
    """The documents as the tutorial prints them."""
    return RunDocuments(
        split_tagging=tutorial_query("split_tagging"),
        crop_augment=tutorial_query("crop_augment"),
        training=_document(tutorial.TRAIN_CONFIG),
        inference=_document(tutorial.INFERENCE_CONFIG),
        split_masks=tutorial_query("split_masks"),
    )


def tutorial_query(name: str) -> list[Any]:
    """A ready-made query as it is."""
    return _document(READY_MADE[name].file)


def laptop_documents() -> RunDocuments:
    """The same, scaled down so that a run ends in minutes on two cores.

    More of the few sample scenes go to training, windows and network are smaller.
    """
    documents = tutorial_documents()
    documents.training.update(LAPTOP_TRAINING)
    side = {"width": LAPTOP_WINDOW_PX, "height": LAPTOP_WINDOW_PX}
    overlap = {"x": LAPTOP_OVERLAP_PX, "y": LAPTOP_OVERLAP_PX}
    documents.inference["mode"] |= {"window": side, "min_overlap": overlap}
    return replace(
        documents,
        split_tagging=laptop_query("split_tagging"),
        crop_augment=laptop_query("crop_augment"),
        split_masks=laptop_query("split_masks"),
    )


def laptop_query(name: str) -> list[Any]:
    """A ready-made query, scaled down in the same way."""
    layers = tutorial_query(name)
    for layer in layers:
        settings = layer["settings"]
        if layer["action"] == "sliding_window":
            settings["window"] = {"width": LAPTOP_WINDOW_PX, "height": LAPTOP_WINDOW_PX}
        elif "probability" in (condition := settings.get("condition", {})):
            if name == "split_tagging":
                condition["probability"] = LAPTOP_TRAINVAL_SHARE
            elif condition.get("group_by") == "source":
                condition["probability"] = LAPTOP_SOURCE_SHARE
    return layers


def _document(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
