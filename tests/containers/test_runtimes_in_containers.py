"""Inference in its image by either runtime, against the same in this process."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from docker.client import DockerClient
from docker.types import Mount

from components.core.models import ONNX_FILE
from components.core.network.model_artifact import load_model
from components.core.network.onnx_export import write_onnx
from components.core.project import open_project
from pipelines.placement import IMAGE_USER
from tests.builders import scene_item
from tests.components.infer_windows.small import CONFIG, SIZE, infer, raster, save_pair_model, write_project
from tests.containers.test_commands import run_container
from tests.containers.test_images import VERSION

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def engine() -> DockerClient:
    return DockerClient.from_env()


@pytest.mark.parametrize(
    ("runtime", "said"), [("torch", "the network computes in float32"), ("onnx", "inference by onnxruntime on the CPU")]
)
def test_a_model_finds_in_its_image_what_it_finds_here(
    runtime: str, said: str, engine: DockerClient, tmp_path: Path
) -> None:
    """As a user without rights, on a root that cannot be written: what is temporary goes to the folder for it."""
    items = [scene_item(tmp_path, f"austin{number}", SIZE, number, ("austin", "test")) for number in (1, 2)]
    project, model = write_project(tmp_path, items), save_pair_model(tmp_path / "model")
    loaded = load_model(model)
    write_onnx(model / ONNX_FILE, loaded.network, loaded.config)
    config = CONFIG | {"runtime": runtime}
    _, meta, here = infer(project, model, config=config)
    tmp_path.chmod(0o777)
    for place in tmp_path.rglob("*"):  # containers run as another user
        place.chmod(0o755 if place.is_dir() else 0o644)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    temporary.chmod(0o777)

    places = {
        "project": project,
        "model": model,
        "predictions": tmp_path / "contained",
        "data-root": tmp_path / "other",
    }
    flags = [f"--{name}={place}" for name, place in places.items()]
    text = run_container(
        engine,
        f"footprints-gpu:{VERSION}",
        ["python3", "-m", "components.infer_windows", *flags, "--config", json.dumps(config)],
        runtime,
        user=str(os.getuid() or IMAGE_USER),
        read_only=True,
        environment={"OMP_NUM_THREADS": "1", "TMPDIR": str(temporary)},
        mounts=[Mount(str(tmp_path), str(tmp_path), type="bind")],
    )

    assert said in text
    found = open_project(tmp_path / "contained")
    assert found.meta == meta
    for one, other in zip(here, found, strict=True):
        assert one.key == other.key and one.rasters["classes"] != other.rasters["classes"]
        for role in ("classes", "confidence"):
            assert (raster(one.rasters[role]) == raster(other.rasters[role])).all()
