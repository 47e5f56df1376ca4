"""Encoder weights from files and from torchvision, and what is refused."""

import hashlib
import os
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from components.core.errors import ConfigError, DataError
from components.core.network.encoders import encoder_spec
from components.core.network.vgg import VggEncoder
from components.core.network.weights import hub_file, imagenet_state, load_encoder_state, read_state
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


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which PyTorch keeps what it downloads."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[str, VggEncoder]]:
    """Weights on a web server, under a name with their digest, and the encoder that has them."""
    folder, encoder = tmp_path / "published", slim()
    folder.mkdir()
    torch.save(encoder.state_dict(), folder / "weights.pth")
    digest = hashlib.sha256((folder / "weights.pth").read_bytes()).hexdigest()[:8]
    (folder / "weights.pth").rename(folder / f"weights-{digest}.pth")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/weights-{digest}.pth", encoder
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("cached", [None, b"", b"something else"])
def test_a_cached_file_that_its_name_does_not_fit_is_fetched_again(
    hub: Path, published: tuple[str, VggEncoder], cached: bytes | None
) -> None:
    url, encoder = published
    if cached is not None:
        (hub / Path(url).name).write_bytes(cached)
    file = hub_file(url)
    assert file == hub / Path(url).name
    assert torch.equal(read_state(file)["features.0.weight"], encoder.features[0].weight)


def test_a_cached_file_is_not_fetched_again(hub: Path, published: tuple[str, VggEncoder]) -> None:
    url, _ = published
    first = hub_file(url).stat()
    assert hub_file(url.replace(":", ":1", 1)).stat() == first, "the cache answers for a server that is not there"


def test_a_download_of_other_content_is_refused(hub: Path, published: tuple[str, VggEncoder], tmp_path: Path) -> None:
    url, _ = published
    (tmp_path / "published" / Path(url).name).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"cannot be downloaded .*invalid hash value"):
        hub_file(url)
    assert list(hub.iterdir()) == []


def test_a_url_without_a_digest_is_refused() -> None:
    with pytest.raises(DataError, match="the name holds no digest"):
        hub_file("http://127.0.0.1/weights.pth")


class Evil:
    """Runs code where it is unpickled as it asks for."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.file),)


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))])
def test_a_pickle_that_calls_something_is_refused_and_not_run(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "weights.pth"
    save({"a": Evil(tmp_path / "ran")}, path)
    with pytest.raises(
        DataError, match=r"it holds more than tensors and plain values: posix\.mkdir, which could run code"
    ):
        read_state(path)
    assert not (tmp_path / "ran").exists()


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
