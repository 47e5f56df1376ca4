"""Training and inference end to end on a GPU: `python -m tests.benchmarks.gpu`; figures in build/bench/gpu.json.

INRIA-shaped scenes of noise with L-shaped buildings, the tutorial's network and documents. What is measured is what
the stages do from a project on disk to a model and to mask rasters, beside what the same network does on batches that
lie in the GPU's memory already. Smaller sizes run on any machine, which shows that the script works, and no GPU.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from components.core.cli import argument_parser, configure_logging
from components.core.documents.inference import load_config as load_inference_config
from components.core.documents.training import load_config as load_train_config
from components.core.documents.tutorial import INFERENCE_CONFIG, TRAIN_CONFIG
from components.core.dtl.run import execute_query
from components.core.geometry import Size, row_bands, sliding_windows
from components.core.imagery import RasterProfile, raster_writer
from components.core.network.architectures import architecture_spec
from components.core.network.loss import segmentation_loss
from components.core.network.model_artifact import load_model
from components.core.project import ImageRef, Item, open_project, write_manifest
from components.infer_windows.infer_windows import infer_windows
from components.infer_windows.predictor import NetworkPredictor, choose_batch_size, choose_device, number_format
from components.train_unet.train_unet import train
from tests.benchmarks.building_masks import building_mask
from tests.benchmarks.harness import Measurement, machine, save, table
from tests.builders import bitmap_meta, mask_object, write_tiled

NAME = "gpu"

CROPS_PER_WINDOW = 4
MOST_TRAINING_S = 240
MOST_INFERENCE_S = 120
LEAST_SHARE = 0.7
DRAWN_SCENES = 12
"""Rasters on disk; more scenes name them again."""


@dataclass(frozen=True, slots=True)
class GpuBenchmark:
    """What is run.

    Attributes:
        scenes: How many are predicted.
        size: Of each, in pixels.
        crops: How many are trained on.
        epochs: Of the training.
        train_config: The tutorial's, with what is asked for.
        inference_config: The same.
        network_s: Seconds that each network runs alone.
    """

    scenes: int
    size: Size
    crops: int
    epochs: int
    train_config: dict[str, Any]
    inference_config: dict[str, Any]
    network_s: float = 10.0

    @classmethod
    def of(cls, scenes: int, size: Size, crops: int, epochs: int, window_px: int, encoder: str) -> GpuBenchmark:
        """The tutorial's documents with windows and an encoder of that size, and weights that start at random."""
        side = {"height": window_px, "width": window_px}
        config = json.loads(TRAIN_CONFIG.read_text()) | {"epochs": epochs, "encoder": encoder}
        config |= {"encoder_weights": "none", "input_size": side, "gpu_devices": [0]}
        inference = json.loads(INFERENCE_CONFIG.read_text())
        inference["mode"] |= {"window": side, "min_overlap": {"x": window_px // 4, "y": window_px // 4}}
        return cls(scenes, size, crops, epochs, config, inference)


def main() -> int:
    """Run both halves; gives the exit status."""
    parser = argument_parser("python -m tests.benchmarks.gpu", __doc__.split("\n")[0])
    parser.add_argument("--scenes", type=int, default=180, help="scenes to predict")
    parser.add_argument("--size-px", type=int, default=5000, help="their height and width")
    parser.add_argument("--crops", type=int, default=10_000, help="crops to train on")
    parser.add_argument("--epochs", type=int, default=5, help="of the training")
    parser.add_argument("--window-px", type=int, default=512, help="height and width of crops and windows")
    parser.add_argument("--encoder", default="vgg16_bn", help="of the network; its weights start at random")
    options = parser.parse_args()
    configure_logging()
    size = Size(options.size_px, options.size_px)
    asked = GpuBenchmark.of(options.scenes, size, options.crops, options.epochs, options.window_px, options.encoder)
    with tempfile.TemporaryDirectory() as name:
        measured = measure(asked, Path(name))
    host = machine() | {"gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none"}
    sys.stdout.write(f"{host['gpu']}, {host['processor']} → {save(NAME, measured, host)}\n{table(measured)}\n")
    return 0


def measure(asked: GpuBenchmark, folder: Path) -> list[Measurement]:
    """Training and inference, each end to end and its network alone."""
    scenes = _scenes(folder, asked)
    crops = _cropped(scenes, folder, asked)
    training, model = _training(crops, folder, asked)
    return [*training, *_inference(scenes, model, folder, asked)]


def _scenes(folder: Path, asked: GpuBenchmark) -> list[Item]:
    """Items of as many scenes as are asked for, over few rasters."""
    drawn = min(DRAWN_SCENES, max(asked.scenes, 1))
    with ThreadPoolExecutor() as pool:
        first = list(pool.map(lambda number: _scene(folder, number, asked.size), range(drawn)))
    return [replace(first[number % drawn], name=f"town{number}") for number in range(asked.scenes)]


def _scene(folder: Path, number: int, size: Size) -> Item:
    random = np.random.default_rng(number)
    mask = building_mask(size, number)
    file = folder / "images" / f"{number}.tif"
    file.parent.mkdir(exist_ok=True)
    with raster_writer(file, RasterProfile(size, bands=3)) as writer:
        for band in row_bands(size, 512):
            roofs = mask[band.slices] * np.uint8(100)
            writer.write(random.integers(0, 156, (3, band.height, band.width), np.uint8) + roofs)
    values = write_tiled(folder / "masks" / f"{number}.tif", mask.view(np.uint8) * np.uint8(255), compress="deflate")
    image = ImageRef.whole(str(file), size)
    return Item("ds", f"town{number}", size, image, ("train",), objects=(mask_object(values, mask),))


def _cropped(scenes: list[Item], folder: Path, asked: GpuBenchmark) -> Path:
    """Every window of as many scenes as give enough crops, four ways; a twentieth of them for validation."""
    window = load_train_config(asked.train_config).input_size.size
    each = CROPS_PER_WINDOW * len(list(sliding_windows(asked.size, window, Size(0, 0))))
    count = -(-asked.crops // each)
    named = [replace(scenes[number % len(scenes)], name=f"part{number}") for number in range(count)]
    write_manifest(folder / "INRIA", bitmap_meta("INRIA", tags=("train",)), named)
    side = {"height": window.height, "width": window.width}
    layers = [
        _layer("data", ["INRIA/*"], "$all", classes_mapping="default"),
        _layer("sliding_window", ["$all"], "$cut", window=side, min_overlap={"x": 0, "y": 0}),
        _layer("flip", ["$cut"], "$mirrored", axis="vertical"),
        _layer("flip", ["$cut", "$mirrored"], "$turned", axis="horizontal"),
        _layer("if", ["$cut", "$mirrored", "$turned"], ["$val", "$train"], condition={"probability": 0.05}),
        _layer("tag", ["$val"], "$not_train", tag="train", action="delete"),
        _layer("tag", ["$not_train"], "$tagged", tag="val", action="add"),
        _layer("supervisely", ["$train", "$tagged"], "crops"),
    ]
    execute_query(json.dumps(layers), [folder / "INRIA"], folder / "crops")
    return folder / "crops"


def _layer(action: str, /, src: list[str], dst: str | list[str], **settings: Any) -> dict[str, Any]:
    return {"action": action, "src": src, "dst": dst, "settings": settings}


def _training(crops: Path, folder: Path, asked: GpuBenchmark) -> tuple[list[Measurement], Path]:
    model = folder / "model"
    items = len(open_project(crops))
    with _watched_gpu() as watched:
        started = time.perf_counter()
        trained = train(crops, model, config=asked.train_config)
        seconds = time.perf_counter() - started
    windows = items * asked.epochs
    alone = _training_rate(asked)
    what = f"training on {items} crops, {asked.epochs} epochs, validation and model included"
    notes = {"encoder": asked.train_config["encoder"], "precision": trained.metrics["precision"], **watched.notes()}
    return [
        Measurement.at_most(what, "s", [seconds], MOST_TRAINING_S, **notes),
        Measurement("of it, crops learnt from or validated on", "windows/s", (windows / seconds,)),
        Measurement("the network alone, learning from one batch", "windows/s", (alone,)),
        Measurement.at_least("of its rate the training reaches", "", [windows / seconds / alone], LEAST_SHARE),
        *watched.measurements("training"),
    ], model


def _training_rate(asked: GpuBenchmark) -> float:
    """Windows a second of forward, backward and optimiser on a batch in the device's memory."""
    config = load_train_config(asked.train_config)
    device = choose_device([0])
    network = (
        architecture_spec(config.architecture).build(2, config.encoder).to(device, memory_format=torch.channels_last)
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=config.lr, fused=device.type == "cuda")
    count, size = config.batch_size.train, config.input_size.size
    image = torch.zeros(count, 3, size.height, size.width, dtype=torch.uint8, device=device)
    mask = torch.zeros_like(image[:, 0])
    dtype = number_format(device, "auto")

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast(device.type, dtype, enabled=dtype is not torch.float32):
            logits = network(image)
        segmentation_loss(logits.float(), mask, 1.0, 1.0).backward()
        optimiser.step()

    return _rate(step, count, device, asked.network_s)


def _inference(scenes: list[Item], model: Path, folder: Path, asked: GpuBenchmark) -> list[Measurement]:
    write_manifest(folder / "scenes", bitmap_meta("scenes", tags=("train",)), scenes)
    config = load_inference_config(asked.inference_config)
    device = choose_device([0])
    loaded = load_model(model)
    predictor = NetworkPredictor(loaded.network, loaded.config.size, device, config.precision)
    batch = choose_batch_size(predictor, config, device)
    side = asked.inference_config["mode"]["window"]
    windows = np.zeros((batch, 3, side["height"], side["width"]), np.uint8)
    alone = _rate(lambda: predictor(windows), batch, device, asked.network_s)
    overlap = asked.inference_config["mode"]["min_overlap"]
    grid = sliding_windows(asked.size, Size(side["height"], side["width"]), Size(overlap["y"], overlap["x"]))
    with _watched_gpu() as watched:
        started = time.perf_counter()
        done = infer_windows(
            folder / "scenes",
            model,
            folder / "predictions",
            data_root=str(folder / "data"),
            config=asked.inference_config,
            image_tags=(),
        )
        seconds = time.perf_counter() - started
    rate = len(list(grid)) * len(scenes) / seconds
    shutil.rmtree(folder / "data")
    what = f"inference of {len(scenes)} scenes of {asked.size} px, from project to mask rasters"
    return [
        Measurement.at_most(what, "s", [seconds], MOST_INFERENCE_S, batch=batch, **watched.notes()),
        Measurement("of it, windows", "windows/s", (rate,)),
        Measurement("the network alone, on one batch", "windows/s", (alone,)),
        Measurement.at_least("of its rate inference reaches", "", [rate / alone], LEAST_SHARE),
        Measurement("of inference, outside the network", "", (1 - done.network_seconds / seconds,)),
        *watched.measurements("inference"),
    ]


def _rate(step: Callable[[], object], count: int, device: torch.device, least_s: float) -> float:
    """Windows a second of a step over so many, after some that do not count."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        step()
    wait()
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < least_s or not steps:
        step()
        steps += 1
        if steps % 10 == 0:
            wait()
    wait()
    return steps * count / (time.perf_counter() - started)


class WatchedGpu:
    """What `nvidia-smi` says of the first GPU while something runs."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self.mebibytes: list[float] = []

    def notes(self) -> dict[str, Any]:
        """How often it was asked."""
        return {"gpu_samples": len(self.shares)}

    def measurements(self, what: str) -> list[Measurement]:
        """Mean utilisation and most memory; nothing where there is no GPU."""
        if not self.shares:
            return []
        return [
            Measurement(f"GPU utilisation in {what}, mean", "%", (sum(self.shares) / len(self.shares),)),
            Measurement(f"GPU memory in {what}, most", "MiB", (max(self.mebibytes),)),
        ]


@contextmanager
def _watched_gpu() -> Iterator[WatchedGpu]:
    """Ask four times a second while the block runs."""
    watched = WatchedGpu()
    program = shutil.which("nvidia-smi")
    if program is None or not torch.cuda.is_available():
        yield watched
        return
    query = "--query-gpu=utilization.gpu,memory.used"
    command = [program, "-i", "0", query, "--format=csv,noheader,nounits", "-lms", "250"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asking:
        try:
            yield watched
        finally:
            asking.terminate()
            said, _ = asking.communicate()
    for line in said.splitlines():
        share, mebibytes = line.split(",")
        watched.shares.append(float(share))
        watched.mebibytes.append(float(mebibytes))


if __name__ == "__main__":
    sys.exit(main())
