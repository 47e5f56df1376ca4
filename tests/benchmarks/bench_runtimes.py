"""What runs a network fastest on one core of a CPU, and how far its probabilities are from those of PyTorch in float32.

The laptop's network and the tutorial's, with weights drawn at random, and normalisation and last layer fitted to sample
scenes, so that they decide. CPU time counts, of one thread, so that other work on the machine does not.
`RUNTIMES=laptop` leaves the tutorial's network out, whose windows take seconds.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from torch import Tensor, nn

from components.core.geometry import Size
from components.core.network.allocator import keep_freed_memory
from components.core.network.architectures import architecture_spec
from components.core.network.description import ModelConfig
from components.core.network.folding import folded
from components.core.network.onnx_export import write_onnx
from components.core.network.onnx_network import OnnxNetwork
from components.core.network.processor import has_native_bfloat16
from components.core.network.segmentation import SegmentationNetwork
from components.sample_scenes.sample_scenes import Request, generate
from components.sample_scenes.towns import TOWNS
from pipelines.documents import LAPTOP_TRAINING
from tests.benchmarks.harness import Measurement
from tests.builders import bitmap_meta

NAME = "runtimes"

MODE = os.environ.get("RUNTIMES", "")

LAPTOP = "the laptop's network"
TUTORIAL = "the tutorial's network"

FITTING_STEPS = 200
FITTING_PIXELS = 20_000

Run = Callable[[Tensor], Tensor]
"""Maps (N, 3, H, W) uint8 RGB to (N, C, H, W) float32 probabilities."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A network to be run.

    Attributes:
        what: In words.
        architecture: Name of its architecture.
        encoder: Name of its encoder.
        size: Of its input.
        windows: How many of them are measured at once, one after the other.
        most_repeats: How often at most.
    """

    what: str
    architecture: str
    encoder: str
    size: Size
    windows: int
    most_repeats: int


SUBJECTS = (
    Subject(LAPTOP, LAPTOP_TRAINING["architecture"], LAPTOP_TRAINING["encoder"], Size(128, 128), 32, 10),
    Subject(TUTORIAL, "UNetV2", "vgg16_bn", Size(512, 512), 1, 2),
)


def run(repeats: int) -> list[Measurement]:
    """Measure each runtime on each network."""
    keep_freed_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    subjects = [subject for subject in SUBJECTS if MODE != "laptop" or subject.what == LAPTOP]
    try:
        return [measured for subject in subjects for measured in _measured(subject, repeats)]
    finally:
        torch.set_num_threads(threads)


def _measured(subject: Subject, repeats: int) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as name:
        image, mask = _windows(Path(name), subject.size, max(subject.windows, len(TOWNS)))
        network = _fitted(subject, image, mask)
        image = image[: subject.windows]
        wanted: Tensor | None = None
        for how, ready in _ways(network, _described(subject), Path(name)).items():
            apply = ready()
            found, rates = _timed(apply, image, min(repeats, subject.most_repeats))
            wanted = found if wanted is None else wanted
            yield Measurement(
                f"{subject.what} at {subject.size} px, {how}",
                "windows/s of CPU time",
                tuple(rates),
                notes={
                    "largest_difference": float((found - wanted).abs().max()),
                    "share_of_other_class": float((found.argmax(dim=1) != wanted.argmax(dim=1)).float().mean()),
                    "buildings": float(wanted.argmax(dim=1).float().mean()),
                },
            )


def _ways(network: SegmentationNetwork, config: ModelConfig, folder: Path) -> dict[str, Callable[[], Run]]:
    """What gets each runtime ready; PyTorch as it is comes first, which the others are compared with."""
    ways: dict[str, Callable[[], Run]] = {}
    for dtype in (torch.float32, torch.bfloat16):
        if dtype is torch.float32 or has_native_bfloat16():
            for folds in (False, True):
                for layout in (torch.contiguous_format, torch.channels_last):
                    words = ["torch", str(dtype).removeprefix("torch.")]
                    words += ["channels last"] if layout is torch.channels_last else []
                    words += ["folded"] if folds else []
                    ways[", ".join(words)] = partial(_torch, network, dtype, layout, folds)
    file = folder / "model.onnx"
    write_onnx(file, network, config)
    ways["onnxruntime, float32"] = partial(_onnx, file, config)
    if find_spec("openvino"):
        for precision in ("f32", "bf16") if has_native_bfloat16() else ("f32",):
            ways[f"OpenVINO, {precision}"] = partial(_openvino, file, config, precision)
    return ways


def _torch(network: SegmentationNetwork, dtype: torch.dtype, layout: torch.memory_format, folds: bool) -> Run:
    ready: nn.Module = folded(network) if folds else network
    ready = ready.to(memory_format=layout)  # type: ignore[call-overload]

    def apply(image: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype, enabled=dtype is not torch.float32):
            logits = ready(image.contiguous(memory_format=layout))
        return torch.softmax(logits.float(), dim=1)

    return apply


def _onnx(file: Path, config: ModelConfig) -> Run:
    network = OnnxNetwork(file.read_bytes(), config, str(file))
    return lambda image: torch.softmax(network(image), dim=1)


def _openvino(file: Path, config: ModelConfig, precision: str) -> Run:
    import openvino

    options: dict[str, Any] = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": precision}
    compiled = openvino.Core().compile_model(file, "CPU", options)
    mean, std = (
        torch.tensor(values).view(1, -1, 1, 1) for values in (config.normalisation.mean, config.normalisation.std)
    )

    def apply(image: Tensor) -> Tensor:
        standardised = ((image.float() / 255 - mean) / std).contiguous()
        return torch.from_numpy(compiled(standardised.numpy())[0].copy())

    return apply


def _timed(apply: Run, image: Tensor, repeats: int) -> tuple[Tensor, list[float]]:
    """The probabilities of all windows, one after the other as the stage does it on a CPU, and windows a second."""
    rates = []
    with torch.inference_mode():
        found = torch.cat([apply(window) for window in image.split(1)])
        for _ in range(repeats):
            started = time.process_time()
            for window in image.split(1):
                apply(window)
            rates.append(len(image) / (time.process_time() - started))
    return found, rates


def _described(subject: Subject) -> ModelConfig:
    classes = bitmap_meta("", "bg", "untitled").classes
    return ModelConfig.of(subject.encoder, classes, "bg", "neutral", subject.size, subject.architecture)


def _windows(folder: Path, size: Size, count: int) -> tuple[Tensor, Tensor]:
    """(N, 3, H, W) uint8 pixels of sample scenes, and (N, H, W) int64, 1 where buildings are."""
    per_town, side = -(-count // len(TOWNS)), max(size.height, size.width, 256)
    generate(folder / "scenes", Request(tuple(TOWNS), per_town, Size(side, side)))
    place = np.s_[: size.height, : size.width]
    images, masks = [], []
    for file in sorted((folder / "scenes" / "images").iterdir())[:count]:
        with rasterio.open(file) as image, rasterio.open(folder / "scenes" / "gt" / file.name) as mask:
            images.append(image.read()[(slice(None), *place)])
            masks.append(mask.read(1)[place] > 0)
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks)).long()


def _fitted(subject: Subject, image: Tensor, mask: Tensor) -> SegmentationNetwork:
    """A network whose statistics are of some windows, and whose last layer tells buildings there as well as it can."""
    torch.manual_seed(0)
    network = architecture_spec(subject.architecture).build(2, subject.encoder)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the plain mean over batches
    features: list[Tensor] = []
    hook = network.head.register_forward_pre_hook(lambda _, given: features.append(given[0]))
    few = image[: len(TOWNS)]
    with torch.no_grad():
        for window in few.split(1):
            network.train()(window)
        features.clear()
        for window in few.split(1):
            network.eval()(window)
    hook.remove()
    pixels = torch.cat(features).movedim(1, -1).flatten(0, 2)
    chosen = torch.randint(len(pixels), (FITTING_PIXELS,))
    x, y = pixels[chosen], mask[: len(few)].flatten()[chosen]
    optimizer = torch.optim.Adam(network.head.parameters(), 0.05)
    for _ in range(FITTING_STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network.head(x.T[None, :, None]).squeeze(2)[0].T, y).backward()
        optimizer.step()
    return network.eval()
