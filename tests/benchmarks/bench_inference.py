"""How much inference adds to the network: wall time over network time at 5000², and peak memory by scene."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from components.core.geometry import Size, row_bands, sliding_windows
from components.core.imagery import Crop, RasterProfile, raster_writer
from components.core.network.unetv2 import UNetV2
from components.core.project import ImageRef
from components.infer_windows.ahead import ahead
from components.infer_windows.predictor import CPU_BATCH, NetworkPredictor
from components.infer_windows.scene import WindowPlan, predict_scene
from tests.benchmarks.harness import Measurement

NAME = "inference"

SCENE = Size(5000, 5000)
TALL = Size(20_000, 5000)
WIDE = Size(5000, 20_000)
WINDOW = Size(512, 512)
OVERLAP = Size(128, 128)
ENCODER = "vgg16_bn_slim8"
"""The smallest network is the hardest to hide behind; the tutorial's takes about fifty times as long."""

MOST_OVER_NETWORK = 1.05
MOST_MEMORY_MIB = 1000
MOST_GROWTH = 1.15


def run(repeats: int) -> list[Measurement]:
    """Predict a scene of noise, which compresses worst, with the network and with none."""
    with tempfile.TemporaryDirectory() as folder:
        scenes = {size: _scene(Path(folder) / f"{size}.tif", size) for size in (SCENE, TALL, WIDE)}
        with _all_cores():
            overheads = _overheads(scenes[SCENE], Path(folder), min(repeats, 3))
        peaks = {size: [_peak_mib(scene) for _ in range(min(repeats, 3))] for size, scene in scenes.items()}
    return [*overheads, *_memory(peaks)]


def _scene(file: Path, size: Size) -> str:
    random = np.random.default_rng(0)
    with raster_writer(file, RasterProfile(size, bands=3)) as writer:
        for band in row_bands(size, 512):
            writer.write(random.integers(0, 256, (3, band.height, band.width), np.uint8))
    return str(file)


@contextmanager
def _all_cores() -> Iterator[None]:
    """Let the network use the machine as a run of the stage would."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _overheads(scene: str, folder: Path, repeats: int) -> list[Measurement]:
    torch.manual_seed(0)
    predictor = NetworkPredictor(UNetV2(2, ENCODER), WINDOW, torch.device("cpu"))
    image = ImageRef.whole(scene, SCENE)
    plan = WindowPlan(sliding_windows(SCENE, WINDOW, OVERLAP), CPU_BATCH, 2)
    inside, alone, rates = [], [], []
    for repeat in range(repeats + 1):
        predictor.seconds = 0.0
        started = time.perf_counter()
        predict_scene(image, plan, predictor, str(folder / "mask.tif"), str(folder / "confidence.tif"))
        wall = time.perf_counter() - started
        within = predictor.seconds
        if repeat:
            inside.append(wall / within)
            rates.append(SCENE.area / 1e6 / wall)
            alone.append(wall / _network_alone(predictor, image, plan))
    notes = {"windows": len(plan.windows), "batch": CPU_BATCH, "encoder": ENCODER, "threads": torch.get_num_threads()}
    what = f"inference of {SCENE} px, 512/128: wall time over"
    return [
        Measurement.at_most(f"{what} time inside the network", "×", inside, MOST_OVER_NETWORK, **notes),
        Measurement(f"{what} the network's with all cores to itself", "×", tuple(alone), notes=notes),
        Measurement("of these, scenes read, predicted and written", "megapixels/s", tuple(rates), notes=notes),
    ]


def _network_alone(predictor: NetworkPredictor, image: ImageRef, plan: WindowPlan) -> float:
    """Seconds of the network on the same windows, in a thread as in the stage, with nothing beside it."""
    predictor.seconds = 0.0
    for _ in ahead(predictor(image.then(Crop(window)).pixels()[np.newaxis]) for window in plan.windows):
        pass
    return predictor.seconds


def _peak_mib(scene: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.inference_memory", scene]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _memory(peaks: dict[Size, list[float]]) -> list[Measurement]:
    what = "inference without a network, batch 16, 512/128: peak memory"
    growth = [tall / base for tall, base in zip(peaks[TALL], peaks[SCENE], strict=True)]
    return [
        *(
            Measurement.at_most(f"{what} at {size} px", "MiB", values, MOST_MEMORY_MIB)
            for size, values in peaks.items()
        ),
        Measurement.at_most(f"of these, {TALL} px over {SCENE} px", "×", growth, MOST_GROWTH),
    ]
