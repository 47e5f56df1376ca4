"""Which GPUs a step uses: those that its pod was given, or where nothing placed it, those that its config names."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch

from components.core.errors import ConfigError

log = logging.getLogger(__name__)


def usable_devices(placed: int, named: Sequence[int]) -> Sequence[int]:
    """Choose between the GPUs that a step was placed on and those that its config names: placement decides.

    Args:
        placed: How many GPUs the step asked the cluster for; 0 where nothing placed it, as on a laptop.
        named: The config's `gpu_devices`.

    Returns:
        Indices of GPUs; without a placement some may not exist.

    Raises:
        ConfigError: If fewer are present than the step was placed on.
    """
    if not placed:
        return named
    present = torch.cuda.device_count()
    if present < placed:
        raise ConfigError(
            f"gpus: the step asked for {placed} and sees {present}; check that the node has them and that its driver "
            "works (nvidia-smi in the pod), or change accelerators in node_pools.yaml"
        )
    devices = range(placed)
    if list(named) != list(devices):
        log.info("gpu_devices: %s is ignored: this step was placed on %d GPU(s)", list(named), placed)
    return devices
