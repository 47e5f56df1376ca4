"""The detection pipeline as `make detect` runs it, by Kubeflow's local runner."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import geopandas
import pyogrio
import pytest

from components.core.errors import ConfigError
from components.core.geometry import Size
from pipelines.__main__ import parser
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import CONFIG, write_town

pytestmark = pytest.mark.slow

SIZE = Size(200, 180)
HOUSE = (20, 30, 40, 24)


def detect(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "config.json").write_text(CONFIG)
    command = [sys.executable, "-m", "pipelines", "detect", "--images", str(folder / "in")]
    command += ["--model", str(folder / "model"), "--output", str(folder / "out"), "--runs", str(folder / "runs")]
    return subprocess.run(
        [*command, "--inference-config", str(folder / "config.json"), *options], capture_output=True, text=True
    )


def steps(folder: Path) -> set[str]:
    return {path.parent.name for path in (folder / "runs" / "latest").rglob("executor_output.json")}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detect")
    save_bright_model(folder / "model")
    for index in range(3):
        write_town(folder / "in" / f"town_{index}.tif", SIZE, HOUSE, east_px=400 * index)
    return folder


def test_detection_recurs(collection: Path) -> None:
    first = detect(collection, "--shard-megapixels", "0.05", "--formats", "gpkg,geojsonl")
    assert first.returncode == 0, first.stdout[-3000:] + first.stderr[-3000:]
    said = dict(line.split(maxsplit=1) for line in first.stdout.rstrip().splitlines()[-8:])
    assert (
        first.stdout.rstrip().splitlines()[-8].startswith("3 scenes detected, 0 up to date; the layer has 3 buildings")
    )
    assert set(said) >= {"changes", "layer", "ledger", "report", "gpkg", "geojsonl"}
    assert len(geopandas.read_parquet(said["layer"])) == 3
    assert pyogrio.read_info(said["gpkg"])["features"] == 3
    assert len(Path(said["geojsonl"]).read_text().splitlines()) == 3
    assert {"plan-imagery", "detect-scenes", "publish-collection"} <= steps(collection)

    second = detect(collection)
    assert second.returncode == 0, second.stdout[-3000:] + second.stderr[-3000:]
    assert "Nothing new, 3 up to date; the layer has 3 buildings" in second.stdout
    assert steps(collection) == {"plan-imagery"}, "no step asks for a GPU, and planning ends the run"


def test_another_tolerance_is_made_without_a_step_of_inference(collection: Path) -> None:
    done = detect(collection, "--tolerance", "3 px", "--redo", "all")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "the layer has 3 buildings" in done.stdout
    assert steps(collection) == {"plan-imagery", "publish-collection"}
    back = detect(collection, "--redo", "all")
    assert back.returncode == 0 and steps(collection) == {"plan-imagery", "publish-collection"}


def test_a_run_with_a_broken_image_fails_when_all_others_are_published(collection: Path) -> None:
    (collection / "in" / "broken.tif").write_bytes((collection / "in" / "town_0.tif").read_bytes()[:2000])
    before = set((collection / "out" / "reports").glob("*.html"))

    done = detect(collection)

    assert done.returncode != 0
    assert "1 of 4 images skipped, and max_bad allows 0: broken.tif" in done.stderr.splitlines()[-1]
    (report,) = set((collection / "out" / "reports").glob("*.html")) - before
    assert "broken.tif" in report.read_text()
    (collection / "in" / "broken.tif").unlink()


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--images", r"--images: no image .* below .*none; check the URI"),
        ("--model", r"--model: .*none holds no config"),
    ],
)
def test_wrong_places_are_named_at_once(collection: Path, flag: str, message: str) -> None:
    flags = {"--images": str(collection / "in"), "--model": str(collection / "model"), flag: str(collection / "none")}
    options = parser().parse_args(["detect", *(text for pair in flags.items() for text in pair)])
    with pytest.raises(ConfigError, match=message):
        options.main(options)


def test_the_summary_is_a_file_for_programs(collection: Path) -> None:
    done = detect(collection)
    assert done.returncode == 0
    summary = json.loads((collection / "runs" / "latest" / "plan-imagery" / "summary").read_text())
    assert summary["counts"]["layer_buildings"] == 3
    assert Path(summary["places"]["report"]).is_file()
