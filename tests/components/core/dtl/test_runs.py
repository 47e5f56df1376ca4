"""Whole runs: the same files from any workers and any order, and nothing of what failed."""

from __future__ import annotations

import json
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.core import parallel
from components.core.dtl.action import Context
from components.core.dtl.engine import RunResult, run_query
from components.core.dtl.graph import build_query
from components.core.dtl.run import execute_query
from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.geometry import Size
from components.core.project import manifest_writer, open_project, write_manifest
from components.core.project.history import StageRun, read_history
from components.core.project.materialize import materialize
from components.core.skip_budget import Skipped
from tests.builders import bitmap_meta, files_below, scene_item, scene_project
from tests.components.core.dtl.projects import META, house, item, names, write
from tests.queries import choose, data, layer, save, tag, windows

SIZE = Size(48, 64)

QUERY = json.dumps(
    [
        data(),
        windows("$all", "$crops", 20, 30),
        layer("flip", "$crops", "$flipped", axis="vertical"),
        choose("$crops $flipped", ["$1", "$2"], probability=0.5),
        tag("$1", "$one", "one"),
        choose("$one $2", ["$kept", "null"], min_objects_count=1),
        layer("split_masks", "$kept", "$split", classes=["untitled"]),
        save("$split"),
    ]
)


def scenes_as_files(root: Path, count: int = 7) -> Path:
    """A project in the folder format, called INRIA."""
    entries = [scene_item(root / "scenes", f"town{number}", SIZE, number) for number in range(count)]
    materialize(root / "INRIA", bitmap_meta("INRIA"), entries)
    return root / "INRIA"


def test_manifests_are_the_same_to_the_byte_for_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = scene_project(tmp_path, tuple(f"town{number:02d}" for number in range(12)), SIZE)
    alone = execute_query(QUERY, [project], tmp_path / "alone")
    expected = files_below(tmp_path / "alone")
    assert alone.result.read == 12 and alone.result.written > 50

    monkeypatch.setattr(parallel, "ALONE_SECONDS", 0.0)  # to processes at once
    for workers in (2, 3):
        run = execute_query(QUERY, [project], tmp_path / "out", workers=workers)
        assert files_below(tmp_path / "out") == expected
        assert run.result == alone.result


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    project = scenes_as_files(tmp_path)
    execute_query(QUERY, [project], tmp_path / "1")
    content = files_below(project)
    shutil.rmtree(project)
    for name in random.Random(3).sample(sorted(content), len(content)):
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content[name])
    execute_query(QUERY, [project], tmp_path / "2")
    assert files_below(tmp_path / "1") == files_below(tmp_path / "2")


def test_both_forms_of_a_project_give_the_same(tmp_path: Path) -> None:
    folder = scenes_as_files(tmp_path, 3)
    execute_query(QUERY, [folder], tmp_path / "1")
    opened = open_project(folder)
    write_manifest(tmp_path / "manifest", opened.meta, opened)
    execute_query(QUERY, [tmp_path / "manifest"], tmp_path / "2")
    assert files_below(tmp_path / "1") == files_below(tmp_path / "2")


def test_moving_an_item_to_another_name_moves_it_in_the_order_alone(tmp_path: Path) -> None:
    project = scenes_as_files(tmp_path, 3)
    for kind, suffix in (("ann", "json"), ("img", "png")):
        (project / "ds" / kind / f"town0.{suffix}").rename(project / "ds" / kind / f"zoo.{suffix}")
    execute_query(json.dumps([data(), save("$all")]), [project], tmp_path / "out")
    assert names(list(open_project(tmp_path / "out"))) == ["town1", "town2", "zoo"]


def test_an_output_is_replaced_when_the_new_one_is_whole(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a")])
    execute_query(json.dumps([data(), save("$all", "FIRST")]), [project], tmp_path / "out")
    execute_query(json.dumps([data(), save("$all", "SECOND")]), [project], tmp_path / "out")
    assert open_project(tmp_path / "out").meta.name == "SECOND"


class TestSkippedItems:
    """What fails is left out whole, with its reason, up to a limit."""

    LAYERS: tuple[Any, ...] = (
        data(),
        tag("$all", "$whole", "whole"),
        windows("$all", "$crops", 20, 30),
        save("$whole $crops"),
    )
    QUERY = json.dumps(LAYERS)

    def project(self, root: Path) -> Path:
        """A good scene, a small one, one without JSON, and one with an unknown class."""
        folder = scenes_as_files(root, 4)
        annotations = folder / "ds" / "ann"
        small = json.loads((annotations / "town1.json").read_text(encoding="utf-8"))
        (annotations / "town1.json").write_text(
            json.dumps(small | {"size": {"width": 29, "height": 48}, "objects": []})
        )
        (annotations / "town2.json").write_text("{", encoding="utf-8")
        text = (annotations / "town3.json").read_text(encoding="utf-8")
        (annotations / "town3.json").write_text(text.replace('"untitled"', '"unknown"'), encoding="utf-8")
        return folder

    @pytest.mark.parametrize("limit", [3, 9, None])
    def test_are_skipped_with_their_reasons(
        self, tmp_path: Path, limit: int | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        run = execute_query(self.QUERY, [self.project(tmp_path)], tmp_path / "out", max_bad=limit)
        assert [bad.name for bad in run.result.skipped] == [f"INRIA/ds/town{number}" for number in (1, 2, 3)]
        reasons = [bad.reason for bad in run.result.skipped]
        assert "window.width: 30 exceeds the width 29 of image 'town1'" in reasons[0]
        assert "town2.json: is not JSON" in reasons[1]
        assert "town3.json: objects[0].classTitle: 'unknown' is not a class of meta.json (untitled)" in reasons[2]
        assert all(f"skipped: {bad.name}: {bad.reason}" in caplog.text for bad in run.result.skipped)
        found = list(open_project(tmp_path / "out"))
        assert {entry.name.split("_")[0] for entry in found} == {"town0"}, "nothing of an item that failed later"
        assert len(found) == run.result.written == 10
        assert run.counts() == {"items_in": 1, "items": 10, "skipped": 3}
        assert run.sentence() == "1 items in, 10 out, 3 skipped: project 'RESULT'"

    @pytest.mark.parametrize("as_files", [False, True])
    def test_too_many_write_nothing(self, tmp_path: Path, as_files: bool) -> None:
        project = self.project(tmp_path)
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "before").write_text("stays", encoding="utf-8")
        beside = sorted(tmp_path.iterdir())
        with pytest.raises(TooManySkippedError) as caught:
            execute_query(self.QUERY, [project], tmp_path / "out", max_bad=2, as_files=as_files)
        assert str(caught.value).startswith(
            "3 of 4 items skipped, and max_bad allows 2, but never all: INRIA/ds/town1: "
        )
        assert "INRIA/ds/town3: " in str(caught.value) and "set max_bad to at least 3" in str(caught.value)
        assert sorted(tmp_path.iterdir()) == beside
        assert files_below(tmp_path / "out") == {"before": b"stays"}

    def test_a_long_list_is_cut(self, tmp_path: Path) -> None:
        project = write(tmp_path, [item(f"a{number:02d}") for number in range(12)])
        layers = json.dumps([data(), windows("$all", "$1", 99, 99), save("$1")])
        told = r"^12 of 12 items skipped.*a09: .*; and 2 more, which the log lists; fix .*; or allow an empty result$"
        with pytest.raises(TooManySkippedError, match=told) as caught:
            execute_query(layers, [project], tmp_path / "out")
        assert "a10" not in str(caught.value)

    def test_are_the_same_for_any_workers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        project = self.project(tmp_path)
        alone = execute_query(self.QUERY, [project], tmp_path / "1", max_bad=None)
        monkeypatch.setattr(parallel, "ALONE_SECONDS", 0.0)
        several = execute_query(self.QUERY, [project], tmp_path / "2", max_bad=None, workers=2)
        assert several.result == alone.result
        assert files_below(tmp_path / "1") == files_below(tmp_path / "2")


def test_no_items_in_give_none_out_where_that_is_allowed(tmp_path: Path) -> None:
    project = write(tmp_path, [])
    with pytest.raises(DataError, match=r"project 'INRIA' \(.*INRIA\): holds no item; give one that does, or allow"):
        execute_query(QUERY, [project], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    run = execute_query(QUERY, [project], tmp_path / "out", allow_empty=True)
    assert run.counts() == {"items_in": 0, "items": 0, "skipped": 0}
    found = open_project(tmp_path / "out")
    assert len(found) == 0 and found.meta == replace(META, name="RESULT", tags_images=found.meta.tags_images)


def test_of_few_items_one_is_read_after_the_other(tmp_path: Path) -> None:
    folder = scenes_as_files(tmp_path, 40)
    query = build_query([data(), windows("$all", "$1", 20, 30), save("$1")])
    result = RunResult()
    stream = run_query(query, {"INRIA": open_project(folder)}, result, Context(), max_bad=1)
    next(stream)
    (folder / "ds" / "ann" / "town1.json").unlink()
    for _ in stream:
        pass
    assert [bad.name for bad in result.skipped] == ["INRIA/ds/town1"]


class TestHistory:
    """The new project says what led to it."""

    def test_of_all_projects_with_this_run_at_its_end(self, tmp_path: Path) -> None:
        imported = StageRun("import_images", 3, 1.5, 2.0, (Skipped("gone", "unreadable"),))
        places = []
        for name in ("A", "B"):
            with manifest_writer(tmp_path / name, replace(META, name=name)) as writer:
                writer.add(item(f"small_{name}"))
                writer.add(item(f"large_{name}", size=Size(100, 1000)))
                writer.history = (imported, StageRun(f"tag_{name}", 1, 0.5, 1.0))
            places.append(tmp_path / name)
        layers = [data("A/* B/*"), windows("$all", "$1", 100, 500), save("$1")]
        started = time.monotonic()
        execute_query(json.dumps(layers), places, tmp_path / "out", max_bad=2, stage="crop")
        all_s = time.monotonic() - started
        *before, last = read_history(tmp_path / "out")
        assert [entry.stage for entry in before] == ["import_images", "tag_A", "tag_B"]
        assert before[0] == imported
        assert (last.stage, last.scenes, last.megapixels) == ("crop", 2, 0.2)
        assert 0 < last.seconds <= all_s
        assert [left.name for left in last.skipped] == ["small_A", "small_B"]
        assert "query[1].settings.window.width: 500 exceeds the width 60" in last.skipped[0].reason


@pytest.mark.parametrize(("name", "value"), [("max_bad", -1), ("workers", -1)])
def test_negative_limits_are_refused(tmp_path: Path, name: str, value: int) -> None:
    project = write(tmp_path, [item("a", house())])
    with pytest.raises(ConfigError, match=rf"{name}: -1 is negative; use 0"):
        execute_query(json.dumps([data(), save("$all")]), [project], tmp_path / "out", **{name: value})  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
