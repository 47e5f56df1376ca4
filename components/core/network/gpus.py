"""Whether a step got the GPUs that it was placed on."""

from __future__ import annotations

import torch

from components.core.errors import ConfigError


def check_gpus(wanted: int, required: bool) -> None:
    """Refuse to go on without the GPUs that a step asked the cluster for.

    Args:
        wanted: How many the step was placed on.
        required: Whether fewer are an error; else the step goes on with what there is, and says so.

    Raises:
        ConfigError: If they are required and fewer are present.
    """
    present = torch.cuda.device_count()
    if required and present < wanted:
        raise ConfigError(
            f"gpus: {wanted} are asked for and {present} are present; see that the node has them and that its driver "
            "works (nvidia-smi in the pod), or set require_gpus to false to go on with what there is"
        )
