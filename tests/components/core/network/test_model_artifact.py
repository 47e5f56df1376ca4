"""The model folder: what is written is read again, and what is broken is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from components.core.errors import DataError
from components.core.figures import Shape
from components.core.geometry import Size
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import load_model, save_model
from components.core.network.unetv2 import UNetV2
from components.core.project.meta import ClassInfo

CLASSES = (ClassInfo("bg", Shape.BITMAP, "#000000"), ClassInfo("untitled", Shape.POLYGON, "#d59fa5"))
CONFIG = ModelConfig.of("vgg16_bn_slim8", CLASSES, "bg", "neutral", Size(96, 128))


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    """A model folder with random weights."""
    save_model(tmp_path / "model", UNetV2(2, CONFIG.encoder), CONFIG, {"metrics.json": {"iou": 0.5}})
    return tmp_path / "model"


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    network = UNetV2(2, CONFIG.encoder)
    network(torch.rand(2, 3, 32, 32) * 255)  # moves the running statistics
    save_model(tmp_path / "model", network, CONFIG, {"metrics.json": {"iou": 0.5}})
    loaded = load_model(tmp_path / "model")
    assert loaded.config == CONFIG
    assert loaded.config.class_infos == CLASSES
    assert loaded.config.size == Size(96, 128)
    assert not loaded.network.training
    ours, theirs = network.state_dict(), loaded.network.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())
    assert json.loads((tmp_path / "model" / "metrics.json").read_text()) == {"iou": 0.5}


def test_a_model_replaces_an_older_one_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    save_model(folder, UNetV2(2, CONFIG.encoder), CONFIG, {})
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("mine")
    with pytest.raises(DataError, match="thesis holds something that is not a model"):
        save_model(other, UNetV2(2, CONFIG.encoder), CONFIG, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "thesis"]


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_model(tmp_path / "model", UNetV2(2, CONFIG.encoder), CONFIG, {"metrics.json": {"iou": float("nan")}})
    network = UNetV2(2, CONFIG.encoder)
    network.head.weight.data[0, 0] = float("nan")
    with pytest.raises(DataError, match=r"head.weight holds 1 of 16 values"):
        save_model(tmp_path / "model", network, CONFIG, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 7}, "format_version is 7, this code reads 1"),
        ({"architecture": "SegFormer"}, "architecture 'SegFormer' is none of UNetV2"),
        ({"encoder": "resnet"}, "encoder 'resnet' is none of"),
        ({"classes": [{"title": "bg", "shape": "bitmap", "color": "#000000"}]}, "background, first, and at least one"),
        ({"input_size": {"height": 96}}, "input_size.width: Field required"),
        ({"input_size": {"height": 0, "width": 96}}, "input_size.height: 0 is not a multiple of 16; use 16; fetch"),
        ({"input_size": {"height": 96, "width": 1048576}}, "input_size.width: 1048576 is above 8192"),
        ({"normalisation": {"mean": [0, 0, 0], "std": [1, 1, 1]}}, "is not what networks here do"),
        ({"extra": 1}, "extra: Extra inputs are not permitted"),
    ],
)
def test_a_config_that_cannot_be_honoured_is_refused(folder: Path, change: dict[str, Any], message: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=message):
        load_model(folder)


def test_missing_and_broken_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"config.json cannot be read \(No such file"):
        load_model(tmp_path / "elsewhere")
    (folder / "model.safetensors").unlink()
    with pytest.raises(DataError, match=r"model.safetensors is not a file"):
        load_model(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config.json is not JSON"):
        load_model(folder)


def test_weights_that_do_not_fit_or_are_no_numbers_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    good = load_file(path)
    save_file(good | {"head.bias": torch.tensor([0.0, float("inf")])}, path)
    with pytest.raises(DataError, match=r"head.bias holds 1 of 2 values"):
        load_model(folder)
    save_file(good | {"head.bias": torch.zeros(3)}, path)
    with pytest.raises(DataError, match=r"head.bias has shape \(3,\), this network needs \(2,\)"):
        load_model(folder)
