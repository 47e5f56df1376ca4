"""The training pipeline in three settings: here with local files, here with object storage, in containers with it.

The images have a PyTorch of their own, which may round sums otherwise, and a training makes much of little. So what a
container learned is compared by the loss that it began with, and what it predicts by the places alone; that inference
in containers gives the same buildings, `test_detection_in_containers` tells with weights that are given.

Needs a Docker Engine and the images of `make images`; `make test-containers` runs it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from components.core.figures import Bitmap, RasterMask
from components.core.imagery import MaskRaster
from components.core.models import HISTORY_FILE
from components.core.project import Item, open_project, write_manifest
from components.core.storage import list_objects
from tests.builders import files_below
from tests.pipelines.small import SMALL_OPTIONS, small_documents
from tests.s3_server import S3Server
from tests.waiting import HANGS_S

pytestmark = pytest.mark.containers

GIVEN = ("import-images/project", "split-tagging/tagged", "crop-augment/crops")
LEARNED = ("collect-predictions/predictions", "split-masks/split")


@dataclass(frozen=True)
class Setting:
    """A finished run."""

    folder: Path
    said: str


def run(folder: Path, environment: Mapping[str, str], *options: str) -> Setting:
    folder.mkdir()
    arguments = [*SMALL_OPTIONS, *small_documents(folder), *options]
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", "--runs", str(folder / "runs"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment, "CUDA_VISIBLE_DEVICES": ""},  # what a GPU learns differs from run to run
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return Setting(folder / "runs" / "latest", done.stdout)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return run(tmp_path_factory.mktemp("settings") / "local", {})


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Setting:
    root = s3_server.new_folder()
    return run(tmp_path_factory.mktemp("settings") / "stored", s3_server.environment, "--data-root", root)


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Setting:
    root = s3_server.new_folder()
    folder = tmp_path_factory.mktemp("settings") / "contained"
    for parent in (folder, *folder.parents):  # containers run as another user
        if parent.is_relative_to(tmp_path_factory.getbasetemp().parent) and parent.exists():
            parent.chmod(0o755)
    return run(folder, s3_server.environment, "--data-root", root, "--runner", "docker")


def without_places(item: Item) -> Item:
    """The item with every URI blanked."""

    def blank(figure):
        if isinstance(figure, Bitmap) and isinstance(figure.mask, RasterMask):
            raster = MaskRaster("", figure.mask.raster.value)
            return Bitmap(figure.top, figure.left, RasterMask(raster, figure.mask.recipe, figure.mask.area))
        return figure

    return replace(
        item,
        image=replace(item.image, uri=""),
        rasters=dict.fromkeys(item.rasters, ""),
        objects=tuple(entry.with_figure(blank(entry.figure)) for entry in item.objects),
    )


def manifest_bytes(place: Path, scratch: Path) -> dict[str, bytes]:
    project = open_project(place)
    write_manifest(scratch, project.meta, map(without_places, project))
    return files_below(scratch)


@pytest.mark.parametrize(
    ("other", "name"), [*(("stored", name) for name in GIVEN + LEARNED), *(("contained", name) for name in GIVEN)]
)
def test_manifests_agree_but_for_their_uris(name, other, local, request, tmp_path):
    setting = request.getfixturevalue(other)
    expected = manifest_bytes(local.folder / name, tmp_path / "expected")
    assert manifest_bytes(setting.folder / name, tmp_path / "actual") == expected
    assert len(open_project(local.folder / name)) > 0


@pytest.mark.parametrize("name", LEARNED)
def test_containers_predict_the_same_places(name, local, contained):
    ours, theirs = (
        [(item.key, item.size, item.tags, item.extra, item.image.recipe, item.image.item_transform) for item in project]
        for project in (open_project(setting.folder / name) for setting in (local, contained))
    )
    assert ours == theirs


def test_containers_begin_to_train_with_the_same_loss(local, contained):
    ours, theirs = (
        json.loads((setting.folder / "train-unet" / "model" / HISTORY_FILE).read_text())
        for setting in (local, contained)
    )
    assert ours[0]["loss"] == pytest.approx(theirs[0]["loss"], rel=1e-4)
    assert [(row["step"], row["phase"]) for row in ours] == [(row["step"], row["phase"]) for row in theirs]


def test_predicted_masks_and_objects_agree(local, stored, s3_server, monkeypatch):
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    pairs = zip(open_project(local.folder / LEARNED[-1]), open_project(stored.folder / LEARNED[-1]), strict=True)
    for ours, theirs in pairs:
        assert len(ours.objects) == len(theirs.objects)
        for left, right in zip(ours.objects, theirs.objects, strict=True):
            assert np.array_equal(left.figure.mask.pixels(), right.figure.mask.pixels())


def test_every_raster_of_the_container_run_lies_in_object_storage(contained):
    project = open_project(contained.folder / "collect-predictions/predictions")
    uris = [uri for item in project for uri in (item.image.uri, *item.rasters.values())]
    assert uris
    assert all(uri.startswith("s3://") for uri in uris)


def test_the_container_run_ends_like_any_other(contained):
    reached, *places = contained.said.rstrip().splitlines()[-6:]
    assert reached.startswith("Building IoU ")
    assert [line.split()[0] for line in places] == ["model", "metrics", "report", "footprints", "log"]


def test_no_partial_object_is_left(contained, s3_server, monkeypatch):
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    item = next(iter(open_project(contained.folder / "import-images/project")))
    names = [entry.uri for entry in list_objects(item.image.uri.rsplit("/", 1)[0])]
    assert names
    assert all(name.endswith(".tif") for name in names)


def test_an_image_that_is_not_there_is_said(tmp_path, s3_server):
    options = ["--runs", str(tmp_path / "r"), "--runner", "docker", "--data-root", s3_server.new_folder()]
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", *options],
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        env={**os.environ, **s3_server.environment, "FOOTPRINTS_CPU_IMAGE": "footprints-cpu:no-such-tag"},
    )
    assert done.returncode == 2
    assert "footprints-cpu:no-such-tag" in done.stdout + done.stderr
