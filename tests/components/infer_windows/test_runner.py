"""Scenes one after the other: a scene that fails takes nothing from the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from components.core.documents.inference import load_config
from components.core.errors import ConfigError, DataError, FootprintsError
from components.core.geometry import Size
from components.core.project import ImageRef, Item, open_project, write_manifest
from components.core.skip_budget import SkipBudget
from components.infer_windows.predictor import NetworkPredictor
from components.infer_windows.runner import RunSettings, SceneInference, prepare, run_scenes
from tests.builders import bitmap_meta, noise, write_tiled
from tests.components.core.network.hungry import HungryUNet
from tests.components.infer_windows.small import raster

SIZE = Size(200, 200)
CONFIG = load_config({"mode": {"window": {"height": 32, "width": 32}, "min_overlap": {"x": 8, "y": 8}}})


class Fragile(nn.Module):
    """Cannot bear black; counts how often it saw it."""

    def __init__(self) -> None:
        super().__init__()
        self.black = 0

    def forward(self, image: Tensor) -> Tensor:
        self.black += not image.any()
        red = image[:, :1].float()
        return torch.log(torch.cat([red, 255 - red], dim=1) * torch.where(red.amax() > 0, 1, torch.nan))


@pytest.fixture
def network() -> Fragile:
    return Fragile()


Prepared = list[tuple[str, Callable[[], SceneInference]]]


def prepared(project: Path, rows: Sequence[int], settings: RunSettings) -> Prepared:
    source = open_project(project)
    return [(source.label(row), partial(prepare, source.item(row), settings)) for row in rows]


@pytest.fixture
def scenes(tmp_path: Path) -> Prepared:
    images = [noise(SIZE, 1), np.zeros((3, 200, 200), np.uint8), noise(SIZE, 2)]
    uris = [write_tiled(tmp_path / f"{number}.tif", pixels) for number, pixels in enumerate(images)]
    items = [Item("ds", f"{number}", SIZE, ImageRef.whole(uri, SIZE)) for number, uri in enumerate(uris)]
    write_manifest(tmp_path / "project", bitmap_meta(), [*items, Item("ds", "none", SIZE)])
    settings = RunSettings(CONFIG, channels=2, batch_size=2, model="model", data_root=str(tmp_path / "data"))
    return prepared(tmp_path / "project", [0, 1, 2, 3], settings)


def test_a_scene_that_fails_takes_nothing_from_the_next(scenes: Prepared, network: Fragile, tmp_path: Path) -> None:
    done, failed = [], []
    predictor = NetworkPredictor(network, Size(32, 32), torch.device("cpu"))
    for label, finish in run_scenes(scenes, predictor):
        try:
            done.append(finish())
        except DataError as error:
            failed.append((label, str(error)))

    assert [job.item.name for job in done] == ["0", "2"]
    assert [label for label, _ in failed] == ["ds/1", "ds/none"]
    assert "network output contains NaN" in failed[0][1]
    for job in done:
        assert sum(extent.area for extent in job.extents[0]) == SIZE.area
        assert all(Path(uri).exists() for files in job.files for uri in (files.part.mask, files.record))
    assert len(list((tmp_path / "data" / "predictions").iterdir())) == 2 * 5
    windows = len(done[0].plan.grid.windows())
    assert 0 < network.black < windows / 2 / 2, "the rest of a failed scene was run"


def test_a_window_that_does_not_fit_ends_the_run_and_is_no_scenes_fault(project: Path, tmp_path: Path) -> None:
    predictor = NetworkPredictor(HungryUNet(learns=0, looks=0), Size(32, 32), torch.device("cpu"))
    settings = RunSettings(CONFIG, channels=2, batch_size=6, model="m", data_root=str(tmp_path / "data"))
    with pytest.raises(ConfigError, match=r"not even one window or region of 32×32 px, .* fits into the memory"):
        for _, finish in run_scenes(prepared(project, [0, 1], settings), predictor):
            finish()


def test_batches_that_do_not_fit_give_the_rasters_of_smaller_ones(project: Path, tmp_path: Path) -> None:
    """The network has room for two windows at once: batches of six become three of two."""
    torch.manual_seed(0)
    network = HungryUNet(learns=0, looks=2)
    rasters = []
    for batch_size in (2, 6):
        predictor = NetworkPredictor(network, Size(32, 32), torch.device("cpu"), "float32")
        root = str(tmp_path / f"by{batch_size}")
        settings = RunSettings(CONFIG, channels=2, batch_size=batch_size, model="m", data_root=root)
        jobs = [finish() for _, finish in run_scenes(prepared(project, [0, 1], settings), predictor)]
        parts = [files.part for job in jobs for files in job.files]
        rasters.append([raster(uri) for part in parts for uri in (part.mask, part.confidence)])
    assert max(network.seen) == 6
    assert all(np.array_equal(one, other) for one, other in zip(*rasters, strict=True))


class Failing(nn.Module):
    """Fails as a GPU does that is lost."""

    def forward(self, image: Tensor) -> Tensor:
        raise RuntimeError("CUDA error: unspecified launch failure")


def test_a_network_that_fails_ends_the_run_and_is_no_scenes_fault(scenes: Prepared) -> None:
    predictor = NetworkPredictor(Failing(), Size(32, 32), torch.device("cpu"))
    budget = SkipBudget(99, 4, allow_empty=True)
    with pytest.raises(FootprintsError, match="the network's forward pass failed: RuntimeError: CUDA error"):
        for label, finish in run_scenes(scenes, predictor):
            with budget.tolerated(label):
                finish()
    assert budget.skipped == []
