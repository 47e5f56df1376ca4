"""The tutorial's five documents as it prints them; each runs where no other is given."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent

SPLIT_TAGGING_QUERY = _FOLDER / "split_tagging.query.json"
CROP_AUGMENT_QUERY = _FOLDER / "crop_augment.query.json"
TRAIN_CONFIG = _FOLDER / "train.config.json"
INFERENCE_CONFIG = _FOLDER / "inference.config.json"
SPLIT_MASKS_QUERY = _FOLDER / "split_masks.query.json"
