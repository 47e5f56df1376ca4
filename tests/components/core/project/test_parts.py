"""Scenes in row parts: what an item's extra says, and how a part is cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap
from components.core.geometry import Size
from components.core.project import Item, open_project, write_manifest
from components.core.project.parts import (
    PART,
    Rows,
    ScenePart,
    part_item,
    part_of,
    row_parts,
    wanted_rows,
    with_wanted_rows,
)
from tests.builders import TRANSFORM, bitmap_meta, scene_item

SIZE = Size(100, 60)


@pytest.fixture
def scene(tmp_path: Path) -> Item:
    return replace(scene_item(tmp_path, "austin1", SIZE), rasters={"confidence": "whole.tif"}, extra={"kept": 1})


def test_a_part_shows_its_rows_where_they_lie(scene: Item) -> None:
    part = part_item(with_wanted_rows(scene, Rows(30, 80)), Rows(40, 70))

    assert (part.name, part.size, part.rasters) == ("austin1__r0000040", Size(30, 60), {})
    assert part.extra == {"kept": 1, "part": {"scene": "austin1", "top": 40, "height": 100, "width": 60}}
    assert part_of(part) == ScenePart("austin1", 40, SIZE)
    assert scene.image is not None and part.image is not None
    assert np.array_equal(part.image.pixels(), scene.image.pixels()[:, 40:70])
    assert part.image.item_transform is not None
    assert part.image.item_transform @ (0, 0) == TRANSFORM @ (0, 40)


def test_objects_are_cut_to_the_rows(scene: Item) -> None:
    whole = np.zeros((100, 60), np.uint8)
    scene.objects[0].figure.draw(whole, 1)

    drawn = np.zeros((30, 60), np.uint8)
    for entry in part_item(scene, Rows(40, 70)).objects:
        assert isinstance(entry.figure, Bitmap)
        entry.figure.draw(drawn, 1)

    assert np.array_equal(drawn, whole[40:70])


def test_all_rows_are_the_scene_itself(scene: Item) -> None:
    assert part_item(with_wanted_rows(scene, Rows(0, 100)), Rows(0, 100)) == scene
    assert part_of(scene) is None
    assert wanted_rows(scene) == Rows(0, 100)


def test_both_forms_survive_the_manifest(scene: Item, tmp_path: Path) -> None:
    items = [with_wanted_rows(scene, Rows(10, 20)), part_item(scene, Rows(10, 20))]
    write_manifest(tmp_path / "project", bitmap_meta(), items)

    first, second = open_project(tmp_path / "project")

    assert wanted_rows(first) == Rows(10, 20)
    assert part_of(second) == ScenePart("austin1", 10, SIZE)


@pytest.mark.parametrize("said", [[5], [5, 5], [-1, 3], [0, 101], ["0", "3"], 7])
def test_rows_that_are_none_of_the_items_are_refused(scene: Item, said: Any) -> None:
    with pytest.raises(
        DataError, match=r"ds/austin1: wanted_rows: .* is not a range of its 100 rows; give \[top, bottom\]"
    ):
        wanted_rows(replace(scene, extra={"wanted_rows": said}))


@pytest.mark.parametrize("said", [{"scene": "a"}, {"scene": "a", "top": 1, "height": 100, "width": 60}, 3])
def test_a_part_that_does_not_hold_its_item_is_refused(scene: Item, said: Any) -> None:
    with pytest.raises(DataError, match=r"ds/austin1: part: .* does not hold the item of 100×60 px"):
        part_of(replace(scene, extra={PART: said}))


def test_a_part_of_a_part_lies_in_the_scene(scene: Item) -> None:
    twice = part_item(part_item(scene, Rows(20, 90)), Rows(10, 30))

    assert twice == part_item(scene, Rows(30, 50))
    assert part_item(twice, Rows(0, 20)) == twice


@given(st.integers(1, 5000), st.integers(1, 9000), st.integers(0, 20_000_000), st.data())
def test_parts_are_the_rows_and_not_too_large(width: int, height: int, most: int, data: st.DataObject) -> None:
    size = Size(height, width)
    top = data.draw(st.integers(0, height - 1))
    rows = Rows(top, data.draw(st.integers(top + 1, height)))

    parts = row_parts(size, rows, most)

    assert (parts[0].top, parts[-1].bottom) == (rows.top, rows.bottom)
    assert all(first.bottom == second.top and first.bottom % 512 == 0 for first, second in pairwise(parts))
    assert all(part.top < part.bottom for part in parts)
    if most:
        assert all(part.height <= 512 or part.height * width <= most for part in parts)
        whole = {part.top for part in row_parts(size, Rows(0, height), most)}
        assert {part.top for part in parts[1:]} <= whole
    else:
        assert parts == [rows]
