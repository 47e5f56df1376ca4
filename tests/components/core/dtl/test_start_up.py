"""What a DTL stage imports before its work: in a pod, that is most of the time of a small one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.components.core.dtl.projects import items, write
from tests.pipelines.packages import shut_in
from tests.queries import choose, data, save, tag
from tests.start_up import imported_by, imported_by_command

HEAVY = {
    *("cv2", "geopandas", "jinja2", "kfp", "minio", "pandas", "pyogrio", "pyproj", "pystac", "rasterio"),
    *("scipy", "shapely", "torch", "tqdm", "urllib3", "yaml"),
}
"""What none needs that handles rows alone."""

LATER = {"affine", "multiprocessing.pool", "numpy.ma", "pyarrow.compute", "pyarrow.dataset", "regex"}
"""What some need once they have seen their query and their rows."""

STAGES = ("split_tagging", "crop_augment", "split_masks")

QUERY = json.dumps([data(), choose("$all", ["$a", "$b"], probability=0.5), tag("$a $b", "$c", "x"), save("$c", "NEW")])


@pytest.mark.parametrize("stage", STAGES)
def test_a_step_begins_with_numbers_rows_and_settings_alone(stage: str) -> None:
    assert not imported_by(f"components.{stage}.step") & (HEAVY | LATER)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_flags_are_told_without_more(stage: str) -> None:
    assert not imported_by_command(f"components.{stage}", "--help") & (HEAVY | LATER)


@pytest.mark.parametrize(("stage", "output"), [("split_tagging", "tagged"), ("crop_augment", "crops")])
def test_rows_are_tagged_without_gdal_and_the_like(stage: str, output: str, tmp_path: Path) -> None:
    """With the packages of the image: where pandas is installed, Arrow imports it."""
    flags = ("--project", str(write(tmp_path, items(3))), f"--{output}", str(tmp_path / "new"), "--query", QUERY)
    assert not imported_by_command(f"components.{stage}", *flags, env=shut_in("cpu")) & HEAVY
    assert (tmp_path / "new" / "meta.json").is_file()


def test_a_report_is_written_without_scipy_and_torch(tmp_path: Path) -> None:
    flags = ("--project", str(write(tmp_path, items(3))), "--crops", str(tmp_path / "new"), "--query", QUERY)
    report = tmp_path / "report.html"
    imported = imported_by_command("components.crop_augment", *flags, "--report", str(report), env=shut_in("cpu"))
    assert not imported & {"pandas", "scipy", "torch"}
    assert "3 items in, 3 out" in report.read_text(encoding="utf-8")
