"""Networks of segmentation_models_pytorch: its names, its decoders and encoders, and what is refused."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file
from torch import nn

from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.network import smp_names
from components.core.network.architectures import architecture_spec
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import load_model, save_model
from components.core.network.segmentation import SegmentationNetwork
from components.core.network.weights import read_state
from tests.builders import bitmap_meta
from tests.components.core.network.smp_table import offered, works

CLASSES = bitmap_meta("", "bg", "roof").classes[:2]

ENCODERS = {"smp.DPT": "tu-vit_tiny_patch16_224"}
"""For decoders that go with no resnet18."""

DECODERS = smp_names.listed_names().decoders


def build(architecture: str, encoder: str = "", classes: int = 2, bands: int = 3) -> SegmentationNetwork:
    encoder = encoder or ENCODERS.get(architecture, "resnet18")
    return architecture_spec(architecture).build(classes, encoder, bands)


@pytest.fixture()
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something was to be fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_the_list_of_names_is_what_the_locked_version_offers() -> None:
    listed, found = smp_names.listed_names(), offered()
    again = "another version is locked; run python -m tests.components.core.network.smp_table"
    assert {key: getattr(listed, key) for key in found} == found, again


@pytest.mark.parametrize(
    ("decoder", "encoder"), [("smp.DeepLabV3", "vgg11"), ("smp.Linknet", "mit_b0"), ("smp.DPT", "resnet18")]
)
def test_what_is_listed_as_not_going_together_does_not(decoder: str, encoder: str) -> None:
    assert encoder in smp_names.listed_names().refused[decoder]
    assert not works(decoder, encoder)


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("architecture", DECODERS)
def test_every_decoder_maps_bytes_to_logits_and_comes_back_from_its_folder(architecture: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(architecture, classes=3, bands=4).eval()
    assert isinstance(network.last_layer, nn.Conv2d) and network.last_layer.out_channels == 3
    assert any(name.startswith(f"{network.head_name}.") for name in network.state_dict())
    side = 128
    network.check_window(Size(side, side))
    encoder = ENCODERS.get(architecture, "resnet18")
    classes = bitmap_meta("", "bg", "roof", "wall").classes[:3]
    bands = ("red", "green", "blue", "nir")
    described = ModelConfig.of(encoder, classes, "bg", "neutral", Size(side, side), architecture, bands)
    save_model(tmp_path / "model", network, described, {})
    loaded = load_model(tmp_path / "model")
    assert (loaded.config.architecture, loaded.config.encoder) == (architecture, encoder)
    image = torch.randint(0, 256, (1, 4, side, side), dtype=torch.uint8)
    with torch.inference_mode():
        logits = network(image)
        assert logits.shape == (1, 3, side, side)
        assert torch.equal(logits, loaded.network(image))


@pytest.mark.parametrize("architecture", ["smp.DeepLabV3", "smp.PSPNet"])
def test_a_single_window_trains_where_a_layer_normalises_over_the_batch(architecture: str) -> None:
    network = build(architecture).train()
    logits = network(torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8))
    assert logits.shape == (1, 2, 64, 64)
    logits.square().sum().backward()
    assert network.last_layer.weight.grad is not None and torch.isfinite(network.last_layer.weight.grad).all()


def test_sizes_are_multiples_of_32_and_what_a_decoder_cannot_take_is_named() -> None:
    with pytest.raises(ConfigError, match=r"image\.height: 48 is not a multiple of 32; use 32 or 64"):
        build("smp.Unet")(torch.zeros(1, 3, 48, 64))
    with pytest.raises(ConfigError, match=r"'smp.PAN' with the encoder 'resnet18' cannot take windows of 64×64 px"):
        build("smp.PAN").check_window(Size(64, 64))


@pytest.mark.parametrize(
    ("architecture", "encoder", "message"),
    [
        (
            "smp.Unett",
            "resnet18",
            r"architecture: 'smp.Unett' is not known; segmentation-models-pytorch \S+ has smp.Un",
        ),
        ("smp.", "resnet18", r"architecture: 'smp.' is not known"),
        ("smp.encoders", "resnet18", r"architecture: 'smp.encoders' is not known"),
        ("smp.Unet", "resnet35", r"encoder: 'resnet35' is not known; .* among them resnet.*, and those of timm as tu-"),
        ("smp.Unet", "../x", r"encoder: '../x' is no name of an encoder"),
        ("smp.DeepLabV3", "vgg16_bn", r"'vgg16_bn' does not go with the architecture 'smp.DeepLabV3'; use another, su"),
        ("smp.DPT", "resnet18", r"'resnet18' does not go with .*'smp.DPT'; use another, such as 'tu-vit_base"),
        ("smp.Unet", "tu-nothing_like_this", r"'tu-nothing_like_this' with .*'smp.Unet' cannot be built \("),
    ],
)
def test_names_that_nothing_goes_by_are_refused(architecture: str, encoder: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(architecture, encoder)


def test_an_encoders_file_fills_it_and_classifiers_are_left_out(tmp_path: Path) -> None:
    torch.manual_seed(1)
    theirs = smp.Unet("resnet18", encoder_weights=None)
    state = theirs.encoder.state_dict()
    files = {
        "encoder.safetensors": state | {"fc.weight": torch.zeros(10, 512)},
        "network.safetensors": theirs.state_dict(),
        "model.safetensors": {f"model.{name}": value for name, value in theirs.state_dict().items()},
    }
    for name, content in files.items():
        save_file(content, tmp_path / name)
        network = build("smp.Unet")
        network.load_encoder(read_state(tmp_path / name), name)
        assert all(torch.equal(value, state[key]) for key, value in network.encoder.state_dict().items())


def test_a_file_of_another_encoder_is_refused() -> None:
    deeper = smp.Unet("resnet34", encoder_weights=None).encoder.state_dict()
    with pytest.raises(DataError, match=r"weights: w\.pth holds layer1\.2\.conv1\.weight, .* does not have"):
        build("smp.Unet").load_encoder(deeper, "w.pth")
    with pytest.raises(DataError, match=r"weights: w\.pth lacks "):
        build("smp.Unet", "resnet34").load_encoder(build("smp.Unet").encoder.state_dict(), "w.pth")


def test_named_weights_without_network_end_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"'imagenet' of 'resnet18' cannot be fetched \(.*\); fetch the file elsewhere"):
        build("smp.Unet").named_weights("imagenet")
    with pytest.raises(ConfigError, match=r"'ssd' is no name of weights of 'resnet18', which has 'imagenet' or 'ssl'"):
        build("smp.Unet").named_weights("ssd")
    with pytest.raises(DataError, match=r"'imagenet' of 'tu-resnet18' cannot be fetched \("):
        build("smp.Unet", "tu-resnet18").named_weights("imagenet")
