"""How much inference adds to the network: wall time over network time at 5000², its own speed, peak memory by scene."""

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

from components.core.geometry import Size, row_bands
from components.core.imagery import Crop, RasterProfile, raster_writer
from components.core.network.unetv2 import UNetV2
from components.core.project import ImageRef
from components.infer_windows.predictor import CPU_BATCH, NetworkPredictor
from components.infer_windows.prefetch import prefetch
from components.infer_windows.windows import WindowGrid, plan_windows
from tests.benchmarks.harness import Measurement, one_core, seconds
from tests.predicting import run_scene

NAME = "inference"

SCENE = Size(5000, 5000)
SCENES = (SCENE, Size(20_000, 20_000), Size(50_000, 50_000))
"""Of different sizes, which are to take the same memory."""

WINDOW = Size(512, 512)
OVERLAP = Size(128, 128)
GPU_BATCH = 16
ENCODER = "vgg16_bn_slim8"
"""The smallest network is the hardest to hide behind; the tutorial's takes about fifty times as long."""

MOST_OVER_NETWORK = 1.05
LEAST_MEGAPIXELS = 40
"""A second, on one core: so few cores keep up with a GPU."""
MOST_MEMORY_MIB = 1000
MOST_GROWTH = 1.15


def run(repeats: int) -> list[Measurement]:
    """Predict a scene of noise with the network and with none, and ever larger ones that compress well with none."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        noise = _scene(folder / "noise.tif", SCENE)
        with _all_cores():
            overheads = _overheads(noise, folder, min(repeats, 3))
        return [*overheads, _around_network(noise, folder, repeats), *_memory(folder)]


def _scene(file: Path, size: Size) -> str:
    random = np.random.default_rng(0)
    with raster_writer(file, RasterProfile(size, bands=3)) as writer:
        for band in row_bands(size, 512):
            writer.write(random.integers(0, 256, (3, band.height, band.width), np.uint8))
    return str(file)


def _pattern(file: Path, size: Size) -> str:
    """A scene whose tiles are all alike, so that it is written and read in little time and space."""
    rows, columns = np.indices((512, size.width), np.uint16)
    plane = ((3 * rows + 5 * (columns % 512)) % 251).astype(np.uint8)
    tiles = np.broadcast_to(plane, (3, *plane.shape))
    with raster_writer(file, RasterProfile(size, bands=3, compress="zstd", level=1)) as writer:
        for band in row_bands(size, 512):
            writer.write(np.ascontiguousarray(tiles[:, : band.height]))
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
    plan = plan_windows(WindowGrid.of(SCENE, WINDOW, OVERLAP), CPU_BATCH, 2)
    inside, alone, rates = [], [], []
    for repeat in range(repeats + 1):
        predictor.seconds = 0.0
        started = time.perf_counter()
        run_scene(image, plan, predictor, str(folder / "mask.tif"), str(folder / "confidence.tif"))
        wall = time.perf_counter() - started
        within = predictor.seconds
        if repeat:
            inside.append(wall / within)
            rates.append(SCENE.area / 1e6 / wall)
            alone.append(wall / _network_alone(predictor, image))
    notes = {
        "windows": len(plan.grid.windows()),
        "batch": CPU_BATCH,
        "encoder": ENCODER,
        "threads": torch.get_num_threads(),
    }
    what = f"inference of {SCENE} px, 512/128: wall time over"
    return [
        Measurement.at_most(f"{what} time inside the network", "×", inside, MOST_OVER_NETWORK, **notes),
        Measurement(f"{what} the network's with all cores to itself", "×", tuple(alone), notes=notes),
        Measurement("of these, scenes read, predicted and written", "megapixels/s", tuple(rates), notes=notes),
    ]


def _network_alone(predictor: NetworkPredictor, image: ImageRef) -> float:
    """Seconds of the network on the same windows, in a thread as in the stage, with nothing beside it."""
    predictor.seconds = 0.0
    windows = WindowGrid.of(SCENE, WINDOW, OVERLAP).windows()
    for _ in prefetch(predictor(image.then(Crop(window)).pixels()[np.newaxis]) for window in windows):
        pass
    return predictor.seconds


def _around_network(scene: str, folder: Path, repeats: int) -> Measurement:
    """Everything but the network, on one core: reading, blending, deciding, writing."""
    sides = np.linspace(-4, 4, WINDOW.width, dtype=np.float32)
    first = 1 / (1 + np.exp(-8 * np.sin(sides[:, np.newaxis]) * np.cos(sides)))
    given = np.ascontiguousarray(np.broadcast_to(np.stack([first, 1 - first]), (GPU_BATCH, 2, *first.shape)))
    image, plan = ImageRef.whole(scene, SCENE), plan_windows(WindowGrid.of(SCENE, WINDOW, OVERLAP), GPU_BATCH, 2)

    def predict() -> object:
        mask, confidence = str(folder / "mask.tif"), str(folder / "confidence.tif")
        return run_scene(image, plan, lambda windows: given[: len(windows)], mask, confidence)

    with one_core():
        rates = [SCENE.area / 1e6 / taken for taken in seconds(predict, repeats)]
    what = f"everything around the network at {SCENE} px, 512/128, 2 classes, on one core"
    return Measurement.at_least(what, "megapixels/s", rates, LEAST_MEGAPIXELS)


def _memory(folder: Path) -> list[Measurement]:
    what = f"inference of 400 megapixels or more without a network, batch {GPU_BATCH}, 512/128: peak memory"
    peaks = {}
    for size in SCENES:
        scene = _pattern(folder / f"{size}.tif", size)
        peaks[size] = _peak_mib(scene)
        Path(scene).unlink()
    growth = [peaks[size] / peaks[SCENE] for size in SCENES]
    return [
        *(Measurement.at_most(f"{what} at {size} px", "MiB", [peaks[size]], MOST_MEMORY_MIB) for size in SCENES),
        Measurement.at_most(f"of these, the most over {SCENE} px", "×", [max(growth)], MOST_GROWTH),
    ]


def _peak_mib(scene: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.inference_memory", scene]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
