"""The ONNX file of a model: what PyTorch computes, what Deepness reads, and nothing that runs code."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor

from components.core.errors import DataError
from components.core.geometry import Size
from components.core.models import ONNX_FILE
from components.core.network.architectures import ARCHITECTURES
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import save_model
from components.core.network.onnx_export import LARGEST_DIFFERENCE, deepness_metadata, write_onnx, write_onnx_or_warn
from components.core.network.onnx_network import OnnxNetwork, load_onnx_network
from components.core.network.unetv2 import UNetV2
from tests.builders import bitmap_meta, noise

ENCODER = "vgg16_bn_slim8"
CLASSES = (bitmap_meta("", "bg").classes[0], bitmap_meta().classes[0])
SIZE = Size(48, 48)


def described(size: Size = SIZE, architecture: str = "UNetV2") -> ModelConfig:
    return ModelConfig.of(ENCODER, CLASSES, "bg", "neutral", size, architecture)


def trained(network: UNetV2) -> UNetV2:
    """A network whose running statistics are of some images, so that its output varies."""
    with torch.no_grad():
        network.train()
        for seed in range(20):
            network(torch.from_numpy(noise(Size(64, 64), seed))[np.newaxis])
    return network


@pytest.fixture(scope="module")
def network() -> UNetV2:
    torch.manual_seed(0)
    return trained(UNetV2(2, ENCODER))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, network: UNetV2) -> Path:
    """A model folder with all its files."""
    folder = tmp_path_factory.mktemp("onnx") / "model"
    save_model(folder, network, described(), {}, lambda fresh: write_onnx_or_warn(fresh, network, described(), 0.3))
    assert network.training, "the export changed the network"
    return folder


def probabilities(network: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = network.eval()(pixels).softmax(dim=1)
    return result


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.from_numpy(np.stack([noise(SIZE, seed) for seed in range(3)]))


def test_the_file_computes_what_torch_does_for_batches_of_any_size(
    folder: Path, network: UNetV2, pixels: torch.Tensor
) -> None:
    loaded, config = load_onnx_network(folder)
    wanted = probabilities(network, pixels)
    network.train()

    assert config == described()
    assert float(wanted[:, 1].std()) > 0.05, "the network says the same of every pixel"
    for batch in (pixels[:1], pixels):
        found = probabilities(loaded, batch)
        assert float((found - wanted[: len(batch)]).abs().max()) <= LARGEST_DIFFERENCE
    strided = pixels.contiguous(memory_format=torch.channels_last)
    assert torch.equal(probabilities(loaded, strided), probabilities(loaded, pixels))


def test_the_file_gives_calibrated_probabilities_and_so_does_what_reads_it(
    network: UNetV2, pixels: torch.Tensor, tmp_path: Path
) -> None:
    config = described().model_copy(update={"temperature": 2.0})
    save_model(tmp_path / "model", network, config, {}, lambda fresh: write_onnx_or_warn(fresh, network, config, 0.3))
    loaded, _ = load_onnx_network(tmp_path / "model")
    with torch.inference_mode():
        logits = network.eval()(pixels)
        calibrated = (loaded(pixels) / 2).softmax(dim=1)
    wanted = (logits / 2).softmax(dim=1)
    assert float((wanted - logits.softmax(dim=1)).abs().max()) > 0.01
    assert float((calibrated - wanted).abs().max()) <= LARGEST_DIFFERENCE
    session = onnxruntime.InferenceSession(tmp_path / "model" / ONNX_FILE, providers=["CPUExecutionProvider"])
    mean, std = (
        np.array(value, np.float32)[:, None, None] for value in (config.normalisation.mean, config.normalisation.std)
    )
    (found,) = session.run(None, {"image": ((pixels.numpy() / np.float32(255)) - mean) / std})
    assert np.abs(found - wanted.numpy()).max() <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "UNetV2"])
def test_every_architecture_can_be_written(name: str, tmp_path: Path) -> None:
    config = described(Size(32, 64), name)
    assert write_onnx(tmp_path / "m.onnx", ARCHITECTURES[name].build(2, ENCODER), config) <= LARGEST_DIFFERENCE


def test_fed_as_deepness_does_the_file_gives_the_most_probable_class(folder: Path, network: UNetV2) -> None:
    """What the plug-in's source does with a tile, by the metadata alone."""
    session = onnxruntime.InferenceSession(folder / ONNX_FILE)
    said = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert [value.shape for value in session.get_inputs()] == [["batch", 3, 48, 48]]
    assert [value.shape for value in session.get_outputs()] == [["batch", 2, 48, 48]]
    tiles = np.stack([noise(SIZE, seed) for seed in (7, 8)]).transpose(0, 2, 3, 1)

    fed = np.float32(tiles * 1.0 / 255.0)
    fed = (fed - np.array(said["standardization_mean"], np.float32)) / np.array(said["standardization_std"], np.float32)
    (result,) = session.run(None, {session.get_inputs()[0].name: fed.transpose(0, 3, 1, 2)})
    result[result < said["seg_thresh"]] = 0
    found = result.argmax(axis=1)

    wanted = probabilities(network, torch.from_numpy(tiles.transpose(0, 3, 1, 2).copy()))
    network.train()
    sure = np.abs(wanted[:, 1].numpy() - 0.5) > LARGEST_DIFFERENCE
    assert sure.mean() > 0.99 and 0 < found.mean() < 1
    assert np.array_equal(found[sure], wanted.argmax(dim=1).numpy()[sure])


def test_the_metadata_is_what_deepness_reads() -> None:
    assert {key: json.loads(value) for key, value in deepness_metadata(described(), 0.3).items()} == {
        "model_type": "Segmentor",
        "class_names": {"0": "bg", "1": "untitled"},
        "resolution": 30,
        "tile_size": 48,
        "tiles_overlap": 25,
        "standardization_mean": [0.485, 0.456, 0.406],
        "standardization_std": [0.229, 0.224, 0.225],
        "seg_thresh": 0.5,
        "seg_small_segment": 0,
    }
    assert "resolution" not in deepness_metadata(described(), None)
    assert "tile_size" not in deepness_metadata(described(Size(48, 64)), None)


def test_with_three_classes_the_threshold_keeps_the_most_probable_one() -> None:
    three = ModelConfig.of(ENCODER, (*CLASSES, bitmap_meta("", "water").classes[0]), "bg", "neutral", SIZE)
    assert json.loads(deepness_metadata(three, None)["seg_thresh"]) == 0.33


def test_the_file_says_nothing_of_where_it_was_made(folder: Path) -> None:
    content = (folder / ONNX_FILE).read_bytes()
    assert b".py" not in content and str(Path.cwd()).encode() not in content
    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version <= 8 and [entry.version for entry in model.opset_import] == [18]


class Undecided(UNetV2):
    """Does one thing or another with an image by what it shows, which no exporter can write down."""

    def segment(self, normalised: Tensor) -> Tensor:
        return super().segment(normalised if normalised.sum() > 0 else -normalised)


def overflowing() -> UNetV2:
    """A network whose logits are infinite, both of them."""
    network = UNetV2(2, ENCODER)
    with torch.no_grad():
        network.head.weight.fill_(3e38)
    return network


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (overflowing, "its probabilities differ from those of torch by nan, above 0.0001"),
        (lambda: Undecided(2, ENCODER), ""),
    ],
)
def test_where_the_file_cannot_be_made_the_model_is_whole_without_it(
    build: Callable[[], UNetV2], reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = build()
    save_model(tmp_path / "m", network, described(), {}, lambda fresh: write_onnx_or_warn(fresh, network, described()))
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["config.json", "model.safetensors"]
    assert f"model.onnx is not written, and the model is whole without it: {reason}" in caplog.text


def test_windows_that_are_not_square_are_told(
    tmp_path: Path, network: UNetV2, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        write_onnx_or_warn(tmp_path, network, described(Size(32, 48)))
    assert (tmp_path / ONNX_FILE).exists()
    assert [record.message.partition(" by ")[0] for record in caplog.records] == [
        "model.onnx differs from torch",
        "model.onnx is for windows of 32×48 px, and Deepness in QGIS takes square ones alone",
    ]


def changed(model: onnx.ModelProto, change: str) -> onnx.ModelProto:
    """A file with one thing wrong."""
    graph = model.graph
    if change == "weights elsewhere":
        onnx.external_data_helper.set_external_data(graph.initializer[0], "../../../etc/passwd")
        graph.initializer[0].data_location = TensorProto.EXTERNAL
    elif change == "weights of a branch elsewhere":
        outside = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
        outside.data_location = TensorProto.EXTERNAL
        inner = helper.make_graph([helper.make_node("Identity", ["w"], ["v"])], "inner", [], [], [outside])
        graph.node.append(helper.make_node("If", ["c"], ["d"], then_branch=inner, else_branch=inner))
    elif change == "operators":
        model.opset_import.append(helper.make_opsetid("com.example", 1))
    elif change == "two outputs":
        graph.output.append(graph.output[0])
    elif change == "size":
        graph.input[0].type.tensor_type.shape.dim[2].dim_value = 64
    elif change == "bytes":
        graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    elif change == "classes":
        next(entry for entry in model.metadata_props if entry.key == "class_names").value = '{"0": "sea"}'
    elif change == "standardisation":
        next(entry for entry in model.metadata_props if entry.key == "standardization_std").value = "nothing"
    elif change == "graph":
        graph.node[0].input[0] = "nowhere"
    return model


@pytest.fixture(scope="module")
def content(folder: Path) -> Iterator[bytes]:
    yield (folder / ONNX_FILE).read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("weights elsewhere", "keeps its weights in other files"),
        ("weights of a branch elsewhere", "keeps its weights in other files"),
        ("operators", r"needs operators of \['com.example'\]"),
        ("two outputs", "its outputs are 2, and one is wanted"),
        ("size", r"its input has the shape \[None, 3, 64, 48\], and the config is of \[None, 3, 48, 48\]"),
        ("bytes", r"its input has the shape .* float32; the two files are of different models"),
        ("classes", "its class_names is {'0': 'sea'}, and the config's is {'0': 'bg', '1': 'untitled'}"),
        ("standardisation", "its standardization_std is nothing, and the config's is"),
        ("graph", "onnxruntime cannot read it"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(content: bytes, change: str, message: str) -> None:
    broken = changed(onnx.load_model_from_string(content), change).SerializeToString()
    with pytest.raises(DataError, match=f"^model: there/model.onnx: {message}"):
        OnnxNetwork(broken, described(), "there/model.onnx")


@pytest.mark.parametrize("broken", [b"", b"GIF89a", b"\x08" * 99, "half"])
def test_a_broken_file_is_refused(content: bytes, broken: Any) -> None:
    with pytest.raises(DataError, match=r"^model: m: "):
        OnnxNetwork(content[: len(content) // 2] if broken == "half" else broken, described(), "m")


def test_a_file_without_metadata_is_taken_by_its_shape(content: bytes, network: UNetV2, pixels: torch.Tensor) -> None:
    model = onnx.load_model_from_string(content)
    del model.metadata_props[:]
    bare = OnnxNetwork(model.SerializeToString(), described(), "m")
    whole = OnnxNetwork(content, described(), "m")
    assert torch.equal(probabilities(bare, pixels), probabilities(whole, pixels))


def test_a_folder_needs_the_file_and_no_other_weights(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", ONNX_FILE):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    load_onnx_network(tmp_path)
    (tmp_path / ONNX_FILE).unlink()
    with pytest.raises(DataError, match=r"model.onnx cannot be read \(No such file"):
        load_onnx_network(tmp_path)
