"""How fast training windows come out of an imported project: 512² RGB and mask, with flips, one core, warm."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from components.core.geometry import FlipAxis, Size, sliding_windows
from components.core.imagery.recipe import Crop, Flip
from components.core.project import Item, ManifestProject, open_project, write_manifest
from components.import_images.import_images import import_images
from components.train_unet.dataset import WindowDataset
from tests.benchmarks.harness import Measurement, one_core
from tests.builders import CLASS, block_mask, noise, write_raster

NAME = "training_windows"

SCENES = 2
SCENE = Size(5000, 5000)
WINDOW = Size(512, 512)
BLOCKS = 1500
BLOCK = 40
TARGET = 1000


class Rate(NamedTuple):
    """Windows a second."""

    wall: float
    processor: float


def run(repeats: int) -> list[Measurement]:
    """Import scenes as INRIA publishes them, cut and flip them as the tutorial does, and read every window."""
    with tempfile.TemporaryDirectory() as folder, one_core():
        project = _cropped(_imported(Path(folder)), Path(folder))
        windows = WindowDataset(project, np.arange(len(project)), {CLASS: 1}, WINDOW)
        order = np.random.default_rng(0).permutation(len(project))
        _rates(lambda row: windows[row], order)
        both = [_rates(lambda row: windows[row], order) for _ in range(repeats)]
        image = [_rates(lambda row: _pixels(project, row), order) for _ in range(repeats)]
    notes = {"windows": len(project), "order": "shuffled", "threads": 1}
    what = "training windows 512², RGB and mask, flips"
    return [
        Measurement.at_least(f"{what}, one core", "windows/s", [rate.wall for rate in both], TARGET, **notes),
        Measurement(f"{what}, processor time", "windows/s", tuple(rate.processor for rate in both), notes=notes),
        Measurement(
            "of these, the image alone, one core", "windows/s", tuple(rate.wall for rate in image), notes=notes
        ),
    ]


def _imported(root: Path) -> ManifestProject:
    for seed in range(SCENES):
        write_raster(root / "in" / "images" / f"town{seed}.tif", noise(SCENE, seed), photometric="rgb")
        mask = _buildings(seed)
        write_raster(root / "in" / "gt" / f"town{seed}.tif", mask.view(np.uint8) * np.uint8(255))
    import_images(str(root / "in"), "", root / "INRIA", data_root=str(root / "data"), workers=1)
    project = open_project(root / "INRIA")
    assert isinstance(project, ManifestProject)
    return project


def _buildings(seed: int) -> np.ndarray:
    """(H, W) bool: as many small blocks as an INRIA scene has buildings."""
    random = np.random.default_rng(seed)
    mask = block_mask(SCENE, seed, blocks=0)
    for top, left in random.integers(0, SCENE.height - BLOCK, (BLOCKS, 2)):
        mask[top : top + BLOCK, left : left + BLOCK] = True
    return mask


def _cropped(project: ManifestProject, root: Path) -> ManifestProject:
    write_manifest(root / "train", project.meta, (part for item in project for part in _windows_of(item)))
    cropped = open_project(root / "train")
    assert isinstance(cropped, ManifestProject)
    return cropped


def _windows_of(item: Item) -> Iterator[Item]:
    """What the tutorial's query makes of a scene: every window, four ways."""
    assert item.image is not None
    for window in sliding_windows(item.size, WINDOW, Size(0, 0)):
        crop = Item(
            item.dataset,
            f"{item.name}_{window.top}_{window.left}",
            WINDOW,
            item.image.then(Crop(window)),
            objects=tuple(entry.with_figure(part) for entry in item.objects for part in entry.figure.crop(window)),
        )
        flipped = _flipped(crop, FlipAxis.LEFT_RIGHT)
        yield from (crop, flipped, _flipped(crop, FlipAxis.UP_DOWN), _flipped(flipped, FlipAxis.UP_DOWN))


def _flipped(item: Item, axis: FlipAxis) -> Item:
    assert item.image is not None
    objects = tuple(entry.with_figure(entry.figure.flip(axis, item.size)) for entry in item.objects)
    return Item(item.dataset, f"{item.name}_{axis}", item.size, item.image.then(Flip(axis)), objects=objects)


def _pixels(project: ManifestProject, row: int) -> None:
    image = project.item(row).image
    assert image is not None
    np.ascontiguousarray(image.pixels())


def _rates(read: Callable[[int], object], order: np.ndarray) -> Rate:
    """Windows a second over one pass: by the clock, and by the time the processor gave."""
    wall, processor = time.perf_counter(), time.process_time()
    for row in order:
        read(int(row))
    return Rate(len(order) / (time.perf_counter() - wall), len(order) / (time.process_time() - processor))


torch.set_num_threads(1)
cv2.setNumThreads(1)
