"""The network as inference uses it: bytes in, probabilities out, on a GPU or on the CPU."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from components.core.documents.inference import WHERE, InferenceConfig
from components.core.documents.inference_modes import SlidingWindowMode
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network.processor import has_native_bfloat16
from components.infer_windows.arrays import Float32, UInt8
from components.infer_windows.fitting import FittingBatches, fastest_batch

CPU_BATCH = 1
"""A CPU's caches hold one window's features; more at once is slower for each."""

FLIPS: dict[str, list[tuple[int, ...]]] = {
    "none": [],
    "left_right": [(3,)],
    "up_down": [(2,)],
    "both": [(3,), (2,), (2, 3)],
}
"""For each value of `flips` the axes of (N, C, H, W) that are mirrored, beside the window as it is."""

log = logging.getLogger(__name__)


class Predictor(Protocol):
    """A network in use."""

    def __call__(self, windows: UInt8) -> Float32:
        """Map (N, 3, H, W) uint8 RGB to (N, C, H, W) float32 probabilities, whose sum over C is 1.

        The array of windows is used again after the call.
        """
        ...


class NetworkPredictor:
    """Applies a network to windows.

    Attributes:
        seconds: Time spent inside the network so far, transfers and softmax included.
    """

    def __init__(
        self,
        network: nn.Module,
        input_size: Size,
        device: torch.device,
        precision: str = "auto",
        flips: str = "none",
    ) -> None:
        """Bring the network to its device.

        Args:
            network: Maps (N, 3, h, w) uint8 RGB to (N, C, h, w) logits.
            input_size: What windows are stretched to before it, in pixels.
            device: Where it computes.
            precision: As in the config.
            flips: As in the config; the mean over the mirror images counts.

        Raises:
            ConfigError: If the device does not know the number format.
        """
        self.seconds = 0.0
        self._flips = FLIPS[flips]
        self._size = (input_size.height, input_size.width)
        self._device = device
        self._fitting = FittingBatches(self._predicted, device, input_size)
        self._dtype = number_format(device, precision)
        log.info("the network computes in %s", str(self._dtype).removeprefix("torch."))
        self._network = network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, windows: UInt8) -> Float32:
        """Map (N, 3, H, W) uint8 RGB to (N, C, H, W) float32 probabilities.

        Windows that do not fit into the memory at once go through it in smaller batches.

        Raises:
            ConfigError: If not even one window fits.
        """
        return self._fitting(windows)

    def seconds_of(self, windows: UInt8) -> float:
        """How long a batch takes, once the device has seen one of its size.

        Raises:
            OutOfMemoryError: If it does not fit into the memory.
        """
        before = self.seconds
        self._predicted(windows)
        warm = self.seconds
        self._predicted(windows)
        taken, self.seconds = self.seconds - warm, before
        return taken

    @torch.inference_mode()
    def _predicted(self, windows: UInt8) -> Float32:
        started = time.perf_counter()
        pixels = torch.from_numpy(windows)
        if self._device.type == "cuda":
            pixels = pixels.pin_memory()
        pixels = pixels.to(self._device, non_blocking=True)
        probabilities = self._probabilities(pixels)
        for axes in self._flips:
            probabilities += self._probabilities(pixels.flip(axes)).flip(axes)
        if self._flips:
            probabilities /= 1 + len(self._flips)
        result: Float32 = _on_host(probabilities.contiguous()).numpy()
        self.seconds += time.perf_counter() - started
        return result

    def _probabilities(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) float32 of (N, 3, H, W) uint8, both on the device."""
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype is not torch.float32):
            logits = self._network(self._stretched(pixels))
        probabilities = torch.softmax(logits.float(), dim=1)
        if probabilities.shape[-2:] != pixels.shape[-2:]:
            probabilities = _bilinear(probabilities, (pixels.shape[-2], pixels.shape[-1]))
        return probabilities

    def _stretched(self, pixels: Tensor) -> Tensor:
        if tuple(pixels.shape[-2:]) != self._size:
            pixels = _bilinear(pixels.float(), self._size)
        return pixels.contiguous(memory_format=torch.channels_last)


def _on_host(values: Tensor) -> Tensor:
    """A copy in memory of the host; from a GPU into pages that stay locked and are used again, which is faster."""
    if values.device.type != "cuda":
        return values.cpu()
    result = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    return result.copy_(values)


def _bilinear(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Stretch (N, C, H, W) to `size`, bilinear between pixel centres."""
    return functional.interpolate(values, size, mode="bilinear", align_corners=False)


def choose_device(wanted: Sequence[int]) -> torch.device:
    """The first GPU of those named that exists, and the CPU where none does; the log says which."""
    present = torch.cuda.device_count() if torch.cuda.is_available() else 0
    for index in wanted:
        if index < present:
            log.info("inference on GPU %d, %s", index, torch.cuda.get_device_name(index))
            return torch.device("cuda", index)
    log.info("GPUs wanted: %s, present: %d; inference on the CPU", list(wanted), present)
    return torch.device("cpu")


def number_format(device: torch.device, precision: str) -> torch.dtype:
    """The number format inside the network.

    Args:
        device: Where it computes.
        precision: As in the config.

    Returns:
        float32, bfloat16 or float16.

    Raises:
        ConfigError: If the device does not know the format.
    """
    if device.type == "cpu":
        if precision == "float16":
            raise ConfigError(f"{WHERE}: precision: 'float16' needs a GPU, and none is available; use 'auto'")
        is_half = precision == "bfloat16" or (precision == "auto" and has_native_bfloat16())
        return torch.bfloat16 if is_half else torch.float32
    has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "bfloat16" and not has_bfloat16:
        raise ConfigError(f"{WHERE}: precision: 'bfloat16' is not supported by this GPU; use 'float16' or 'auto'")
    if precision == "auto":
        return torch.bfloat16 if has_bfloat16 else torch.float16
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]


def choose_batch_size(predictor: NetworkPredictor, config: InferenceConfig, device: torch.device) -> int:
    """Windows that go through the network at once: what the config says, 1 on a CPU, else the fastest by trial.

    Raises:
        ConfigError: If not even one window fits into the memory.
    """
    if config.batch_size is not None:
        return config.batch_size
    if device.type == "cpu" or not isinstance(config.mode, SlidingWindowMode):
        return CPU_BATCH  # regions go one by one
    size = config.mode.window.size
    return fastest_batch(lambda count: predictor.seconds_of(np.zeros((count, 3, size.height, size.width), np.uint8)))
