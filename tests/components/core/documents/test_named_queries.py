"""Ready-made queries: found by name wherever a query is given, and what is said of them holds."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from components.core.documents.named import READY_MADE
from components.core.dtl.graph import build_query
from components.core.dtl.query import read_query
from components.core.dtl.run import execute_query
from components.core.errors import ConfigError
from components.core.geometry import Size, Window
from components.core.project import ImageRef, open_project
from components.core.step import document_text
from components.crop_augment.crop_augment import crop_augment
from tests.components.core.dtl.projects import house, item, write

BY_SOURCE = "crop_augment_by_source"


@pytest.mark.parametrize("name", READY_MADE)
def test_a_name_stands_for_a_query_by_itself_and_as_a_list_of_a_pipeline(name: str) -> None:
    layers = json.loads(READY_MADE[name].file.read_text(encoding="utf-8"))
    assert read_query(name) == read_query(document_text([name])) == layers
    assert build_query(layers).output_name
    assert READY_MADE[name].about.endswith(".")


@pytest.mark.parametrize("given", ["crop_agument", '["crop_agument"]'])
def test_an_unknown_name_is_told_the_known_ones(given: str) -> None:
    with pytest.raises(ConfigError, match=f"ready-made query[:;] .*{', '.join(READY_MADE)}$"):
        read_query(given)


def test_a_list_with_more_than_a_name_is_a_list_of_layers() -> None:
    with pytest.raises(ConfigError, match=r"^query\[0\]: \"crop_augment\" is not a JSON object"):
        build_query(read_query('["crop_augment", "split_masks"]'))


def test_the_one_by_source_differs_from_the_tutorials_in_that_alone() -> None:
    layers = read_query(BY_SOURCE)
    chance = layers[5]["settings"]["condition"]
    assert chance.pop("group_by") == "source"
    assert layers == read_query("crop_augment")


def test_no_window_or_mirror_image_of_a_training_image_validates(tmp_path: Path) -> None:
    entries = [item(f"town{number}", house(), size=Size(520, 520), tags=["trainval"]) for number in range(60)]
    project = write(tmp_path, entries, "INRIA_TAGGED")
    tags = {}
    for name in (BY_SOURCE, "crop_augment"):
        crop_augment(project, tmp_path / name, query=name)
        found = defaultdict(set)
        for entry in open_project(tmp_path / name):
            found[entry.name.split("_")[0]].add(entry.tags[-1])
        tags[name] = found
    assert all(len(kinds) == 1 for kinds in tags[BY_SOURCE].values())
    assert {kind for kinds in tags[BY_SOURCE].values() for kind in kinds} == {"train", "val"}
    assert any(len(kinds) == 2 for kinds in tags["crop_augment"].values())


def test_one_image_gives_training_and_validation_apart(tmp_path: Path) -> None:
    size = Size(6144, 6144)
    scene = replace(item("scene", size=size, tags=["trainval"]), image=ImageRef.whole("/imagery/scene.tif", size))
    objects = [house(top=row, left=column) for row in range(256, 6144, 512) for column in range(256, 6144, 512)]
    project = write(tmp_path, [scene.with_objects(objects)], "INRIA_TAGGED")
    crop_augment(project, tmp_path / "crops", query="crop_augment_by_block", seed=1)
    windows = defaultdict(set)
    for entry in open_project(tmp_path / "crops"):
        assert entry.image is not None
        windows[entry.tags[-1]].add(entry.image.recipe.window)
    assert set(windows) == {"train", "val"}
    beside = [
        (one, other)
        for one in windows["train"]
        for other in windows["val"]
        if Window(one.top - 64, one.left - 64, one.height + 128, one.width + 128).intersection(other)
    ]
    assert not beside


def test_a_file_of_that_name_is_given_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("split_masks").write_text("[]", encoding="utf-8")
    assert read_query("./split_masks") == [] != read_query("split_masks")


def test_faults_name_the_query_that_was_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^{BY_SOURCE}: query\[0\]\.src\[0\]: project 'INRIA_TAGGED' is not given"):
        execute_query(BY_SOURCE, [write(tmp_path, [item("a")])], tmp_path / "out")
