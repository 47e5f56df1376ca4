"""`split_masks`: one object a component, and nothing lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from components.core.errors import TooManySkippedError
from components.core.figures import Bitmap, InlineMask, tight_window
from components.core.figures.connected_components import connected_components
from components.core.geometry import Size
from tests import strategies
from tests.builders import mask_object, write_tiled
from tests.components.core.dtl.projects import car, house, item, run, write
from tests.queries import data, layer, save

SPLIT = [data(), layer("split_masks", "$all", "$1", classes=["house"]), save("$1")]

SPIRAL = house(
    "#######",
    "......#",
    "#####.#",
    "#...#.#",
    "#.###.#",
    "#.....#",
    "#######",
).figure.mask.pixels()  # type: ignore[attr-defined]


def split(tmp_path: Path, *objects: object) -> list[tuple[str, object]]:
    """Class and figure of what becomes of an item's objects."""
    (found,), _ = run(SPLIT, write(tmp_path, [item("a", *objects)]))  # type: ignore[arg-type]
    return [(entry.class_title, entry.figure) for entry in found.objects]


def test_corners_join_and_holes_stay(tmp_path: Path) -> None:
    drawn = house(
        "#....#####",
        ".#...#...#",
        "#....#.#.#",
        ".....#...#",
        "...#.#####",
        top=3,
        left=5,
    )
    ring = house("#####", "#...#", "#...#", "#...#", "#####", top=3, left=10)
    parts = [house("#.", ".#", "#.", top=3, left=5), ring, house("#", top=5, left=12), house("#", top=7, left=8)]
    assert split(tmp_path, drawn) == [("house", part.figure) for part in parts]


def test_other_classes_stay_and_pieces_lose_what_the_whole_carried(tmp_path: Path) -> None:
    drawn = house("#.#", tags=("roof",), description="two")
    shed = house("#.#", title="shed", tags=("kept",))
    (found,), _ = run(SPLIT, write(tmp_path, [item("a", shed, drawn, car(), tags=["t"])]))
    assert [entry.class_title for entry in found.objects] == ["shed", "house", "house", "car"]
    assert found.objects[0] == shed
    assert all(not entry.tags and not entry.description for entry in found.objects[1:3])
    assert found.tags == ("t",) and found.name == "a"


def test_each_object_is_split_by_itself(tmp_path: Path) -> None:
    touching = [house("##"), house("##", left=2)]
    assert len(split(tmp_path, *touching)) == 2


def test_only_bitmaps_can_be_split(tmp_path: Path) -> None:
    layers = [data(), layer("split_masks", "$all", "$1", classes=["house", "car"]), save("$1")]
    with pytest.raises(
        TooManySkippedError, match=r"query\[1\]\.settings\.classes: an object of 'car' in image 'b' is a"
    ):
        run(layers, write(tmp_path, [item("a", house()), item("b", car())]))


def test_a_class_that_is_not_there_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    layers = [data(), layer("split_masks", "$all", "$1", classes=["house", "tree"]), save("$1")]
    run(layers, write(tmp_path, [item("a", house())]))
    assert "query[1].settings.classes[1]: 'tree' is no class of the incoming items" in caplog.text
    assert "house, shed, car" in caplog.text


@settings(max_examples=150, deadline=None)
@given(data_=st.data(), pixels=strategies.sizes(20).flatmap(strategies.masks))
@example(data_=None, pixels=SPIRAL)
@example(data_=None, pixels=SPIRAL.T)
def test_splitting_then_merging_is_the_identity(data_: st.DataObject | None, pixels: np.ndarray) -> None:
    band = data_.draw(st.integers(1, 21)) if data_ else 2
    parts = connected_components(InlineMask(pixels.copy()), band)
    canvas = np.zeros(pixels.shape, np.int32)
    for number, part in enumerate(parts, start=1):
        view = canvas[part.window.slices]
        assert not view[part.mask.pixels()].any(), "no pixel is in two pieces"
        view[part.mask.pixels()] = number
        assert tight_window(part.mask.pixels()) == part.window.shift(-part.top, -part.left)
    assert ((canvas > 0) == pixels).all()
    labels, count = ndimage.label(pixels, np.ones((3, 3)))
    pairs = np.unique(np.stack([canvas[pixels], labels[pixels]]), axis=1)
    assert len(parts) == count == pairs.shape[1], "the same partition as another labelling's"
    assert parts == connected_components(InlineMask(pixels.copy()), pixels.shape[0]), "whatever the band height"


@pytest.mark.parametrize("flip", [None, "vertical", "horizontal"])
def test_a_mask_raster_gives_the_pieces_of_its_pixels(tmp_path: Path, flip: str | None) -> None:
    random = np.random.default_rng(2)
    pixels = np.zeros((90, 70), np.bool_)
    for top, left in random.integers(0, 60, (25, 2)):
        pixels[top : top + 6, left : left + 5] = True
    uri = write_tiled(tmp_path / "mask.tif", pixels.view(np.uint8) * np.uint8(255), tile=16)
    entry = item("a", mask_object(uri, pixels, "house"), size=Size(90, 70))
    layers = [data(), *([layer("flip", "$all", "$2", axis=flip)] if flip else []), *SPLIT[1:]]
    layers[-2] = layer("split_masks", "$2" if flip else "$all", "$1", classes=["house"])
    (found,), _ = run(layers, write(tmp_path, [entry]))
    shown = {None: pixels, "vertical": pixels[:, ::-1], "horizontal": pixels[::-1]}[flip]
    whole = Bitmap.of_pixels(shown)
    assert whole is not None
    expected = [
        Bitmap(whole.top + part.top, whole.left + part.left, part.mask) for part in connected_components(whole.mask)
    ]
    assert [entry.figure for entry in found.objects] == expected and len(expected) > 5
