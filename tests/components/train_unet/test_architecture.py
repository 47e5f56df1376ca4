"""A network architecture that is added to the table is trained, loaded, described, and used by inference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from components.core.collection.stac import model_item
from components.core.errors import DataError
from components.core.network.architectures import ARCHITECTURES
from components.core.network.model_artifact import load_model
from components.core.project import open_project
from components.infer_windows.infer_windows import infer_windows
from components.train_unet.train_unet import train
from tests.components.core.network.shallow import SHALLOW, Shallow
from tests.components.train_unet.projects import SIDE, TINY, block_project

INFERENCE = {
    "mode": {"window": {"height": SIDE, "width": SIDE}, "min_overlap": {"x": 0, "y": 0}},
    "gpu_devices": [],
}


def test_an_added_architecture_goes_from_training_to_inference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, model = block_project(tmp_path, 4, 2), tmp_path / "model"
    with monkeypatch.context() as added:
        added.setitem(ARCHITECTURES, "Shallow", SHALLOW)
        result = train(project, model, config=TINY | {"architecture": "Shallow", "epochs": 1})
        assert result.metrics["steps"] == 1
        loaded = load_model(model)
        assert isinstance(loaded.network, Shallow)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            begun = SHALLOW.build(2, TINY["encoder"])
        assert not torch.equal(begun.head.weight, loaded.network.head.weight)  # the step moved it
        infer_windows(
            project, model, tmp_path / "found", data_root=str(tmp_path / "data"), config=INFERENCE, image_tags=()
        )
        assert len(open_project(tmp_path / "found")) == 6
        said = model_item(model, str(model), "ab")["properties"]
        assert (said["mlm:architecture"], said["title"]) == ("Shallow", "Shallow with the encoder vgg16_bn_slim8")
    with pytest.raises(DataError, match=r"config.json: architecture 'Shallow' is none of UNetV2.*; use the release"):
        load_model(model)


def test_models_of_before_there_were_architectures_are_read_and_written_alike(tmp_path: Path) -> None:
    train(block_project(tmp_path, 4, 2), tmp_path / "model", config=TINY | {"epochs": 1})
    file = tmp_path / "model" / "config.json"
    document = json.loads(file.read_text())
    assert list(document)[:3] == ["format_version", "architecture", "encoder"]
    assert document.pop("architecture") == "UNetV2"
    file.write_text(json.dumps(document))
    assert load_model(tmp_path / "model").config.architecture == "UNetV2"
