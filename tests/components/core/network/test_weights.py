"""Encoder weights from files and from torchvision, and what is refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from components.core.errors import ConfigError, DataError
from components.core.network.encoders import encoder_spec
from components.core.network.vgg import VggEncoder
from components.core.network.weights import imagenet_state, load_encoder_state, read_state
from tests.ports import refusing_port

SLIM = "vgg16_bn_slim8"


def slim() -> VggEncoder:
    """A small encoder with weights of its own."""
    return VggEncoder(encoder_spec(SLIM))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("prefix", ["", "encoder."])
def test_weights_survive_a_file(tmp_path: Path, suffix: str, prefix: str) -> None:
    source, target = slim(), slim()
    state = {prefix + name: value for name, value in source.state_dict().items()}
    state["classifier.0.weight"] = torch.zeros(3)
    path = tmp_path / f"weights{suffix}"
    (torch.save if suffix == ".pth" else save_file)(state, path)
    load_encoder_state(target, read_state(path), str(path))
    assert all(torch.equal(value, target.state_dict()[name]) for name, value in source.state_dict().items())


def test_a_state_dict_inside_a_checkpoint_is_found(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "state_dict": slim().state_dict()}, tmp_path / "c.pth")
    assert "features.0.weight" in read_state(tmp_path / "c.pth")


class Malicious:
    """An object whose unpickling would run code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("ran"),))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: torch.save({"features.0.weight": Malicious()}, path),
        lambda path: path.write_bytes(b"not a file of weights"),
        lambda path: path.write_bytes(b""),
    ],
    ids=["code", "garbage", "empty"],
)
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_files_that_hold_no_tensors_are_refused(tmp_path: Path, write: object, name: str) -> None:
    path = tmp_path / name
    write(path)  # type: ignore[operator]
    with pytest.raises(DataError, match=rf"{name} cannot be read"):
        read_state(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    for name, write in (("w.pth", torch.save), ("w.safetensors", save_file)):
        write(slim().state_dict(), tmp_path / name)
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(DataError, match=f"{name} cannot be read"):
            read_state(tmp_path / name)


def test_a_missing_file_and_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.pth is not a file"):
        read_state(tmp_path / "gone.pth")
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(DataError, match="holds no state dict"):
        read_state(tmp_path / "list.pth")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused_by_name(value: float) -> None:
    state = slim().state_dict()
    state["features.3.weight"][0, 0, 0, 0] = value
    with pytest.raises(DataError, match=r"w.pth: features.3.weight holds 1 of 576 values that are NaN or infinite"):
        load_encoder_state(slim(), state, "w.pth")


def test_missing_and_misshapen_tensors_are_named_and_nothing_is_loaded() -> None:
    target = slim()
    before = {name: value.clone() for name, value in target.state_dict().items()}
    state = slim().state_dict()
    with pytest.raises(DataError, match=r"w.pth lacks features.3.weight;"):
        load_encoder_state(target, {k: v for k, v in state.items() if k != "features.3.weight"}, "w.pth")
    state["features.3.weight"] = torch.zeros(8, 9, 3, 3)
    with pytest.raises(DataError, match=r"features.3.weight has shape \(8, 9, 3, 3\), this network needs \(8, 8"):
        load_encoder_state(target, state, "w.pth")
    with pytest.raises(DataError, match=r"holds features.44.weight, which this network does not have"):
        load_encoder_state(target, slim().state_dict() | {"features.44.weight": torch.zeros(1)}, "w.pth")
    assert all(torch.equal(value, target.state_dict()[name]) for name, value in before.items())


def test_imagenet_weights_come_from_the_cache_of_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import VGG11_BN_Weights

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    source = VggEncoder(encoder_spec("vgg11_bn"))
    url = VGG11_BN_Weights.IMAGENET1K_V1.url
    cached = tmp_path / "hub" / "checkpoints" / Path(url).name
    cached.parent.mkdir(parents=True)
    torch.save(source.state_dict(), cached)
    target = VggEncoder(encoder_spec("vgg11_bn"))
    load_encoder_state(target, imagenet_state("vgg11_bn"), "imagenet")
    assert torch.equal(source.features[0].weight, target.features[0].weight)


def test_without_a_network_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    message = r"vgg16_bn-\w+.pth cannot be downloaded .*; fetch the file elsewhere and give"
    with refusing_port() as port, pytest.raises(DataError, match=message):
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        imagenet_state("vgg16_bn")


def test_encoders_without_imagenet_weights_say_which_have_them() -> None:
    with pytest.raises(ConfigError, match="'vgg16_bn_slim8' has no 'imagenet' weights; use 'none', a file, or one of"):
        imagenet_state(SLIM)
