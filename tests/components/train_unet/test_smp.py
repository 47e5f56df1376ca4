"""A network of segmentation_models_pytorch goes through training, checkpoints and inference as our own do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file, save_file

from components.core.collection.stac import model_item
from components.core.documents.training import load_config
from components.core.errors import ConfigError, DataError
from components.core.network.model_artifact import load_model
from components.core.project import open_project, write_manifest
from components.infer_windows.infer_windows import infer_windows
from components.train_unet.train_unet import train
from tests.builders import bitmap_meta
from tests.components.train_unet.projects import TINY, block_item, block_project, covered_item

SIDE = 64

CONFIG: dict[str, Any] = TINY | {
    "architecture": "smp.Unet",
    "encoder": "resnet18",
    "input_size": {"height": SIDE, "width": SIDE},
    "epochs": 1,
    "ema_decay": 0.9,
    "recompute_statistics": 4,
    "head_scale": 0.1,
    "gradient_clip": 1.0,
    "optimizer": "adamw",
}

INFERENCE = {
    "mode": {"window": {"height": SIDE, "width": SIDE}, "min_overlap": {"x": 0, "y": 0}},
    "gpu_devices": [],
}


def test_a_training_gives_a_model_that_finds_more_than_one_class(tmp_path: Path) -> None:
    items = [covered_item(tmp_path, 20, "wall", SIDE), *(block_item(tmp_path, i, ("train",), SIDE) for i in range(3))]
    items += [block_item(tmp_path, 9, ("val",), SIDE)]
    write_manifest(tmp_path / "project", bitmap_meta("blocks", "untitled", "wall", tags=("train", "val")), items)
    train(tmp_path / "project", tmp_path / "model", config=CONFIG)
    described = json.loads((tmp_path / "model" / "config.json").read_text())
    assert (described["architecture"], described["encoder"]) == ("smp.Unet", "resnet18")
    assert load_model(tmp_path / "model").network.last_layer.out_channels == 3
    infer_windows(
        tmp_path / "project", tmp_path / "model", tmp_path / "found",
        data_root=str(tmp_path / "data"), config=INFERENCE, image_tags=(),
    )  # fmt: skip
    assert len(open_project(tmp_path / "found")) == 5
    said = model_item(tmp_path / "model", str(tmp_path / "model"), "ab")["properties"]
    assert (said["mlm:architecture"], said["title"]) == ("smp.Unet", "smp.Unet with the encoder resnet18")


def test_a_training_starts_from_an_encoders_file_with_a_small_last_layer(tmp_path: Path) -> None:
    torch.manual_seed(5)
    state = smp.Unet("resnet18", encoder_weights=None).encoder.state_dict()
    save_file(state, tmp_path / "resnet18.safetensors")
    still = CONFIG | {"lr": 1e-12, "weight_decay": 0.0, "ema_decay": 0.0, "recompute_statistics": 0}
    project = block_project(tmp_path, 4, 2, side=SIDE)
    weights = {}
    for scale in (1.0, 0.5):
        place = tmp_path / f"model{scale}"
        train(
            project, place, config=still | {"head_scale": scale}, encoder_weights=str(tmp_path / "resnet18.safetensors")
        )
        weights[scale] = load_file(place / "model.safetensors")
    name = "conv1.weight"
    assert torch.allclose(weights[1.0][f"model.encoder.{name}"], state[name], atol=1e-9)
    head = "model.segmentation_head.0.weight"
    assert torch.allclose(weights[0.5][head], 0.5 * weights[1.0][head], atol=1e-9)


def test_a_model_is_gone_on_from_without_its_last_layer(tmp_path: Path) -> None:
    project = block_project(tmp_path, 4, 2, side=SIDE)
    train(project, tmp_path / "first", config=CONFIG)
    still = CONFIG | {"lr": 1e-12, "weight_decay": 0.0, "ema_decay": 0.0, "recompute_statistics": 0, "seed": 9}
    train(project, tmp_path / "second", config=still, initial_model=str(tmp_path / "first"))
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("first", "second"))
    changed = {
        name
        for name, value in first.items()
        if name.endswith("weight") and not np.allclose(value, second[name], atol=1e-6)
    }
    assert changed == {"model.segmentation_head.0.weight"}


def test_sides_and_names_are_checked_with_the_config() -> None:
    assert load_config(CONFIG).architecture == "smp.Unet"
    wrong = CONFIG | {"input_size": {"height": 48, "width": 64}, "encoder": "resnet19"}
    with pytest.raises(
        ConfigError, match=r"input_size.height: 48 is not a multiple of 32; .*encoder: 'resnet19' is not"
    ):
        load_config(wrong)
    with pytest.raises(
        ConfigError, match=r"train.config: encoder: 'vgg11' does not go with the architecture 'smp.PAN'"
    ):
        load_config(CONFIG | {"architecture": "smp.PAN", "encoder": "vgg11"})


def test_a_model_of_names_that_cannot_be_is_refused_and_of_another_version_told(tmp_path: Path) -> None:
    train(block_project(tmp_path, 4, 2, side=SIDE), tmp_path / "model", config=CONFIG)
    file = tmp_path / "model" / "config.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | {"architecture": "smp.os.system"}))
    with pytest.raises(
        DataError, match=r"config.json: architecture 'smp.os.system' and encoder 'resnet18' are no names"
    ):
        load_model(tmp_path / "model")
    file.write_text(json.dumps(document | {"architecture": "smp.Later"}))
    with pytest.raises(DataError, match=r"config.json: architecture: 'smp.Later' is not known; .*; use the release"):
        load_model(tmp_path / "model")
