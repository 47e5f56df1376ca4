from __future__ import annotations

from pathlib import Path

import pytest

from components.core.collection.collect_parts import UNKNOWN, ItemRows, SceneFailure, collect_parts
from components.core.geometry import Size
from components.core.project import Item, Project, ProjectMeta, manifest_writer, open_project
from components.core.project.history import StageRun
from components.core.project.parts import part_name
from components.core.skip_budget import Skipped
from tests.detection.plans import SIZE, plan, planned


def project(folder: Path, *rows: tuple[str, int]) -> Project:
    """A project of items by name and height."""
    with manifest_writer(folder, ProjectMeta("found", ())) as writer:
        for name, height in rows:
            writer.add(Item("ds", name, Size(height, SIZE.width), None))
    return open_project(folder)


def run(stage: str, *names: str) -> StageRun:
    return StageRun(stage, 1, 1.0, 1.0, tuple(Skipped(name, f"{stage} cannot read it") for name in names))


def test_a_scene_is_made_of_its_parts_from_the_top_down_wherever_they_are(tmp_path: Path) -> None:
    one = project(tmp_path / "1", (part_name("a-1d", 600), 400), ("b-1d", 1000))
    two = project(tmp_path / "2", (part_name("a-1d", 0), 512), (part_name("a-1d", 512), 88))

    collected = collect_parts(plan(planned("b"), planned("a")), [one, two], ())

    assert collected.failures == ()
    assert [scene.planned.key for scene in collected.scenes] == ["2026/b.tif", "2026/a.tif"], "in the plan's order"
    assert collected.scenes[1].places == (ItemRows(0, 512, 1, 0), ItemRows(512, 88, 1, 1), ItemRows(600, 400, 0, 0))
    assert collected.scenes[0].places == (ItemRows(0, 1000, 0, 1),)


@pytest.mark.parametrize(
    "parts",
    [
        [(512, 488)],
        [(0, 512)],
        [(0, 512), (600, 400)],
        [(0, 512), (512, 488), (512, 488)],
        [(0, 600), (512, 488)],
        [(0, 512), (512, 600)],
        [],
    ],
    ids=["no top", "no bottom", "a gap", "one twice", "an overlap", "too many rows", "nothing"],
)
def test_a_scene_of_which_rows_are_missing_or_double_is_a_failure(tmp_path: Path, parts: list[tuple[int, int]]) -> None:
    found = project(tmp_path / "1", *((part_name("a-1d", top), height) for top, height in parts))

    collected = collect_parts(plan(planned("a")), [found], ())

    assert collected.scenes == ()
    assert collected.failures == (SceneFailure(Skipped("2026/a.tif", UNKNOWN, "publish_collection"), is_lasting=False),)


@pytest.mark.parametrize("name", ["a-1d", "ds/a-1d", "ds/" + part_name("a-1d", 512)])
def test_a_failure_says_where_a_scene_or_a_part_of_it_was_skipped_and_why(tmp_path: Path, name: str) -> None:
    found = project(tmp_path / "1", (part_name("a-1d", 0), 512))

    collected = collect_parts(plan(planned("a")), [found], [run("import_images"), run("infer_windows", name)])

    assert collected.failures == (SceneFailure(Skipped("2026/a.tif", "infer_windows cannot read it", "infer_windows")),)


def test_what_planning_skipped_is_a_failure_and_comes_first() -> None:
    left = Skipped("2026/broken.tif", "is not a raster")

    collected = collect_parts(plan(planned("a"), skipped=(left,)), [], [run("import_images", "a-1d")])

    assert [failure.skipped.stage for failure in collected.failures] == ["plan_imagery", "import_images"]


def test_a_scene_that_one_stage_skipped_and_another_gave_is_done(tmp_path: Path) -> None:
    """As where a step was tried again."""
    collected = collect_parts(
        plan(planned("a")), [project(tmp_path / "1", ("a-1d", 1000))], [run("infer_windows", "a-1d")]
    )
    assert (len(collected.scenes), collected.failures) == (1, ())


def test_a_scene_that_is_finished_is_neither_a_scene_nor_a_failure(tmp_path: Path) -> None:
    found = project(tmp_path / "1", ("a-1d", 1000), (part_name("b-1d", 0), 512), ("c-1d", 1000))

    collected = collect_parts(
        plan(planned("a"), planned("b"), planned("c")), [found], [run("split_masks", "b")], {"a-1d", "b-1d"}
    )

    assert ([scene.planned.id for scene in collected.scenes], collected.failures) == (["c-1d"], ())
