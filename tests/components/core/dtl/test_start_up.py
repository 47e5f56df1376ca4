"""What a DTL stage imports before its work: in a pod, that is most of the time of a small one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components.core.dtl.projects import items, write
from tests.queries import choose, data, save, tag

HEAVY = ("cv2", "jinja2", "matplotlib", "minio", "rasterio", "scipy", "shapely", "torch", "tqdm")

RUN = """
import sys
from components.{stage}.{stage} import {stage}
{stage}(*sys.argv[1:3], query=sys.argv[3])
print(*(name for name in {heavy} if name in sys.modules))
"""

COMMAND = """
import runpy, sys
try:
    runpy.run_module("components.{stage}", run_name="__main__")
except SystemExit as end:
    print(*(name for name in {heavy} if name in sys.modules), file=sys.stderr)
    raise
"""

QUERY = json.dumps([data(), choose("$all", ["$a", "$b"], probability=0.5), tag("$a $b", "$c", "x"), save("$c", "NEW")])


@pytest.mark.parametrize("stage", ["split_tagging", "crop_augment"])
def test_rows_are_tagged_without_gdal_matplotlib_and_the_like(stage: str, tmp_path: Path) -> None:
    project = write(tmp_path, items(3))
    code = RUN.format(stage=stage, heavy=HEAVY)
    arguments = [sys.executable, "-c", code, str(project), str(tmp_path / "new"), QUERY]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
    assert (tmp_path / "new" / "meta.json").is_file()


@pytest.mark.parametrize("stage", ["split_tagging", "crop_augment", "split_masks"])
def test_a_stages_flags_are_told_without_them(stage: str) -> None:
    code = COMMAND.format(stage=stage, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--max-bad" in done.stdout
    assert done.stderr.split() == []
