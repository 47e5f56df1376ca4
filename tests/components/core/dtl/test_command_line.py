"""`python -m components.core.dtl`: exit statuses, and what is printed and written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from components.core.cli import run_main
from components.core.dtl.__main__ import main, parser
from components.core.project import open_project
from tests.builders import scene_project
from tests.components.core.dtl.projects import house, item, write
from tests.components.core.dtl.test_query import TUTORIAL
from tests.components.core.dtl.test_runs import SIZE
from tests.queries import choose, data, layer, save, tag, windows

ALL = json.dumps([data(), tag("$all", "$1", "t"), save("$1")])

FAULTY = "faulty.json"


def call(*arguments: object) -> int:
    return run_main(main, parser(), [str(argument) for argument in arguments])


def test_a_query_as_text_or_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = write(tmp_path, [item("a", house())])
    assert call("--query", ALL, "--project", project, "--output", tmp_path / "1") == 0
    assert capsys.readouterr().out == f"1 items in, 1 out: project 'RESULT', at {tmp_path / '1'}\n"
    (tmp_path / "query.json").write_text(ALL, encoding="utf-8")
    assert call("--query", tmp_path / "query.json", "--project", project, "--output", tmp_path / "2") == 0
    assert [entry.tags for entry in open_project(tmp_path / "2")] == [("t",)]


def test_options_reach_the_run(tmp_path: Path) -> None:
    project = write(tmp_path, [item(f"a{number}") for number in range(40)])
    query = json.dumps([data(), choose("$all", ["$1", "null"], probability=0.5), save("$1")])

    def chosen(*options: str) -> list[str]:
        assert call("--query", query, "--project", project, "--output", tmp_path / "out", *options) == 0
        return [entry.name for entry in open_project(tmp_path / "out")]

    assert chosen() == chosen("--seed", "0") == chosen("--workers", "2")
    assert chosen("--seed", "1") != chosen()


def test_several_projects(tmp_path: Path) -> None:
    first, second = write(tmp_path, [item("a")], "A"), write(tmp_path, [item("b")], "B")
    query = json.dumps([data("A/* B/*"), save("$all")])
    arguments = ["--query", query, "--project", first, "--project", second, "--output", tmp_path / "out"]
    assert call(*arguments) == 0
    assert len(open_project(tmp_path / "out")) == 2


def test_materialize_writes_the_folder_format(tmp_path: Path) -> None:
    project = scene_project(tmp_path, ("town1",), SIZE)
    query = json.dumps([data(), windows("$all", "$1", 48, 40), layer("flip", "$1", "$2", axis="vertical"), save("$2")])
    assert call("--query", query, "--project", project, "--output", tmp_path / "out", "--materialize") == 0
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    crops = ["town1_r0000_c0000_lr", "town1_r0000_c0024_lr"]
    assert files == [
        *(f"INRIA__ds/ann/{name}.json" for name in crops),
        *(f"INRIA__ds/img/{name}.png" for name in crops),
        "meta.json",
    ]
    meta = json.loads((tmp_path / "out" / "meta.json").read_text(encoding="utf-8"))
    assert [known["title"] for known in meta["classes"]] == ["untitled"]
    annotation = json.loads((tmp_path / "out" / files[0]).read_text(encoding="utf-8"))
    assert annotation["size"] == {"width": 40, "height": 48} and annotation["objects"]
    assert cv2.imread(str(tmp_path / "out" / files[2])).shape == (48, 40, 3)


def test_dry_run_prints_counts_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = write(tmp_path, [item("a", house()), item("b"), item("c", size=SIZE)])
    layers = [
        data(),
        choose("$all", ["$1", "null"], min_height=48),
        windows("$1", "$2", 20, 30),
        layer("flip", "$2", "$3", axis="horizontal"),
    ]
    query = json.dumps([*layers, save("$2 $3")])
    assert call("--query", query, "--project", project, "--output", tmp_path / "out", "--dry-run") == 0
    assert not (tmp_path / "out").exists()
    assert capsys.readouterr().out.splitlines() == [
        "query[0] data: 3 in → $all 3",
        "query[1] if min_height 48: 3 in → $1 1, null 2",
        "query[2] sliding_window 30×20 px: 1 in → $2 9",
        "query[3] flip horizontal axis: 9 in → $3 9",
        "query[4] supervisely: 18 in → saved",
        "3 items in, 18 out: project 'RESULT'",
    ]
    unsure = json.dumps([*layers, choose("$2 $3", ["$4", "null"], min_objects_count=1), save("$4")])
    assert call("--query", unsure, "--project", project, "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 items in, at most 18 out: project 'RESULT'"
    fails = json.dumps([data(), windows("$all", "$1", 41, 41), save("$1")])
    assert call("--query", fails, "--project", project, "--dry-run") == 0
    assert "would be skipped: INRIA/ds/a: query[1].settings.window.height: 41" in capsys.readouterr().out


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--schema") == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema = pytest.importorskip("jsonschema")
    for file in TUTORIAL:
        jsonschema.validate(json.loads(file.read_text(encoding="utf-8")), schema)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--output", "o"], "--query: is missing"),
        (["--query", ALL], "--output: is missing"),
        (["--query", "[]", "--output", "o"], "query: has no `data` layer"),
        (["--query", FAULTY, "--output", "o"], f"{FAULTY}: query[0].colour: unknown key; known keys: action, "),
        (["--query", "nowhere.json", "--output", "o"], "nowhere.json: cannot be read"),
        (["--query", ALL, "--output", "o"], "query[0].src[0]: project 'INRIA' is not given; given: none"),
        (["--query", ALL, "--project", "nowhere", "--output", "o"], "nowhere: there is no such directory"),
    ],
)
def test_faults_are_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FAULTY).write_text(json.dumps([data() | {"colour": 1}]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [captured.err.strip()] and not captured.out
    assert captured.err.startswith(f"python -m components.core.dtl: {said}")
    assert [path.name for path in tmp_path.iterdir()] == [FAULTY]


def test_bad_items_may_be_many_unless_told_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = write(tmp_path, [item("a"), item("b", size=SIZE)])
    query = json.dumps([data(), windows("$all", "$1", 48, 64), save("$1")])
    arguments = ["--query", query, "--project", project, "--output", tmp_path / "out"]
    assert call(*arguments) == 0
    assert "1 items in, 1 out, 1 skipped: project 'RESULT'" in capsys.readouterr().out
    assert call(*arguments, "--max-bad", 0) == 2
    assert "items skipped, and max_bad allows 0, but never all: INRIA/ds/a: " in capsys.readouterr().err


@pytest.mark.parametrize("limit", [[], ["--max-bad", 2]])
def test_where_all_failed_there_is_no_result_unless_it_may_be_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], limit: list[object]
) -> None:
    project = write(tmp_path, [item("a"), item("b")])
    query = json.dumps([data(), windows("$all", "$1", 48, 64), save("$1")])
    arguments = ["--query", query, "--project", project, "--output", tmp_path / "out", *limit]
    assert call(*arguments) == 2
    assert "2 of 2 items skipped, and " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert call(*arguments, "--allow-empty") == 0
    assert "0 items in, 0 out, 2 skipped" in capsys.readouterr().out
    assert call(*arguments, "--allow-empty", "--max-bad", 1) == 2


def test_where_the_query_kept_nothing_the_result_is_empty(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a"), item("b")])
    query = json.dumps([data(), choose("$all", ["$1", "null"], tags=["none"]), save("$1")])
    assert call("--query", query, "--project", project, "--output", tmp_path / "out") == 0
    assert len(open_project(tmp_path / "out")) == 0


def test_as_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "components.core.dtl", "--query", '[{"action": "mirror"}]', "--output", "o"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("python -m components.core.dtl: query[0].src: is missing")
    assert "Traceback" not in ended.stderr and not ended.stdout
