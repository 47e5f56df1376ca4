"""Model folders: what identifies them, and where they may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core import storage
from components.core.errors import DataError
from components.core.models import CONFIG_FILE, ONNX_FILE, WEIGHTS_FILE, local_model, model_digest, network_digest
from tests.s3_server import S3Server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    result = tmp_path / "model"
    result.mkdir()
    (result / CONFIG_FILE).write_text("{}")
    (result / WEIGHTS_FILE).write_bytes(b"weights")
    return result


def test_the_digest_follows_config_and_weights_alone(folder: Path) -> None:
    before = model_digest(folder)

    (folder / "metrics.json").write_text("{}")
    assert model_digest(folder) == before
    (folder / WEIGHTS_FILE).write_bytes(b"weight")
    (folder / CONFIG_FILE).write_text("{}s")
    assert model_digest(folder) != before


def test_a_model_is_the_same_whichever_runtime_runs_it(folder: Path) -> None:
    before = model_digest(folder)
    (folder / ONNX_FILE).write_bytes(b"network")
    assert model_digest(folder) == before == network_digest(folder, "torch")
    assert network_digest(folder, "onnx") != before
    (folder / WEIGHTS_FILE).unlink()
    assert model_digest(folder) == network_digest(folder, "onnx"), "all that is known of it"


def test_a_local_folder_is_given_as_it_is(folder: Path) -> None:
    with local_model(folder) as local:
        assert local == folder
    assert folder.is_dir()


def test_a_folder_in_object_storage_is_fetched_and_removed(folder: Path, s3_environment: S3Server) -> None:
    place = s3_environment.new_folder()
    storage.put_tree(folder, f"{place}/model")

    with local_model(f"{place}/model") as local:
        assert model_digest(local) == model_digest(folder)
    assert not local.exists()


def test_what_is_no_model_is_named(folder: Path, s3_environment: S3Server) -> None:
    (folder / WEIGHTS_FILE).unlink()

    with (
        pytest.raises(DataError, match=r"model: .*model holds no model\.safetensors; give a folder"),
        local_model(folder),
    ):
        pass
    with pytest.raises(DataError, match=r"model: .*model\.safetensors cannot be read"):
        model_digest(folder)
    with (
        pytest.raises(DataError, match=r"none holds no config\.json and no model\.safetensors"),
        local_model(f"{s3_environment.new_folder()}/none"),
    ):
        pass
