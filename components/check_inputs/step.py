"""The stage as a step of a pipeline."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from components.check_inputs.check_inputs import check_inputs
from components.check_inputs.inputs import TrainingInputs
from components.check_inputs.names import PARAMETERS
from components.core.documents.imagery import with_flags
from components.core.step import Echo, document_text, no_echo, step

log = logging.getLogger(__name__)

DOCUMENTS = (
    "split_tagging_query",
    "crop_augment_query",
    "train_config",
    "inference_config",
    "split_masks_query",
    "promote_config",
    "labels",
    "images_options",
)


def run(
    *, allow_unpaired: bool = False, names: Mapping[str, str] = PARAMETERS, echo: Echo = no_echo, **options: Any
) -> None:
    """Run the stage; see `TrainingInputs`.

    Args:
        allow_unpaired: Whether images without a mask, where others have one, show no building.
        names: What the user calls the inputs, where that is something else.
        echo: Hears that nothing is wrong.
        options: Its inputs; queries and configs as documents.

    Raises:
        InputsError: If anything is wrong; it lists all faults, by the names that the user knows.
    """
    options |= {name: document_text(options[name]) for name in DOCUMENTS}
    with step():
        options["images_options"] = with_flags(options["images_options"], allow_unpaired=allow_unpaired)
        log.info("%s", check_inputs(TrainingInputs(**options), names))
    echo("nothing is wrong")
