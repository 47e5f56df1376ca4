"""`python -m pipelines size`: what it prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from components.core.cli import run_main
from pipelines.__main__ import parser
from pipelines.package import COMPILED, read_package
from pipelines.workflow_size import LIMIT_BYTES
from tests.pipelines.sized_pipelines import compile_sized, line


def test_the_command_shows_every_compiled_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(lambda given: given.main(given), parser(), ["size", "--shards", "0,3"]) == 0
    printed = capsys.readouterr().out
    names = [read_package(file.stem).name for file in sorted(COMPILED.glob("*.yaml"))]
    assert [text for text in printed.splitlines() if text in names] == names
    assert re.findall(r"^\| (\d+) \|", printed, re.MULTILINE) == ["0", "3"] * len(names)
    assert f"shards stay under 60% of the {LIMIT_BYTES:,} bytes of Argo's limit." in printed


def test_the_command_takes_one_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = compile_sized(line, tmp_path)
    assert run_main(lambda given: given.main(given), parser(), ["size", "--pipeline", str(package.file)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^\| 64 \| 5 \| 18 \| ", printed, re.MULTILINE)
    assert printed.endswith("No loop runs over a step's output, so the number of shards makes no difference.\n\n")


def test_numbers_that_are_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["size", "--shards", "3,-1"])
    assert "'3,-1' is not a list of whole numbers; write them such as 0,1,3,16,64" in capsys.readouterr().err
