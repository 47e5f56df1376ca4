"""Memory that does not suffice for a network: the batch that fits, found by trying, and a message that tells it."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch

from components.core.errors import ConfigError

GIBIBYTE = 1 << 30

FREE_SHARE = 0.02
"""Of the memory; stays free while batches are tried: memory falls into pieces as a run goes on."""

ALLOCATORS_SAY = ("DefaultCPUAllocator: can't allocate memory", "Failed to allocate memory")
"""What PyTorch on a CPU and onnxruntime say, whose errors have no class of their own."""

log = logging.getLogger(__name__)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a network failed because the memory does not suffice, of a GPU or of the host."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(said in str(error) for said in ALLOCATORS_SAY)


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Memory of what computes.

    Attributes:
        name: Of the device.
        total_bytes: All of it; 0 where that is not known.
        others_bytes: What the driver and other processes hold of it.
    """

    name: str
    total_bytes: int = 0
    others_bytes: int = 0

    @classmethod
    def of(cls, device: torch.device) -> DeviceMemory:
        """Of a GPU, as it is now; of a CPU nothing is told."""
        if device.type != "cuda":
            return cls(f"the {device.type.upper()}")
        free, total = torch.cuda.mem_get_info(device)
        others = total - free - torch.cuda.memory_reserved(device)
        return cls(torch.cuda.get_device_name(device), total, max(0, others))

    def __str__(self) -> str:
        if not self.total_bytes:
            return self.name
        others = f", of which the driver and other processes hold {self.others_bytes / GIBIBYTE:.1f}"
        return f"{self.name}, {self.total_bytes / GIBIBYTE:.1f} GiB{others}"


def too_large(key: str, batch: int, fitting: int, memory: DeviceMemory, otherwise: str) -> ConfigError:
    """Say that a batch does not fit, and which does.

    Args:
        key: What sets the batch's size, such as "train.config: batch_size.train".
        batch: Its size, which did not fit.
        fitting: The largest that did when smaller ones were tried; 0 for none.
        memory: Of the device.
        otherwise: What helps where not even 1 fits.
    """
    tried = f"smaller batches were tried, with {FREE_SHARE:.0%} of the memory kept free"
    found = f"{tried}: use at most {fitting}" if fitting else f"{tried}, and not even 1 fits: {otherwise}"
    return ConfigError(f"{key}: a batch of {batch} does not fit into the memory of the device ({memory}); {found}")


def largest_that_fits(run: Callable[[int], object], failed: int, device: torch.device, held_bytes: int = 0) -> int:
    """Try smaller batches, each once; every try halves the range of sizes that are left.

    Args:
        run: Does with a batch of a size what failed.
        failed: A size that does not fit.
        device: Where it runs; its memory is to hold nothing that is not needed any more.
        held_bytes: What a run will hold beside what is there now and what `run` takes.

    Returns:
        The largest size that fits, below `failed`; 0 for none.
    """
    held = held_bytes + round(FREE_SHARE * DeviceMemory.of(device).total_bytes)
    fits, too_many = 0, failed
    while too_many - fits > 1:
        size = (fits + too_many) // 2
        if _fits(run, size, device, held):
            fits = size
        else:
            too_many = size
        log.info(
            "out of memory at batch size %d; tried %d, which %s",
            failed,
            size,
            "fits" if fits == size else "does not fit",
        )
    return fits


def _fits(run: Callable[[int], object], size: int, device: torch.device, held_bytes: int) -> bool:
    """The failure is gone before memory is given back: its frames hold what they had computed."""
    give_back(device)
    try:
        held = torch.empty(held_bytes, dtype=torch.uint8, device=device)
        run(size)
        del held
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def give_back(device: torch.device) -> None:
    """Give back memory that nothing uses any more."""
    gc.collect()
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.empty_cache()
