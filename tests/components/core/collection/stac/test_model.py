import json
import posixpath
from pathlib import Path
from typing import Any

import pytest
import torch
from stac_model.schema import MLModelProperties

from components.core.collection.stac import document_bytes, model_item, model_place
from components.core.errors import DataError
from components.core.figures import Shape
from components.core.geometry import Size
from components.core.models import model_digest
from components.core.network.description import ModelConfig
from components.core.network.model_artifact import save_model
from components.core.network.unetv2 import UNetV2
from components.core.project.meta import ClassInfo
from tests.components.core.collection.stac.valid import check, links

CLASSES = (ClassInfo("bg", Shape.BITMAP, "#000000"), ClassInfo("building", Shape.BITMAP, "#56e236"))
DOCUMENTS = {
    "metrics.json": {"val": {"iou": 0.7, "loss": 0.2}},
    "data.json": {"training_config": {"encoder_weights": "imagenet", "lr": 0.001}},
}
URI = "s3://models/buildings"


@pytest.fixture(scope="module")
def network() -> UNetV2:
    torch.manual_seed(0)
    return UNetV2(2, "vgg16_bn_slim8")


@pytest.fixture
def folder(tmp_path: Path, network: UNetV2) -> Path:
    config = ModelConfig.of("vgg16_bn_slim8", CLASSES, "bg", "neutral", Size(192, 256))
    save_model(tmp_path / "model", network, config, DOCUMENTS)
    return tmp_path / "model"


def test_a_model_is_described_as_the_extension_asks(folder: Path, network: UNetV2) -> None:
    digest = model_digest(folder)
    found = model_item(folder, URI, digest)

    check(found)
    said = found["properties"]
    read = MLModelProperties.model_validate(said)
    assert "https://stac-extensions.github.io/mlm/v1.5.1/schema.json" in found["stac_extensions"]
    _check_dimensions(said)
    assert read.input[0].input.shape == [-1, 3, 192, 256]
    assert read.output[0].result.shape == [-1, 2, 192, 256]
    assert read.total_parameters == sum(parameter.numel() for parameter in network.parameters())
    assert said["mlm:name"].endswith(digest[:12])
    assert said["mlm:output"][0]["classification:classes"][1]["name"] == "building"
    assert [band["name"] for band in said["bands"]] == said["mlm:input"][0]["bands"]
    assert said["footprints:validation"] == {"iou": 0.7, "loss": 0.2}
    assert (said["mlm:pretrained"], said["mlm:pretrained_source"]) == (True, "ImageNet")


def _check_dimensions(said: dict[str, Any]) -> None:
    """Since MLM 1.5 "bands" and "variables" are names of dimensions just where those are listed."""
    structures = [(entry, entry["input"]) for entry in said["mlm:input"]]
    structures += [(entry, entry["result"]) for entry in said["mlm:output"]]
    for entry, structure in structures:
        assert len(structure["dim_order"]) == len(structure["shape"])
        for name in ("bands", "variables"):
            assert (name in structure["dim_order"]) == bool(entry.get(name))


def test_the_scaling_is_the_networks(folder: Path, network: UNetV2) -> None:
    scaling = model_item(folder, URI, "ab")["properties"]["mlm:input"][0]["value_scaling"]

    assert [known["mean"] for known in scaling] == pytest.approx(network.mean.flatten().tolist(), rel=1e-6)
    assert [known["stddev"] for known in scaling] == pytest.approx(network.std.flatten().tolist(), rel=1e-6)


def test_the_files_of_the_model_are_named_where_they_lie(folder: Path) -> None:
    found = model_item(folder, URI, "0123456789abcdef")

    assert found["id"] == "model-0123456789ab"
    weights = found["assets"]["weights"]
    assert weights["href"] == f"{URI}/model.safetensors"
    assert weights["file:size"] == (folder / "model.safetensors").stat().st_size
    assert weights["roles"] == ["mlm:model", "mlm:weights"] and weights["mlm:artifact_type"]
    assert set(found["assets"]) == {"weights", "config", "metrics"}
    (root,) = links(found, "root")
    assert posixpath.normpath(posixpath.join(posixpath.dirname(model_place("0123456789abcdef")), root)) == (
        "collection.json"
    )


def test_a_model_that_does_not_say_how_it_was_trained_is_described(folder: Path) -> None:
    (folder / "metrics.json").unlink()
    (folder / "data.json").unlink()

    found = model_item(folder, str(folder), "ab")

    check(found)
    assert "mlm:pretrained" not in found["properties"]
    assert set(found["assets"]) == {"weights", "config"}


def test_a_network_as_onnx_is_named_beside_the_weights_or_in_their_place(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"never read")

    found = model_item(folder, URI, "ab")

    check(found)
    onnx = found["assets"]["onnx"]
    assert (onnx["href"], onnx["file:size"]) == (f"{URI}/model.onnx", 10)
    (folder / "model.safetensors").unlink()
    found = model_item(folder, URI, "ab")
    check(found)
    assert "weights" not in found["assets"] and "mlm:total_parameters" not in found["properties"]
    (folder / "model.onnx").unlink()
    with pytest.raises(DataError, match=r"cannot be described .*holds no model.safetensors and no model.onnx"):
        model_item(folder, URI, "ab")


def test_training_from_random_weights_is_told(folder: Path) -> None:
    (folder / "data.json").write_text(json.dumps({"training_config": {"encoder_weights": "none"}}))

    said = model_item(folder, URI, "ab")["properties"]

    assert (said["mlm:pretrained"], said["mlm:pretrained_source"]) == (False, None)


def test_the_same_model_gives_the_same_bytes(folder: Path) -> None:
    assert document_bytes(model_item(folder, URI, "ab")) == document_bytes(model_item(folder, URI, "ab"))


@pytest.mark.parametrize("broken", ["[]", "{}", "no JSON"])
def test_what_is_no_model_is_refused(folder: Path, broken: str) -> None:
    (folder / "config.json").write_text(broken)

    with pytest.raises(DataError, match=r"model: s3://models/buildings: cannot be described"):
        model_item(folder, URI, "ab")
