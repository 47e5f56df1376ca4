"""The tutorial's five documents, and what a laptop runs instead.

On a cluster they run as printed. A laptop trains by the config `robust` in place of the tutorial's, with the numbers
below, keeps the crops of an image together in training or in validation, looks at mirror images of each window, and
drops objects of which the network is not sure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from components.core.documents.named import READY_MADE, TRAINING_CONFIGS, merged
from components.core.documents.tutorial import INFERENCE_CONFIG

LAPTOP_WINDOW_PX = 256
LAPTOP_OVERLAP_PX = 64
LAPTOP_TRAINVAL_SHARE = 0.6
LAPTOP_SOURCE_SHARE = 0.85
"""Of images for training where whole images go to training or validation: of a few scenes one in twenty may be none."""

LAPTOP_TRAINING: Mapping[str, Any] = {
    "lr": 0.004,
    "epochs": 10,
    "val_every": 2,
    "batch_size": {"train": 4, "val": 8},
    "data_workers": {"train": 0, "val": 0},
    "input_size": {"height": 128, "width": 128},
    "architecture": "UNetV2Small",
    "encoder": "vgg16_bn_slim8",
    "encoder_weights": "none",
}
"""An eighth of the channels, a small decoder, windows at half their resolution, and a short training."""


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
        training=TRAINING_CONFIGS["tutorial"].content(),
        inference=json.loads(INFERENCE_CONFIG.read_text(encoding="utf-8")),
        split_masks=tutorial_query("split_masks"),
    )


def tutorial_query(name: str) -> list[Any]:
    """A ready-made query as it is."""
    layers: list[Any] = READY_MADE[name].content()
    return layers


def laptop_documents() -> RunDocuments:
    """What a run takes that is to end in minutes on two cores, and to be relied on.

    More of the few sample scenes go to training, windows and network are smaller; validation sees images that training
    does not.
    """
    documents = tutorial_documents()
    side = {"width": LAPTOP_WINDOW_PX, "height": LAPTOP_WINDOW_PX}
    overlap = {"x": LAPTOP_OVERLAP_PX, "y": LAPTOP_OVERLAP_PX}
    documents.inference["mode"] |= {"window": side, "min_overlap": overlap, "flips": "both"}
    return replace(
        documents,
        split_tagging=laptop_query("split_tagging"),
        crop_augment=laptop_query("crop_augment_by_source"),
        split_masks=laptop_query("split_masks_confident"),
        training=merged(TRAINING_CONFIGS["robust"].content(), LAPTOP_TRAINING),
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
