"""The ONNX file that a training writes beside the weights."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from affine import Affine

from components.core.geometry import Size
from components.core.models import ONNX_FILE
from components.core.network.model_artifact import load_model
from components.core.network.onnx_export import LARGEST_DIFFERENCE
from components.core.network.onnx_network import load_onnx_network
from components.core.project import open_project, write_manifest
from components.train_unet.train_unet import train
from tests.builders import bitmap_meta, noise
from tests.components.train_unet.projects import SIDE, TINY, block_project


def test_the_network_is_written_as_onnx_with_the_resolution_that_it_sees(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Items of 32 px at 0.3 m are stretched to 48, where pixels are 0.2 m wide."""
    place = Affine(0.3, 0, 500_000, 0, -0.3, 5_300_000)
    placed = []
    for item in open_project(block_project(tmp_path / "blocks", 4, 2, side=32)):
        assert item.image is not None
        placed.append(replace(item, image=replace(item.image, crs="EPSG:32633", transform=place)))
    write_manifest(tmp_path / "project", bitmap_meta("blocks", tags=("train", "val")), placed)

    with caplog.at_level(logging.INFO):
        train(tmp_path / "project", tmp_path / "model", config=TINY | {"epochs": 1, "onnx": True})

    assert "model.onnx differs from torch by " in caplog.text
    network, config = load_onnx_network(tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    pixels = torch.from_numpy(noise(Size(SIDE, SIDE)))[None]
    with torch.inference_mode():
        difference = network(pixels).softmax(1) - loaded.network(pixels).softmax(1)
    assert config == loaded.config and float(difference.abs().max()) <= LARGEST_DIFFERENCE
    metadata = {entry.key: entry.value for entry in onnx.load(tmp_path / "model" / ONNX_FILE).metadata_props}
    assert json.loads(metadata["resolution"]) == pytest.approx(20, rel=1e-3)
