"""Every architecture of the table keeps what training and inference rest on, and so does one that is added."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components.core.documents.start import check_start
from components.core.documents.training import load_config
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.network.architectures import ARCHITECTURES
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import load_model, save_model
from tests.builders import bitmap_meta
from tests.components.core.network.shallow import SHALLOW

ENCODER = "vgg16_bn_slim8"
CLASSES = (bitmap_meta("", "bg").classes[0], bitmap_meta().classes[0])


@pytest.fixture(autouse=True)
def _shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "Shallow", SHALLOW)


def described(name: str) -> ModelConfig:
    return ModelConfig.of(ENCODER, CLASSES, "bg", "neutral", Size(32, 48), name)


@pytest.mark.parametrize("name", [*ARCHITECTURES, "Shallow"])
def test_a_network_maps_bytes_to_logits_and_learns_with_all_its_weights(name: str) -> None:
    network = ARCHITECTURES[name].build(3, ENCODER)
    logits = network(torch.full((2, 3, 32, 48), 200, dtype=torch.uint8))
    assert logits.shape == (2, 3, 32, 48) and network.classes == network.head.out_channels == 3
    logits.square().sum().backward()
    assert [key for key, value in network.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("name", [*ARCHITECTURES, "Shallow"])
def test_a_network_refuses_sizes_and_classes_that_it_cannot_do(name: str) -> None:
    with pytest.raises(ConfigError, match="classes: 1 leaves nothing"):
        ARCHITECTURES[name].build(1, ENCODER)
    with pytest.raises(ConfigError, match=r"image.width: 20 is not a multiple of 16"):
        ARCHITECTURES[name].build(2, ENCODER)(torch.zeros(1, 3, 32, 20))


@pytest.mark.parametrize("name", [*ARCHITECTURES, "Shallow"])
def test_a_model_folder_gives_the_network_back(name: str, tmp_path: Path) -> None:
    network = ARCHITECTURES[name].build(2, ENCODER).eval()
    save_model(tmp_path / "model", network, described(name), {})
    loaded = load_model(tmp_path / "model")
    assert (type(loaded.network), loaded.config.architecture) == (type(network), name)
    image = torch.rand(1, 3, 32, 48) * 255
    assert torch.equal(network(image), loaded.network(image))


def test_a_config_names_one_that_there_is() -> None:
    assert load_config('{"architecture": "Shallow"}').architecture == "Shallow"
    with pytest.raises(
        ConfigError, match=r"config: architecture: 'SegFormer' is not known; use one of UNetV2, (.*, )?Shallow"
    ):
        load_config('{"architecture": "SegFormer"}')


def test_a_training_starts_from_a_model_of_its_own_architecture() -> None:
    config = load_config({"architecture": "Shallow", "encoder": ENCODER})
    check_start(config, None, described("Shallow"))
    with pytest.raises(ConfigError, match=r"architecture: 'Shallow' is not the initial model's; use 'UNetV2'"):
        check_start(config, None, described("UNetV2"))
