"""Either runtime gives the same: the same windows, blending and outputs, in files of their own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.documents.inference import load_config
from components.core.errors import ConfigError, DataError
from components.core.geometry import Size
from components.core.models import CONFIG_FILE, ONNX_FILE, WEIGHTS_FILE, network_digest
from components.core.network.model_artifact import load_model
from components.core.network.onnx_export import write_onnx
from components.core.project.parts import Rows
from components.infer_windows.outputs import FOLDED, scene_files
from tests.builders import scene_item
from tests.components.infer_windows.small import CONFIG, SOFT, infer, raster, save_pair_model
from tests.start_up import imported_by

ONNX = CONFIG | {"runtime": "onnx"}


@pytest.fixture(scope="module")
def soft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that both runtimes read, whose probabilities are of all sizes."""
    folder = save_pair_model(tmp_path_factory.mktemp("soft") / "model", SOFT)
    loaded = load_model(folder)
    write_onnx(folder / ONNX_FILE, loaded.network, loaded.config)
    return folder


@pytest.mark.parametrize(
    "mode",
    [
        CONFIG["mode"],
        CONFIG["mode"] | {"window": {"height": 64, "width": 72}, "flips": "both", "blend": {"method": "hann"}},
        {"source": "full_image"},
    ],
    ids=["windows", "stretched and mirrored", "full image"],
)
def test_onnx_finds_what_torch_finds(project: Path, soft: Path, mode: dict[str, Any]) -> None:
    by_torch = infer(project, soft, config=CONFIG | {"mode": mode})
    by_onnx = infer(project, soft, config=ONNX | {"mode": mode, "batch_size": 3})

    assert by_onnx[0].reused == 0 and by_onnx[0].scenes == by_torch[0].scenes == 2
    assert by_onnx[1] == by_torch[1]
    for one, other in zip(by_torch[2], by_onnx[2], strict=True):
        assert one.rasters["classes"] != other.rasters["classes"]
        classes = [raster(item.rasters["classes"]) for item in (one, other)]
        confidence = [raster(item.rasters["confidence"]).astype(int) for item in (one, other)]
        assert np.abs(confidence[0] - confidence[1]).max() <= 1
        assert (classes[0] == classes[1])[confidence[0] > 128].all() and 0 < classes[0].mean() < 1


def test_a_folder_without_safetensors_runs_by_onnx_and_finds_what_was_done(
    project: Path, soft: Path, tmp_path: Path
) -> None:
    infer(project, soft, config=ONNX)
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in (CONFIG_FILE, ONNX_FILE):
        shutil.copy(soft / name, bare)

    assert infer(project, bare, config=ONNX)[0].reused == 2
    with pytest.raises(
        DataError, match=r'bare holds no model.safetensors; .*, or run its model.onnx by "runtime": "onnx" in the inf'
    ):
        infer(project, bare)


def test_a_folder_without_the_onnx_file_says_what_to_do(project: Path, model: Path) -> None:
    with pytest.raises(
        DataError, match=r'holds no model.onnx; give .*, or run its model.safetensors by "runtime": "torch" in the inf'
    ):
        infer(project, model, config=ONNX)


def test_the_digest_is_of_the_file_that_is_run(soft: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(soft, folder)
    by_torch, by_onnx = network_digest(folder, "torch"), network_digest(folder, "onnx")
    assert by_torch != by_onnx
    with (folder / ONNX_FILE).open("ab") as file:
        file.write(b"\x00")
    assert network_digest(folder, "torch") == by_torch
    assert network_digest(folder, "onnx") != by_onnx
    (folder / WEIGHTS_FILE).write_bytes(b"other")
    assert network_digest(folder, "torch") != by_torch


def test_the_key_tells_the_runtimes_apart(tmp_path: Path) -> None:
    size = Size(100, 120)
    item = scene_item(tmp_path, "austin1", size)
    assert item.image is not None
    keys = {
        scene_files(item, item.image, "m", load_config(config), "data", [Rows(0, 100)])[0].key
        for config in ({}, {"runtime": "torch"}, {"runtime": "onnx"})
    }
    keys |= {scene_files(item, item.image, "m", load_config({}), "data", [Rows(0, 100)], FOLDED)[0].key}
    assert len(keys) == 3


def test_a_number_format_of_torch_is_refused() -> None:
    assert load_config({"runtime": "onnx", "precision": "float32"}).precision == "float32"
    with pytest.raises(
        ConfigError,
        match=r"config: precision: 'bfloat16' is for torch, and runtime is 'onnx', .*; use 'auto' or 'float32'",
    ):
        load_config({"runtime": "onnx", "precision": "bfloat16"})
    with pytest.raises(ConfigError, match="runtime: 'tensorrt': input should be 'torch' or 'onnx'"):
        load_config({"runtime": "tensorrt"})


def test_a_gpu_that_would_stay_idle_is_told(project: Path, soft: Path, caplog: pytest.LogCaptureFixture) -> None:
    infer(project, soft, config=ONNX, gpus=1)
    assert "inference.config: runtime: 'onnx' computes on the CPU, and this step was placed on 1 GPU(s)" in caplog.text


def test_onnxruntime_is_imported_by_those_who_use_it_alone() -> None:
    for stage in ("infer_windows", "train_unet"):
        assert not {"onnx", "onnxruntime"} & imported_by(f"components.{stage}.{stage}")
