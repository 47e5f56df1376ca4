"""What tag, sliding_window and flip do to one item."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from components.core.dtl.action import Action
from components.core.dtl.actions import ACTIONS
from components.core.errors import TooManySkippedError
from components.core.figures import Rectangle
from components.core.geometry import Size, Window
from components.core.project import Item, open_project
from tests.builders import scene_project
from tests.components.core.dtl.projects import SIZE, car, house, item, items, meta_after, names, run, write
from tests.queries import choose, data, layer, save, tag, windows


def test_add_repeats_and_delete_takes_one(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", tags=["old", "x", "old"]), item("b")])
    layers = [data(), tag("$all", "$1", "new"), tag("$1", "$2", "new"), tag("$2", "$3", "old", "delete"), save("$3")]
    found, _ = run(layers, project)
    assert [entry.tags for entry in found] == [("x", "old", "new", "new"), ("new", "new")]


def test_tags_that_layers_add_are_listed_taken_or_not(tmp_path: Path) -> None:
    project = write(tmp_path, items(1))
    layers = [
        data(),
        choose("$all", ["$never", "$1"], tags=["nothing has this"]),
        tag("$never", "$2", "never"),
        tag("$1", "$3", "gone", "delete"),
        tag("$3", "$4", "old", "delete"),
        save("$2 $4"),
    ]
    assert meta_after(layers, project).tags_images == ("old", "never")


@pytest.mark.parametrize(
    ("overlap", "count", "starts"),
    [
        (0, 100, [0, 512, 1024, 1536, 2048, 2560, 3072, 3584, 4096, 4488]),
        (128, 169, [0, 384, 768, 1152, 1536, 1920, 2304, 2688, 3072, 3456, 3840, 4224, 4488]),
    ],
)
def test_windows_of_an_inria_scene(tmp_path: Path, overlap: int, count: int, starts: list[int]) -> None:
    project = write(tmp_path, [item("a", size=Size(5000, 5000))])
    found, _ = run([data(), windows("$all", "$1", 512, 512, overlap, overlap), save("$1")], project)
    assert len(found) == count
    assert names(found) == [f"a_r{top:04d}_c{left:04d}" for top in starts for left in starts]
    assert {entry.size for entry in found} == {Size(512, 512)}


def test_rows_and_columns_have_their_own_window_and_overlap(tmp_path: Path) -> None:
    found, _ = run([data(), windows("$all", "$1", 10, 25, 5, 1), save("$1")], write(tmp_path, [item("a")]))
    assert names(found) == [f"a_r{top:04d}_c{left:04d}" for top in (0, 5, 10, 15, 20, 25, 30) for left in (0, 24, 35)]


def test_windows_cut_objects_and_keep_what_they_carry(tmp_path: Path) -> None:
    wide = house("#" * 40, "#" * 40, top=4, left=10, tags=("roof",), description="long")
    project = write(tmp_path, [item("a", wide, car(0, 29, 2, 31), tags=["t"])])
    found, _ = run([data(), windows("$all", "$1", 40, 30), save("$1")], project)
    assert [entry.tags for entry in found] == [("t",), ("t",)]
    left, right = (entry.objects for entry in found)
    assert [part.figure for part in left] == [house("#" * 20, "#" * 20, top=4, left=10).figure, Rectangle(0, 29, 2, 30)]
    assert [part.figure for part in right] == [house("#" * 20, "#" * 20, top=4).figure, Rectangle(0, 0, 2, 1)]
    assert all(parts[0].tags == ("roof",) and parts[0].description == "long" for parts in (left, right))


def test_windows_without_objects_come_out(tmp_path: Path) -> None:
    found, _ = run([data(), windows("$all", "$1", 20, 20), save("$1")], write(tmp_path, [item("a", house())]))
    assert [len(entry.objects) for entry in found] == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("height", "width", "fault"),
    [
        (41, 60, r"window\.height: 41 exceeds the height 40 of image 'a'; use at most 40"),
        (40, 61, r"window\.width: 61 exceeds the width 60 of image 'a'; use at most 60"),
    ],
)
def test_a_window_larger_than_the_image_fails_it(tmp_path: Path, height: int, width: int, fault: str) -> None:
    project = write(tmp_path, [item("a")])
    assert len(run([data(), windows("$all", "$1", *(SIZE.height, SIZE.width)), save("$1")], project)[0]) == 1
    with pytest.raises(TooManySkippedError, match=rf"INRIA/ds/a: query\[1\]\.settings\.{fault}"):
        run([data(), windows("$all", "$1", height, width), save("$1")], project)


@pytest.mark.parametrize(
    ("axis", "rows", "top", "left", "box"),
    [
        ("vertical", ("..#", "##."), 1, 55, Rectangle(0, 57, 2, 60)),
        ("horizontal", (".##", "#.."), 37, 2, Rectangle(38, 0, 40, 3)),
    ],
)
def test_vertical_is_left_right_and_horizontal_up_down(
    tmp_path: Path, axis: str, rows: tuple[str, str], top: int, left: int, box: Rectangle
) -> None:
    drawn = house("#..", ".##", top=1, left=2)
    project = write(tmp_path, [item("a", drawn, car(0, 0, 2, 3))])
    (found,), _ = run([data(), layer("flip", "$all", "$1", axis=axis), save("$1")], project)
    assert [entry.figure for entry in found.objects] == [house(*rows, top=top, left=left).figure, box]


@pytest.mark.parametrize("axis", ["vertical", "horizontal"])
def test_windows_of_a_mirrored_image_show_what_they_should(tmp_path: Path, axis: str) -> None:
    project = scene_project(tmp_path, ("town1",), SIZE)
    (whole,) = open_project(project)
    layers = [data(), layer("flip", "$all", "$1", axis=axis), windows("$1", "$2", 16, 25), save("$2")]
    found, _ = run(layers, project)
    assert len(found) == 9
    for entry in found:
        *_, row, column = entry.name.split("_")
        window = Window(int(row[1:]), int(column[1:]), 16, 25)
        backwards, all_ = slice(None, None, -1), slice(None)
        mirrored = (all_, backwards) if axis == "vertical" else (backwards, all_)
        assert whole.image is not None and entry.image is not None
        pixels = np.stack([band[mirrored][window.slices] for band in whole.image.pixels()])
        assert (entry.image.pixels() == pixels).all()
        assert (canvas_of(entry) == canvas_of(whole)[mirrored][window.slices]).all()


def canvas_of(entry: Item) -> np.ndarray:
    """(H, W) uint8 with the item's objects drawn."""
    canvas = np.zeros((entry.size.height, entry.size.width), np.uint8)
    for found in entry.objects:
        found.figure.draw(canvas, 1)
    return canvas


@pytest.mark.parametrize("axis", ["vertical", "horizontal"])
def test_flipping_twice_changes_nothing_but_the_name(tmp_path: Path, axis: str) -> None:
    entry = item("a", house("#..", ".##", top=1, left=2), car())
    layers = [data(), layer("flip", "$all", "$1", axis=axis), layer("flip", "$1", "$2", axis=axis), save("$2")]
    (found,), _ = run(layers, write(tmp_path, [entry]))
    assert found.objects == entry.objects
    assert found.name == {"vertical": "a_lr_lr", "horizontal": "a_ud_ud"}[axis]


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_what_an_action_says_of_itself_tells_of_image_and_objects(action: type[Action]) -> None:
    about = (inspect.getdoc(action) or "").lower()
    assert re.search(r"\b(image|item)s?\b", about)
    assert re.search(r"\b(object|figure|bitmap)s?\b", about)
