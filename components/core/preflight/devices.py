"""GPUs that a config names, and those that its step asks the cluster for."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from components.core.errors import ConfigError

log = logging.getLogger(__name__)


def check_training_devices(devices: Sequence[int], given: bool, gpus: int) -> None:
    """See that a training's GPUs are those that its step gets.

    A config of the user's own that names more would train otherwise than it says, in smaller batches. The tutorial's
    names three, and runs on a site with fewer all the same; GPUs that stay idle cost money and change nothing: both
    are said in the log.

    Args:
        devices: What the config names.
        given: Whether the user's own config says so, not the defaults.
        gpus: How many its step is placed on; 0 for none, where the CPU trains, or where that is not known.

    Raises:
        ConfigError: If devices that the user names are missing.
    """
    missing = [device for device in devices if device >= gpus] if gpus else []
    present = list(range(gpus))
    if missing and given:
        raise ConfigError(
            f"gpu_devices: {list(devices)} names GPUs that the step has not, which is placed on {gpus}; use {present}, "
            "or place train_unet on more in node_pools.yaml"
        )
    if missing:
        log.warning("gpu_devices: %s are named, the step is placed on %d: smaller batches", list(devices), gpus)
    idle = [device for device in present if device not in devices]
    if idle:
        log.warning(
            "gpu_devices: %s leaves %d of the %d GPUs idle that the step asks for; use %s, or ask for fewer",
            list(devices),
            len(idle),
            gpus,
            present,
        )


def check_inference_devices(devices: Sequence[int], gpus: int) -> None:
    """See that inference uses the GPU that its step gets: it takes the first that exists of those that are named.

    Args:
        devices: What the config names; none for the CPU.
        gpus: How many its step is placed on; 0 for none, or where that is not known.

    Raises:
        ConfigError: If all would stay idle.
    """
    if gpus and not any(device < gpus for device in devices):
        named = f"{list(devices)} names none of" if devices else "[] leaves to the CPU what"
        raise ConfigError(
            f"gpu_devices: {named} the {gpus} GPU{'' if gpus == 1 else 's'} that the step is placed on; use [0]"
        )
