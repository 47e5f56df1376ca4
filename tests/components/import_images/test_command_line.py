from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import shapely

from components.core.command.run import stage_main
from components.core.figures import Polygon
from components.core.geometry import Size
from components.core.project import open_project
from components.import_images.component import import_images as component
from components.import_images.import_images import import_images
from tests.builders import CRS, write_scene
from tests.components.core.vectors.layers import write_layer

SIZE = Size(30, 40)


OTHERS = ("masks_uri", "data_root", "labels", "images_options")
"""Parameters that the stage's function takes in another form."""


def test_the_stage_runs_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_scene(tmp_path / "in", "austin1", SIZE)
    flags = {"images-uri": "in", "data-root": "data", "project": "INRIA", "metrics": "metrics.json"}
    arguments = [part for name, place in flags.items() for part in (f"--{name}", str(tmp_path / place))]
    assert stage_main("import_images", [*arguments, "--workers", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["items"] == 1
    assert json.loads((tmp_path / "metrics.json").read_text())["kept"] == 2
    assert open_project(tmp_path / "INRIA").label(0) == "ds/austin1"


def test_an_error_is_one_line_and_status_2(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    command = [sys.executable, "-m", "components.import_images", "--images-uri", str(tmp_path / "none")]
    command += ["--data-root", str(tmp_path / "data"), "--project", str(tmp_path / "project")]
    own = os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("own"))}  # where no other run's remains are to be removed
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "none: there is no such folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_stage_has_the_components_defaults() -> None:
    stage = inspect.signature(import_images).parameters
    for name, parameter in inspect.signature(component.python_func).parameters.items():
        if parameter.default is not inspect.Parameter.empty and name not in (
            "masks_uri",
            "data_root",
            "labels",
            "images_options",
        ):
            assert stage[name].default == parameter.default


def test_the_component_fills_its_outputs(tmp_path: Path) -> None:
    class Artifact:
        def __init__(self, path: Path) -> None:
            self.path = str(path)
            self.metadata: dict[str, float] = {}

        def log_metric(self, name: str, value: float) -> None:
            self.metadata[name] = value

    write_scene(tmp_path / "in", "austin1", SIZE)
    project, metrics = Artifact(tmp_path / "INRIA"), Artifact(tmp_path / "metrics")
    places = {"images_uri": str(tmp_path / "in"), "data_root": str(tmp_path / "data")}
    component.python_func(**places, project=project, metrics=metrics, workers=1)
    assert len(open_project(project.path)) == 1
    assert project.metadata["items"] == metrics.metadata["items"] == 1


def test_labels_are_a_place_or_a_document(tmp_path: Path) -> None:
    write_scene(tmp_path / "in", "austin1", SIZE)
    roofs = write_layer(tmp_path / "roofs.gpkg", [shapely.box(500_001, 5_299_995, 500_005, 5_299_999)], CRS)
    places = ["--images-uri", str(tmp_path / "in"), "--data-root", str(tmp_path / "data"), "--workers", "1"]
    for labels in (roofs, json.dumps({"labels_uri": roofs})):
        project = str(tmp_path / "INRIA")
        assert stage_main("import_images", [*places, "--labels", labels, "--project", project]) == 0
        (item,) = open_project(project)
        assert [type(entry.figure) for entry in item.objects] == [Polygon]
