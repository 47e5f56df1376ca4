"""Which regions of an image the modes look at."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core.documents.inference import load_config
from components.core.documents.inference_modes import RegionMode
from components.core.documents.regions import Region, distinct_windows, regions_of, why_not
from components.core.errors import DataError
from components.core.figures import Bitmap, Figure, InlineMask, Line, Point, Polygon, Rectangle, vertices
from components.core.geometry import Size, Window
from components.core.project import Object

SIZE = Size(100, 120)


def mode_of(source: str, **settings: Any) -> RegionMode:
    mode = load_config({"mode": {"source": source, **settings}}).mode
    assert isinstance(mode, RegionMode)
    return mode


def boxes(*figures: Figure, size: Size = SIZE, **settings: Any) -> list[Window]:
    objects = [Object("car", figure) for figure in figures]
    return [region.window for region in regions_of(mode_of("bboxes", **settings), size, objects)]


def test_a_full_image_is_one_region() -> None:
    assert regions_of(mode_of("full_image"), SIZE) == [Region(Window(0, 0, 100, 120))]


def test_bounds_are_lengths_from_the_sides_and_shares_are_rounded_down() -> None:
    bounds = {"left": "7px", "top": "12.9%", "right": "33.4%", "bottom": "1px"}

    assert regions_of(mode_of("roi", bounds=bounds), SIZE) == [Region(Window.of_bounds(12, 7, 99, 80))]
    assert regions_of(mode_of("roi"), SIZE) == regions_of(mode_of("full_image"), SIZE)


@pytest.mark.parametrize(
    ("bounds", "size", "reason"),
    [
        ({"top": "60px", "bottom": "40px"}, SIZE, "top 60px and bottom 40px leave none of the 100 rows"),
        ({"left": "200px"}, SIZE, "left 200px and right 0px leave none of the 120 columns"),
        ({"right": "1px"}, Size(1, 1), "left 0px and right 1px leave none of the 1 columns"),
        ({"left": "50%", "right": "60px"}, SIZE, "left 50% and right 60px leave none of the 120 columns"),
    ],
)
def test_bounds_that_leave_nothing_are_refused(bounds: dict[str, str], size: Size, reason: str) -> None:
    message = f"inference.config: mode.bounds: {reason} of the image; leave at least one"

    with pytest.raises(DataError) as caught:
        regions_of(mode_of("roi", bounds=bounds), size)
    assert str(caught.value) == why_not(mode_of("roi", bounds=bounds), size) == message


@pytest.mark.parametrize("side", ["8193×4", "4×8193"])
def test_what_is_too_large_for_one_input_is_refused_with_the_way_out(side: str) -> None:
    size = Size(*map(int, side.split("×")))
    expected = {
        "full_image": "runs the image through",
        "roi": f"runs {Window.of_size(size)} through",
        "bboxes": f"runs {Window.of_size(size)}, the box of an object of class 'car', through",
    }
    for source, words in expected.items():
        whole = Object("car", Rectangle(0, 0, size.height, size.width))
        with pytest.raises(DataError) as caught:
            regions_of(mode_of(source), size, [whole])
        assert f"mode.source: '{source}' {words} the network at once, which is {side} px" in str(caught.value)
        assert "the limit is 8192×8192 px; " in str(caught.value)
        assert str(caught.value).endswith("use 'sliding_window'")
    assert why_not(mode_of("full_image"), Size(8192, 8192)) is None
    assert why_not(mode_of("roi", bounds={"top": "1px", "left": "1px"}), size) is None
    assert why_not(mode_of("bboxes"), size) is None


def test_every_kind_of_figure_has_a_box() -> None:
    corners = np.array([(10.4, 20.5), (30.5, 20.5), (30.5, 41.2)])

    assert boxes(Bitmap(3, 5, InlineMask(np.ones((4, 6), np.bool_)))) == [Window(3, 5, 4, 6)]
    assert boxes(Rectangle(10.0, 20.0, 30.0, 41.0)) == [Window(10, 20, 20, 21)]
    assert boxes(Polygon(corners, ())) == boxes(Line(corners)) == [Window.of_bounds(10, 21, 31, 41)]


def test_what_has_no_area_gives_a_region_where_it_is_padded() -> None:
    nothing: list[Figure] = [Point(50.2, 60.6), Line(np.array([(9.0, 9.0), (9.0, 12.0)]))]
    sides = dict.fromkeys(("left", "top", "right", "bottom"), "3px")

    assert boxes(*nothing) == []
    assert boxes(*nothing, padding={"left": "50%", "top": "50%"}) == []
    assert boxes(*nothing, padding=sides) == [Window(47, 58, 6, 6), Window(6, 6, 6, 9)]


def test_boxes_are_padded_by_shares_of_themselves_and_end_at_the_image() -> None:
    figure = Rectangle(10, 20, 21, 40)

    assert boxes(figure, padding={"top": "10%", "left": "55%", "bottom": "1px"}) == [Window.of_bounds(9, 9, 22, 40)]
    assert boxes(figure, padding={"top": "900%", "right": "9999px"}) == [Window.of_bounds(0, 20, 21, 120)]
    assert boxes(Rectangle(90, 110, 200, 300)) == [Window.of_bounds(90, 110, 100, 120)]
    assert boxes(Rectangle(100, 0, 120, 50), Rectangle(-30, -30, 0, 0)) == []


def test_objects_without_a_place_are_told_or_give_nothing() -> None:
    assert boxes(Polygon(vertices([]), ()), padding={"left": "5px", "top": "5px", "right": "5px"}) == []
    for side in (math.nan, math.inf):
        with pytest.raises(DataError, match=rf"object of class 'car' is nowhere: .*\b{side}\b.*; fix its"):
            boxes(Rectangle(1.0, 3.0, 9.0, side))


def test_classes_choose_and_places_count_once() -> None:
    box = Rectangle(1, 2, 5, 9)
    objects = [Object("car", box), Object("tree", Rectangle(0, 0, 3, 3)), Object("house", box), Object("car", box)]

    found = regions_of(mode_of("bboxes", from_classes=["house", "car"]), SIZE, objects)

    assert [region.title for region in found] == ["car", "house", "car"]
    assert distinct_windows(found) == (Window(1, 2, 4, 7),)
    assert len(regions_of(mode_of("bboxes"), SIZE, objects)) == 4


LENGTHS = st.one_of(
    st.integers(0, 200).map(lambda number: f"{number}px"), st.integers(0, 49).map(lambda number: f"{number}%")
)


@given(
    st.fixed_dictionaries(dict.fromkeys(("left", "top", "right", "bottom"), LENGTHS)),
    st.tuples(*[st.integers(1, 150)] * 2),
    st.lists(st.tuples(*[st.floats(-50, 200)] * 4), max_size=5),
)
def test_no_region_is_empty_or_leaves_the_image(
    sides: dict[str, str], sizes: tuple[int, int], corners: list[tuple[float, float, float, float]]
) -> None:
    size = Size(*sizes)
    objects = [Object("car", Rectangle(min(a, c), min(b, d), max(a, c), max(b, d))) for a, b, c, d in corners]
    found = regions_of(mode_of("bboxes", padding=sides), size, objects)
    if why_not(mode_of("roi", bounds=sides), size) is None:
        found += regions_of(mode_of("roi", bounds=sides), size)

    for region in found:
        assert region.window.height > 0 and region.window.width > 0
        assert Window.of_size(size).contains(region.window)
