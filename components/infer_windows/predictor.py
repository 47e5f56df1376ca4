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
from components.core.network.seen_sizes import scaled
from components.infer_windows.arrays import Float32, UInt8
from components.infer_windows.fitting import FittingBatches, fastest_batch

CPU_BATCH = 1
"""A CPU's caches hold one window's features; more at once is slower for each."""

VIEWS: dict[str, list[tuple[int, bool]]] = {
    "none": [(0, False)],
    "left_right": [(0, False), (0, True)],
    "up_down": [(0, False), (2, True)],
    "both": [(0, False), (0, True), (2, True), (2, False)],
    "eight": [(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)],
}
"""For each value of `flips` how the network sees a window: turned by quarters after it was mirrored left to right."""

log = logging.getLogger(__name__)


class Predictor(Protocol):
    """A network in use."""

    def __call__(self, windows: UInt8) -> Float32:
        """Map (N, bands, H, W) uint8 to (N, C, H, W) float32 probabilities, whose sum over C is 1.

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
        temperature: float = 1.0,
        scales: Sequence[float] = (1.0,),
    ) -> None:
        """Bring the network to its device.

        Args:
            network: Maps (N, bands, h, w) uint8 to (N, C, h, w) logits.
            input_size: What windows are stretched to before it, in pixels.
            device: Where it computes.
            precision: As in the config.
            flips: As in the config; the mean over all views counts.
            temperature: What logits are divided by before they become probabilities.
            scales: As in the config; the mean counts.

        Raises:
            ConfigError: If the device does not know the number format.
        """
        self.seconds = 0.0
        self._views = VIEWS[flips]
        self._sizes = [scaled(input_size, scale) for scale in scales]
        self._temperature = temperature
        self._device = device
        self._fitting = FittingBatches(self._predicted, device, input_size)
        self._dtype = number_format(device, precision)
        log.info("the network computes in %s", str(self._dtype).removeprefix("torch."))
        self._network = network.eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, windows: UInt8) -> Float32:
        """Map (N, bands, H, W) uint8 to (N, C, H, W) float32 probabilities.

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
        probabilities = self._mean_of_views(pixels)
        result: Float32 = _on_host(probabilities.contiguous()).numpy()
        self.seconds += time.perf_counter() - started
        return result

    def _mean_of_views(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) float32 of (N, bands, H, W) uint8, both on the device."""
        total: Tensor | None = None
        for size in self._sizes:
            for quarters, mirrored in self._views:
                seen = _seen(pixels, quarters, mirrored)
                found = _as_it_was(self._probabilities(seen, size), quarters, mirrored)
                total = found if total is None else total.add_(found)
        if total is None:
            raise ValueError("a window is seen at one scale at least")
        views = len(self._sizes) * len(self._views)
        return total if views == 1 else total.div_(views)

    def _probabilities(self, pixels: Tensor, size: Size) -> Tensor:
        """The same of one view, which the network sees at a size."""
        with torch.autocast(self._device.type, self._dtype, enabled=self._dtype is not torch.float32):
            logits = self._network(_stretched(pixels, size))
        probabilities = torch.softmax(logits.float() / self._temperature, dim=1)
        if probabilities.shape[-2:] != pixels.shape[-2:]:
            probabilities = _bilinear(probabilities, (pixels.shape[-2], pixels.shape[-1]))
        return probabilities


def _seen(pixels: Tensor, quarters: int, mirrored: bool) -> Tensor:
    """(N, C, H, W) mirrored left to right, then turned by quarters."""
    return torch.rot90(pixels.flip(3) if mirrored else pixels, quarters, (2, 3))


def _as_it_was(values: Tensor, quarters: int, mirrored: bool) -> Tensor:
    """What `_seen` did, undone."""
    turned = torch.rot90(values, -quarters, (2, 3))
    return turned.flip(3) if mirrored else turned


def _stretched(pixels: Tensor, size: Size) -> Tensor:
    if tuple(pixels.shape[-2:]) != (size.height, size.width):
        pixels = _bilinear(pixels.float(), (size.height, size.width))
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


def choose_batch_size(
    predictor: NetworkPredictor, config: InferenceConfig, device: torch.device, bands: int = 3
) -> int:
    """Windows that go through the network at once: what the config says, 1 on a CPU, else the fastest by trial.

    Raises:
        ConfigError: If not even one window fits into the memory.
    """
    if config.batch_size is not None:
        return config.batch_size
    if device.type == "cpu" or not isinstance(config.mode, SlidingWindowMode):
        return CPU_BATCH  # regions go one by one
    size = config.mode.window.size
    shape = bands, size.height, size.width
    return fastest_batch(lambda count: predictor.seconds_of(np.zeros((count, *shape), np.uint8)))
