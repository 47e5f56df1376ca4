"""Split tagging: the tutorial's query, one's own, or a share."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from kfp import dsl

from components.core.command.run import stage_main
from components.core.documents.share import share_query
from components.core.errors import ConfigError, StorageError, TooManySkippedError
from components.core.geometry import Size
from components.core.project import open_project
from components.split_tagging.component import split_tagging as component
from components.split_tagging.split_tagging import split_tagging
from tests.builders import files_below, scene_project
from tests.components.core.dtl.projects import item, items, write
from tests.components.core.dtl.test_runs import SIZE
from tests.queries import data, save, tag, windows
from tests.shims import artifact, compiled, input_names, output_kinds

OWN = json.dumps([data(), tag("$all", "$1", "mine"), save("$1", "MINE")])


def test_the_tutorials_query_is_what_runs_unless_told_otherwise(tmp_path: Path) -> None:
    project = write(tmp_path, [*items(40, "austin"), *items(2, "elsewhere")])
    run = split_tagging(project, tmp_path / "tagged")
    assert run.meta.name == "INRIA_TAGGED" and run.counts() == {"items_in": 42, "items": 40, "skipped": 0}
    tags = Counter(entry.tags[-1] for entry in open_project(tmp_path / "tagged"))
    assert set(tags) == {"trainval", "test"} and tags["test"] > tags["trainval"]
    split_tagging(project, tmp_path / "again", workers=2)
    assert files_below(tmp_path / "again") == files_below(tmp_path / "tagged")
    split_tagging(project, tmp_path / "again", seed=1)
    assert files_below(tmp_path / "again") != files_below(tmp_path / "tagged")


@pytest.mark.parametrize("as_file", [True, False])
def test_another_query(tmp_path: Path, as_file: bool) -> None:
    (tmp_path / "own.json").write_text(OWN, encoding="utf-8")
    project = write(tmp_path, items(3))
    run = split_tagging(project, tmp_path / "tagged", query=tmp_path / "own.json" if as_file else OWN)
    assert run.meta.name == "MINE"
    assert [entry.tags for entry in open_project(tmp_path / "tagged")] == [("mine",)] * 3


def test_a_share_splits_any_imagery(tmp_path: Path) -> None:
    project = write(tmp_path, items(200, "tile"), "FLIGHT")
    run = split_tagging(project, tmp_path / "tagged", train_share=0.3, project_name="FLIGHT")
    tags = Counter(entry.tags for entry in open_project(tmp_path / "tagged"))
    assert set(tags) == {("trainval",), ("test",)} and 40 <= tags["trainval",] <= 80
    assert run.meta.name == "INRIA_TAGGED", "the next stage's query reads it"


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5])
def test_a_share_leaves_something_for_either_side(share: float, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=f"train_share: {share} leaves one side without images; use a share above 0 and below 1"
    ):
        split_tagging(write(tmp_path, items(1)), tmp_path / "tagged", train_share=share)
    assert not (tmp_path / "tagged").exists()


def test_the_share_is_all_that_changes_in_the_ready_made_query() -> None:
    one, other = (json.loads(share_query(share, "P")) for share in (0.2, 0.7))
    assert one[0]["src"] == ["P/*"]
    one[1]["settings"]["condition"]["probability"] = 0.7
    assert one == other


def test_a_query_and_a_share_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"train_share: 0\.5 and a query are both given"):
        split_tagging(write(tmp_path, items(1)), tmp_path / "tagged", query=OWN, train_share=0.5)


def test_bad_items_are_limited(tmp_path: Path) -> None:
    query = json.dumps([data(), windows("$all", "$1", 500, 500), save("$1")])
    project = write(tmp_path, [*items(2), item("large", size=Size(500, 500))])
    with pytest.raises(TooManySkippedError):
        split_tagging(project, tmp_path / "tagged", query=query, max_bad=1)
    assert split_tagging(project, tmp_path / "tagged", query=query, max_bad=2).counts()["skipped"] == 2


@pytest.mark.parametrize("place", ["tagged", "report"])
def test_a_place_that_cannot_be_written_is_found_before_an_item_is_read(tmp_path: Path, place: str) -> None:
    query = json.dumps([data(), windows("$all", "$1", 500, 500), save("$1")])
    project = write(tmp_path, [item("would fail", size=Size(500, 500))])
    (tmp_path / "file").touch()
    places = {"tagged": tmp_path / "tagged"} | {place: tmp_path / "file" / "below"}
    with pytest.raises(StorageError, match=r"file(/below)?: cannot write it: Not a directory; a part of the path is"):
        split_tagging(project, query=query, **places)
    assert not (tmp_path / "tagged").exists()


@pytest.mark.parametrize(("flag", "place"), [("--metrics", "file/m.json"), ("--metrics", "")])
def test_what_a_command_is_to_write_beside_is_looked_at_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, place: str
) -> None:
    (tmp_path / "file").touch()
    arguments = ["--project", str(write(tmp_path, items(3))), "--tagged", str(tmp_path / "tagged")]
    assert stage_main("split_tagging", [*arguments, "--train-share", "0.5", flag, str(tmp_path / place)]) == 2
    assert "cannot write it" in capsys.readouterr().err
    assert not (tmp_path / "tagged").exists()


def test_the_report_shows_the_query_and_the_items(tmp_path: Path) -> None:
    project = scene_project(tmp_path, ("austin1", "austin2"), SIZE)
    split_tagging(project, tmp_path / "tagged", report=tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "2 items in, 2 out" in page and "austin2" in page
    assert "data:image/" in page, "thumbnails"
    assert 'src="http' not in page, "self-contained"


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = write(tmp_path, items(10), "FLIGHT")
    arguments = ["--project", str(project), "--tagged", str(tmp_path / "tagged"), "--train-share", "0.5"]
    assert stage_main("split_tagging", [*arguments, "--project-name", "FLIGHT", "--seed", "3"]) == 0
    assert capsys.readouterr().out == f"10 items in, 10 out: project 'INRIA_TAGGED', at {tmp_path / 'tagged'}\n"
    split_tagging(project, tmp_path / "again", train_share=0.5, project_name="FLIGHT", seed=3)
    assert files_below(tmp_path / "again") == files_below(tmp_path / "tagged")
    assert stage_main("split_tagging", arguments) == 2
    assert "project 'INRIA' is not given; given: FLIGHT" in capsys.readouterr().err


def test_component(tmp_path: Path) -> None:
    project = scene_project(tmp_path, ("austin1", "austin2"), SIZE)
    tagged, report = artifact(dsl.Dataset, tmp_path / "tagged"), artifact(dsl.HTML, tmp_path / "report.html")
    metrics = artifact(dsl.Metrics, tmp_path / "metrics")
    component.python_func(
        project=artifact(dsl.Dataset, project),
        tagged=tagged,
        metrics=metrics,
        report=report,
        train_share=0.5,
        seed=1,
        workers=1,
    )
    assert tagged.metadata == {"items_in": 2, "items": 2, "skipped": 0}
    assert metrics.metadata["items"] == 2 and metrics.metadata["remote_read_mb"] == 0
    of_imagery = metrics.metadata.pop("report_read_mb")
    assert 0 < of_imagery < metrics.metadata["local_read_mb"] < of_imagery + 0.1, "tagging itself reads kilobytes"
    assert len(open_project(tmp_path / "tagged")) == 2 and (tmp_path / "report.html").is_file()


def test_the_component_compiles(tmp_path: Path) -> None:
    spec = compiled(component, tmp_path)
    assert output_kinds(spec) == {"tagged": "system.Dataset", "metrics": "system.Metrics", "report": "system.HTML"}
    assert input_names(spec) == component.component_spec.inputs.keys()


def test_a_share_that_leaves_one_side_empty_is_refused(tmp_path: Path) -> None:
    project = scene_project(tmp_path, ("austin1",), SIZE)
    with pytest.raises(
        ConfigError, match=r"train_share: 0\.5 with seed 0 gives . images for training and . for testing"
    ):
        split_tagging(project, tmp_path / "tagged", train_share=0.5)
    assert not (tmp_path / "tagged").exists()
