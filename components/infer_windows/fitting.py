"""Batches that the device's memory takes: smaller ones where it does not suffice, and the fastest size by trial."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch

from components.core.documents.inference import WHERE
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network.memory import DeviceMemory, is_out_of_memory, largest_that_fits
from components.infer_windows.arrays import Float32, UInt8

FIRST_TRIED = 4
MOST_TRIED = 64
"""Windows in a batch: the host holds a few batches, pixels and probabilities."""

LEAST_GAIN = 0.03
"""Share of a window's time that a batch of twice the size must save to be worth its memory."""

log = logging.getLogger(__name__)


class FittingBatches:
    """Runs batches whole where they fit into the memory, and else in equal parts, from then on.

    A window's probabilities do not depend on the windows beside it, but for what rounding does in batches of another
    size, as in those that `batch_size` asks for.
    """

    def __init__(self, run: Callable[[UInt8], Float32], device: torch.device, input_size: Size) -> None:
        """Begin with batches of any size.

        Args:
            run: Applies the network to (N, bands, H, W) uint8 windows.
            device: Where it computes.
            input_size: What windows are stretched to, in pixels.
        """
        self._run = run
        self._device = device
        self._input_size = input_size
        self._most: dict[Size, int] = {}

    def __call__(self, windows: UInt8) -> Float32:
        """Apply the network.

        Raises:
            ConfigError: If not even one window fits into the memory.
        """
        size = Size(windows.shape[-2], windows.shape[-1])
        while True:
            parts = np.array_split(windows, -(-len(windows) // self._most.get(size, len(windows))))
            try:
                results = [self._run(part) for part in parts]
                return results[0] if len(results) == 1 else np.concatenate(results)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
            self._most[size] = self._fewer(parts[0], size)

    def _fewer(self, windows: UInt8, size: Size) -> int:
        """How many windows fit at once, fewer than these."""
        failed, memory = len(windows), DeviceMemory.of(self._device)
        fitting = largest_that_fits(lambda count: self._run(windows[:count]), failed, self._device)
        if not fitting:
            raise self._too_large(size, memory)
        log.warning(
            "%d windows of %s px do not fit into the memory of the device at once (%s); it goes on with %d. "
            '"batch_size": %d in the inference config saves the trial',
            failed, size, memory, fitting, fitting,
        )  # fmt: skip
        return fitting

    def _too_large(self, size: Size, memory: DeviceMemory) -> ConfigError:
        fix = "use a device with more memory, or a model of a smaller input_size or encoder"
        if size.area > self._input_size.area:
            fix += ", or a smaller mode.window or region"
        return ConfigError(
            f"{WHERE}: not even one window or region of {size} px, which the network sees at {self._input_size}, fits "
            f"into the memory of the device ({memory}); {fix}"
        )


def fastest_batch(seconds_of: Callable[[int], float], first: int = FIRST_TRIED, most: int = MOST_TRIED) -> int:
    """Find how many windows at once take the least time for each, by doubling until it does not pay or does not fit.

    Args:
        seconds_of: Runs a batch of a size, and tells how long that took.
        first: The size to begin with.
        most: The largest to try.

    Returns:
        The size; `first` where not even that fits, since smaller ones are found when it is run.
    """
    best, best_s = first, float("inf")
    size = first
    while size <= most:
        try:
            each_s = seconds_of(size) / size
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            break
        if each_s > best_s * (1 - LEAST_GAIN):
            break
        best, best_s = size, each_s
        size *= 2
    log.info("batches of %d windows", best)
    return best
