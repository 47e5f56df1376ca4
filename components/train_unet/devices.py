"""Where a training runs and in which number format."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch

from components.core.documents.training import WHERE
from components.core.errors import ConfigError
from components.core.network.gpus import usable_devices
from components.core.network.processor import has_native_bfloat16

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]

log = logging.getLogger(__name__)


class NativeBfloat16(NamedTuple):
    """What computes in bfloat16 by instructions of its own.

    Attributes:
        gpu: Whether this machine's GPUs do.
        cpu: Whether its CPU does.
    """

    gpu: bool
    cpu: bool


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """Devices of a training.

    Attributes:
        accelerator: What computes.
        devices: Indices of the GPUs; with "cpu", one entry a process.
        precision: Lightning's name of the number format.
        message: Says in the log what was chosen and why.
        launched: How many processes somebody else started on this training, each with one of these devices; 1 where it
            starts them itself.
    """

    accelerator: Literal["gpu", "cpu"]
    devices: tuple[int, ...]
    precision: Precision
    message: str
    launched: int = 1

    @property
    def world(self) -> int:
        """Number of training processes."""
        return len(self.devices) * self.launched


def device_of_process(local_rank: int, placed: int, named: Sequence[int]) -> Sequence[int]:
    """The GPU of a process that torchrun started: that of its number on its machine, whatever the config names.

    Args:
        local_rank: That number.
        placed: How many GPUs its pod asked for; 0 where nothing placed it.
        named: The config's `gpu_devices`; empty for a training on the CPU, where nothing was placed.

    Returns:
        The GPU's index; empty for the CPU.

    Raises:
        ConfigError: If GPUs are missing.
    """
    usable_devices(placed, (local_rank,))
    if not placed and not named:
        return ()
    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if 0 < present <= local_rank:
        raise ConfigError(
            f"LOCAL_RANK: this is process {local_rank} of its machine, counted from 0, which has {present} GPU(s); "
            f"start at most {present} on each (torchrun --nproc-per-node {present}, numProcPerNode of a TrainJob)"
        )
    if list(named) != [local_rank]:
        log.info("gpu_devices: %s is not used: each process has the GPU of its LOCAL_RANK", list(named))
    return (local_rank,)


def plan_devices(wanted: Sequence[int], precision: str) -> DevicePlan:
    """Choose among the devices of this machine; see `choose_devices`."""
    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    formats = NativeBfloat16(
        gpu=present > 0 and torch.cuda.is_bf16_supported(including_emulation=False), cpu=has_native_bfloat16()
    )
    plan = choose_devices(wanted, present, formats, precision)
    as_wanted = plan.devices == tuple(wanted) if plan.accelerator == "gpu" else not wanted
    log.log(logging.INFO if as_wanted else logging.WARNING, plan.message)
    return plan


def choose_devices(wanted: Sequence[int], present: int, bfloat16: NativeBfloat16, precision: str) -> DevicePlan:
    """Choose devices and number format.

    Args:
        wanted: GPUs that the placement or the config names.
        present: Number of GPUs that this machine has.
        bfloat16: What computes in bfloat16.
        precision: The config's `precision`.

    Returns:
        The plan: the named GPUs that are present, or the CPU.

    Raises:
        ConfigError: If the number format does not go with the device.
    """
    usable = tuple(device for device in wanted if device < present)
    known = f"GPUs wanted: {list(wanted)}, present: {present}"
    if usable:
        chosen = _gpu_precision(bfloat16.gpu, precision)
        lack = "" if len(usable) == len(wanted) else f"; {len(wanted) - len(usable)} fewer than wanted, smaller batches"
        return DevicePlan("gpu", usable, chosen, f"{known}; training on {list(usable)} in {chosen}{lack}")
    if precision == "float16":
        raise ConfigError(f"{WHERE}: precision: 'float16' needs a GPU ({known}); use 'float32' or 'bfloat16'")
    is_half = precision == "bfloat16" or (precision == "auto" and bfloat16.cpu)
    chosen = "bf16-mixed" if is_half else "32-true"
    return DevicePlan("cpu", (0,), chosen, f"{known}; training on the CPU in {chosen}")


def _gpu_precision(has_bfloat16: bool, precision: str) -> Precision:
    if precision == "float32":
        return "32-true"
    if precision == "float16" or (precision == "auto" and not has_bfloat16):
        return "16-mixed"
    if not has_bfloat16:
        raise ConfigError(f"{WHERE}: precision: 'bfloat16' is not supported by this GPU; use 'float16' or 'auto'")
    return "bf16-mixed"
