"""The whole training pipeline, as `make run` runs it, on small sample scenes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import geopandas
import pytest
import rasterio

from components.core.champion import resolve_model
from components.core.errors import DataError
from components.core.models import model_digest
from components.core.network.model_artifact import load_model
from components.core.project import open_project
from pipelines.__main__ import parser
from pipelines.documents import laptop_documents
from pipelines.traffic import traffic_table
from tests.pipelines.small import SMALL_OPTIONS, small_documents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    options = small_documents(folder)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pipelines", "run", "--runs", str(folder / "runs"), *SMALL_OPTIONS, *options),
            *("--pointer", str(folder / "models" / "current.json")),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout, folder / "runs" / "latest"


def test_it_ends_by_saying_what_was_reached_and_where_things_lie(run):
    said, _ = run
    *stages, last, model, metrics, report, footprints, promotion, log = said.rstrip().splitlines()
    assert promotion.startswith("promotion ") and "it named none before" in promotion
    assert last.startswith("Building IoU ")
    last = [model, metrics, report, footprints, log]
    assert [line.split()[0] for line in last] == ["model", "metrics", "report", "footprints", "log"]
    for line in last:
        assert Path(line.split(maxsplit=1)[1]).exists()
    assert "[KFP Executor" in Path(log.split(maxsplit=1)[1]).read_text()
    assert "KFP" not in said
    lines = [line for line in stages if "warning: " not in line]
    assert [line.split()[0] for line in lines][:3] == ["check-inputs", "sample-scenes", "import-images"]
    assert all(re.fullmatch(r"[a-z-]+ +\d+\.\d s( .*)?", line) for line in lines), lines


def test_every_stage_left_its_project(run):
    _, folder = run
    imported = open_project(folder / "import-images" / "project")
    tagged = open_project(folder / "split-tagging" / "tagged")
    crops = open_project(folder / "crop-augment" / "crops")
    split = open_project(folder / "split-masks" / "split")
    assert len(imported) == len(tagged) == 10
    assert {"austin", "trainval", "test"} <= set(tagged.meta.tags_images)
    assert all("trainval" in item.tags and item.size.height == 128 for item in crops)
    tests = [item for item in tagged if "test" in item.tags]
    assert [item.image for item in split] == [item.image for item in tests]


def test_predicted_masks_lie_on_their_scenes(run):
    _, folder = run
    for item in open_project(folder / "collect-predictions" / "predictions"):
        with rasterio.open(item.rasters["confidence"]) as confidence:
            assert confidence.crs.to_string() == item.image.crs
            assert confidence.transform == item.image.transform
            assert (confidence.height, confidence.width) == (item.size.height, item.size.width)


def test_the_model_loads_and_says_what_it_was_trained_on(run):
    _, folder = run
    model = load_model(folder / "train-unet" / "model")
    assert [entry.title for entry in model.config.classes] == ["bg", "untitled"]
    data = json.loads((folder / "train-unet" / "model" / "data.json").read_text())
    assert data["digest"] == open_project(folder / "crop-augment" / "crops").digest()


def test_the_pointer_names_a_copy_of_the_model(run):
    _, folder = run
    named = resolve_model(str(folder.parents[1] / "models" / "current.json"))
    assert Path(named.uri).parent == folder.parents[1] / "models"
    assert model_digest(Path(named.uri)) == model_digest(folder / "train-unet" / "model") == named.champion.model
    assert named.champion.run and "{{" not in named.champion.run


def test_footprints_open_in_a_gis(run):
    _, folder = run
    measured = json.loads((folder / "evaluate" / "evaluation" / "metrics.json").read_text())
    layer = geopandas.read_file(folder / "publish-footprints" / "footprints" / "footprints.geojson")
    assert len(layer) == measured["overall"]["objects"]["predicted"]
    assert layer.crs.to_epsg() == 4326
    assert layer.geometry.is_valid.all()


def test_reports_need_nothing_beside_themselves(run):
    _, folder = run
    for stage in ("split-tagging", "crop-augment", "train-unet", "split-masks", "evaluate"):
        page = (folder / stage / "report.html").read_text(encoding="utf-8")
        assert page.lstrip().lower().startswith("<!doctype html>")
        assert 'src="http' not in page


def test_a_missing_folder_is_said_before_anything_starts(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pipelines",
            "run",
            "--images",
            str(tmp_path / "nowhere"),
            "--runs",
            str(tmp_path / "r"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "--images" in done.stderr
    assert "nowhere" in done.stderr
    assert not (tmp_path / "r").exists()


def test_a_failed_stage_ends_the_run_with_its_name(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "broken.tif").write_bytes(b"II*\0 no raster")
    command = [sys.executable, "-m", "pipelines", "run", "--runs", str(tmp_path / "r"), "--train-share", "0.5"]
    command += ["--images", str(tmp_path / "images"), "--masks", str(tmp_path / "masks")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    last = done.stderr.rstrip().splitlines()[-1]
    assert last.startswith("python -m pipelines: import-images failed: ")
    assert "broken" in last


def test_the_default_options_are_the_laptops():
    options = parser().parse_args(["run"])
    assert options.documents == "laptop"
    assert laptop_documents().training


def test_every_stage_says_what_it_moved_and_tagging_moves_kilobytes(run):
    _, folder = run
    rows = [line.split(" | ") for line in traffic_table(folder).splitlines()[2:]]
    moved = {row[0].removeprefix("| "): float(row[1]) - float(row[2]) + float(row[3]) for row in rows}
    assert {
        "import_images",
        "split_tagging",
        "crop_augment",
        "train_unet",
        "infer_windows",
        "publish_footprints",
    } <= {name.rstrip("_0123456789") for name in moved}
    assert moved["split_tagging"] < moved["import_images"] / 2


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="give the folder of a finished run"):
        traffic_table(tmp_path)
