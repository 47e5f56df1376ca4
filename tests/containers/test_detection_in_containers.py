"""The detection pipeline with each stage in its image and everything in object storage, against one in this process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from components.core import storage
from components.core.geometry import Size
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import CONFIG, Detection, write_town
from tests.s3_server import S3Server

pytestmark = pytest.mark.containers

SIZE = Size(200, 180)


def layer_of(detection: Detection) -> dict[str, bytes]:
    return {name: data for name, data in detection.files().items() if name.startswith("layer/")}


def test_containers_give_the_same_layer(tmp_path_factory: pytest.TempPathFactory, s3_environment: S3Server) -> None:
    folder = tmp_path_factory.mktemp("detection")
    for place in (folder, *folder.parents):  # containers run as another user
        if place.is_relative_to(tmp_path_factory.getbasetemp().parent):
            place.chmod(0o755)
    for index in range(2):
        write_town(folder / "in" / f"town_{index}.tif", SIZE, (20, 30, 40, 24), east_px=400 * index)
    model = save_bright_model(folder / "model")
    local = Detection(str(folder / "in"), str(model), str(folder / "out"), str(folder / "data"))
    local.run()
    root = s3_environment.new_folder()
    storage.put_tree(folder / "in", f"{root}/in")
    storage.put_tree(model, f"{root}/model")
    (folder / "config.json").write_text(CONFIG)

    command = [sys.executable, "-m", "pipelines", "detect", "--runner", "docker", "--runs", str(folder / "runs")]
    command += ["--images", f"{root}/in", "--model", f"{root}/model", "--output", f"{root}/out"]
    command += ["--data-root", f"{root}/data", "--inference-config", str(folder / "config.json")]
    for said in ("2 scenes detected, 0 up to date; the layer has 2 buildings", "Nothing new, 2 up to date"):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert said in done.stdout

    contained = Detection(f"{root}/in", f"{root}/model", f"{root}/out", f"{root}/data")
    assert layer_of(contained) == layer_of(local)
