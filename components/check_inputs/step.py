"""The stage as a step of a pipeline."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from components.check_inputs.check_inputs import check_inputs
from components.check_inputs.inputs import TrainingInputs
from components.core.step import Echo, document_text, no_echo, step

log = logging.getLogger(__name__)

DOCUMENTS = ("split_tagging_query", "crop_augment_query", "train_config", "inference_config", "split_masks_query")

PARAMETERS: Mapping[str, str] = {
    "masks_uri": "images_masks_uri",
    "bands": "images_bands",
    "data_root": "output_data_root",
    "output_uri": "output_footprints_uri",
    "train_share": "split_tagging_train_share",
    "encoder_weights": "train_encoder_weights",
    "initial_model_uri": "train_initial_model_uri",
    "inference_config": "infer_config",
    "image_tags": "infer_image_tags",
    "max_shards": "shards_max",
    "mask_value": "images_mask_value",
    "allow_unpaired": "images_allow_unpaired",
    "max_bad": "images_max_bad",
}
"""What the pipelines call the step's inputs, where that is something else: faults are told in the words of the form."""


def run(*, names: Mapping[str, str] = PARAMETERS, echo: Echo = no_echo, **options: Any) -> None:
    """Run the stage; see `TrainingInputs`.

    Args:
        names: What the user calls the inputs, where that is something else.
        echo: Hears that nothing is wrong.
        options: Its inputs; queries and configs as documents.

    Raises:
        InputsError: If anything is wrong; it tells all that is, by the names that the user knows.
    """
    options |= {name: document_text(options[name]) for name in DOCUMENTS}
    with step():
        log.info("%s", check_inputs(TrainingInputs(**options), names))
    echo("nothing is wrong")
