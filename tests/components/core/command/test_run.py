"""What a stage is given on its command line, and what it prints and writes at its end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.__main__ import main
from components.core.command.run import stage_main
from tests.components.core.dtl.projects import items, write
from tests.components.evaluate.test_evaluate import Projects


def test_what_is_logged_is_written_where_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    projects = Projects(tmp_path)
    flags = ["--predictions", str(projects.predictions), "--truth", str(projects.truth), "--workers", "1"]
    outputs = {name: tmp_path / f"{name}.json" for name in ("metrics", "confusion")}
    flags += [part for name, file in outputs.items() for part in (f"--{name}", str(file))]
    assert main(["evaluate", *flags, "--evaluation", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.endswith(f"\n{tmp_path / 'out' / 'metrics.json'}\n")
    assert json.loads(outputs["metrics"].read_text())["local_read_mb"] > 0
    confusion = json.loads(outputs["confusion"].read_text())
    assert confusion["categories"] == ["background", "building"] and len(confusion["matrix"]) == 2


def test_both_ways_to_name_a_stage_name_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--project", str(tmp_path / "none")]
    assert main(["plan_shards", *flags]) == 2
    assert capsys.readouterr().err.startswith("python -m components plan_shards: ")
    assert stage_main("plan_shards", flags) == 2
    assert capsys.readouterr().err.startswith("python -m components.plan_shards: ")


def test_a_document_is_text_or_a_file_that_its_faults_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.json"
    file.write_text("[]")
    flags = ["--project", str(write(tmp_path, items(3))), "--crops", str(tmp_path / "crops"), "--query"]
    said = []
    for query in (str(file), file.read_text()):
        assert stage_main("crop_augment", [*flags, query]) == 2
        said.append(capsys.readouterr().err.splitlines()[-1].removeprefix("python -m components.crop_augment: "))
    assert said[0] == f"{file}: {said[1]}"
