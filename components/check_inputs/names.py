"""What the pipelines call the step's inputs; apart from the step, for commands that start without what it imports."""

from __future__ import annotations

from collections.abc import Mapping

PARAMETERS: Mapping[str, str] = {
    "masks_uri": "images_masks_uri",
    "bands": "images_bands",
    "data_root": "output_data_root",
    "output_uri": "output_footprints_uri",
    "train_share": "split_tagging_train_share",
    "encoder_weights": "train_config",
    "initial_model_uri": "train_initial_model_uri",
    "inference_config": "infer_config",
    "image_tags": "infer_image_tags",
    "max_shards": "shards_max",
    "mask_value": "images_mask_value",
    "labels": "images_labels",
    "max_bad": "images_max_bad",
}
"""Those with another name: faults use the names of the form."""
