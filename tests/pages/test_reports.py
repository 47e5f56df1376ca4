"""Every report of local runs opens as a page in a real browser."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from components.core.geometry import Size
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import write_town
from tests.pages.browser import opened
from tests.pipelines.small import SMALL_OPTIONS, small_documents

pytestmark = pytest.mark.pages


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training, a detection with something new, and one with nothing new."""
    folder = tmp_path_factory.mktemp("runs")
    save_bright_model(folder / "model")
    write_town(folder / "in" / "town.tif", Size(300, 260), (20, 30, 40, 24))
    places = ["--images", folder / "in", "--model", folder / "model", "--output", folder / "collection"]
    training = ["run", "--runs", folder / "runs", *SMALL_OPTIONS, *small_documents(folder)]
    training += ["--pointer", folder / "models" / "current.json"]
    detection = ["detect", *places, "--runs", folder / "runs"]
    for command in (training, detection, detection):
        subprocess.run([sys.executable, "-m", "pipelines", *map(str, command)], check=True)
    return folder


def test_every_report_shows_its_heading(runs: Path) -> None:
    reports = [path for path in runs.rglob("*.html") if "latest" not in path.parts]
    stages = {path.parent.name for path in reports}
    assert {"split-tagging", "crop-augment", "train-unet", "split-masks", "evaluate", "promote"} <= stages
    assert {"plan-imagery", "publish-collection", "reports"} <= stages
    for report in reports:
        page = opened(report)
        assert not page.is_source, report
        assert len(page.headings) == 1 and page.headings[0], report
        assert page.dom.count('data-ready="true"') == page.dom.count("data-map="), report
    mapped = [report.parent.name for report in reports if 'class="webmap"' in report.read_text()]
    assert mapped.count("evaluate") == mapped.count("publish-collection") == mapped.count("reports") == 1


def test_a_file_without_a_suffix_is_seen_to_be_shown_as_source(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("<!DOCTYPE html><h1>Report</h1>")
    page = opened(tmp_path / "report")
    assert page.is_source and not page.headings
