"""Actions on objects of listed classes that leave their shape as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.errors import ConfigError
from components.core.figures import Bitmap, Line, Polygon, Rectangle, Shape, vertices
from components.core.figures.thinning import guo_hall, medial_axis, zhang_suen
from components.core.geometry import Size
from components.core.project import ClassInfo, Object
from tests.builders import mask_object, write_tiled
from tests.components.core.dtl.figures import (
    META,
    box,
    classes_after,
    figures_after,
    layers_of,
    line,
    picture_of,
    point,
    polygon,
    project_of,
    result,
)
from tests.components.core.dtl.projects import house, item, meta_after, run, write

EVERY_SHAPE = [
    house(tags=("t",), description="d"),
    polygon((1, 1), (1, 9), (9, 9), holes=[((2, 3), (2, 5), (4, 5))], tags=("t",)),
    line((1, 1), (5, 9), tags=("t",)),
    box(1, 2, 3, 4, tags=("t",)),
    point(7, 8, tags=("t",)),
]

TITLES = [entry.class_title for entry in EVERY_SHAPE]


def renamed(entry: Object, title: str) -> Object:
    """The same object in another class."""
    return Object(title, entry.figure, entry.tags, entry.description, entry.extra)


def test_rename_keeps_all_but_the_title(tmp_path: Path) -> None:
    mapping = {title: f"new {title}" for title in TITLES}
    found = result(tmp_path, "rename", *EVERY_SHAPE, classes_mapping=mapping)
    assert list(found.objects) == [renamed(entry, f"new {entry.class_title}") for entry in EVERY_SHAPE]


def test_rename_merges_classes_of_one_shape(tmp_path: Path) -> None:
    shed = house(title="shed", tags=("tin",))
    found = result(tmp_path / "1", "rename", house(), shed, classes_mapping={"shed": "house"})
    assert list(found.objects) == [house(), renamed(shed, "house")]
    assert "shed" not in classes_after(tmp_path / "2", "rename", classes_mapping={"shed": "house"})


def test_rename_keeps_the_colour(tmp_path: Path) -> None:
    meta = meta_after(layers_of("rename", classes_mapping={"house": "home"}), project_of(tmp_path))
    assert meta.find("home") == ClassInfo("home", Shape.BITMAP, "#d59fa5")


def test_rename_swaps(tmp_path: Path) -> None:
    swap = {"house": "shed", "shed": "house"}
    found = result(tmp_path, "rename", house(), house("###", title="shed"), classes_mapping=swap)
    assert list(found.objects) == [house(title="shed"), house("###")]


def test_rename_refuses_another_shape(tmp_path: Path) -> None:
    both = r"query\[1\]\.settings\.classes_mapping: 'house', a class of bitmaps, and 'car', one of rectangles, cannot"
    with pytest.raises(ConfigError, match=rf"{both} both be called 'car'; choose another title"):
        classes_after(tmp_path / "1", "rename", classes_mapping={"house": "car"})
    with pytest.raises(ConfigError, match=r"'car', one of rectangles, cannot both be called 'new'; choose another"):
        classes_after(tmp_path / "2", "rename", classes_mapping={"house": "new", "car": "new"})


def test_copies_follow_their_originals(tmp_path: Path) -> None:
    mapping = {title: f"{title} copy" for title in TITLES if title != "road"}
    found = result(tmp_path, "duplicate_objects", *EVERY_SHAPE, classes_mapping=mapping)
    expected = []
    for entry in EVERY_SHAPE:
        copies = [] if entry.class_title == "road" else [renamed(entry, f"{entry.class_title} copy")]
        expected += [entry, *copies]
    assert list(found.objects) == expected


def test_a_copy_s_class_is_like_its_original_s(tmp_path: Path) -> None:
    mapping = {"house": "copy", "car": "spare", "shed": "house"}
    meta = meta_after(layers_of("duplicate_objects", classes_mapping=mapping), project_of(tmp_path))
    assert meta.titles == (*META.titles, "copy", "spare")
    assert meta.find("spare") == ClassInfo("spare", Shape.RECTANGLE, "#d59fa5")


@pytest.mark.parametrize("mapping", [{"house": "car"}, {"house": "new", "car": "new"}])
def test_a_copy_of_another_shape_is_refused(tmp_path: Path, mapping: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"classes_mapping: '(car|new)' would be a class of"):
        classes_after(tmp_path, "duplicate_objects", classes_mapping=mapping)


def test_dropped_classes_go_with_their_objects(tmp_path: Path) -> None:
    found = result(tmp_path / "1", "drop_obj_by_class", *EVERY_SHAPE, classes=["house", "road", "well"])
    assert list(found.objects) == [EVERY_SHAPE[1], EVERY_SHAPE[3]]
    assert set(classes_after(tmp_path / "2", "drop_obj_by_class", classes=["house", "road"])) == {
        *("shed", "area", "car", "well")
    }
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings\.classes: 'tree' is no class of the incoming items"):
        classes_after(tmp_path / "3", "drop_obj_by_class", classes=["tree"])


def sizes(**area_size: Any) -> dict[str, Any]:
    """Settings of `objects_filter`."""
    comparator = area_size.pop("comparator", "less")
    rule = {
        "filtering_classes": [title for title in TITLES if title != "shed"],
        "area_size": area_size,
        "comparator": comparator,
        "action": "delete",
    }
    return {"filter_by": {"polygon_sizes": rule}}


SIZED = [
    house(*["######"] * 4, tags=("24 px, 1 %",)),
    polygon((0, 0), (0, 6), (4, 6), (4, 0), holes=[((1, 1), (1, 2), (2, 2))], tags=("24 px, 1 %",)),
    box(0, 0, 3, 8, tags=("24 px, 1 %",)),
    box(0, 0, 5, 5, tags=("25 px, more than 1 %",)),
    house(*["#####"] * 4, tags=("20 px, less than 1 %",)),
    line((0, 0), (3, 8)),
    point(3, 3),
    house("#", title="shed", tags=("not listed",)),
]
"""On 2400 px."""


@pytest.mark.parametrize(
    ("area_size", "gone"),
    [
        ({"percent": 1}, [4, 5, 6]),
        ({"percent": 1, "comparator": "greater"}, [3]),
        ({"percent": 0, "comparator": "greater"}, [0, 1, 2, 3, 4]),
        ({"width": 6, "height": 4}, [2, 3, 4, 5, 6]),
        ({"width": 6, "height": 4, "comparator": "greater"}, [2, 3, 5]),
    ],
)
def test_objects_go_by_size(tmp_path: Path, area_size: dict[str, Any], gone: list[int]) -> None:
    found = result(tmp_path, "objects_filter", *SIZED, **sizes(**area_size))
    assert list(found.objects) == [entry for index, entry in enumerate(SIZED) if index not in gone]


@pytest.mark.parametrize(
    "area_size", [{}, {"width": 3}, {"height": 3}, {"percent": 3, "width": 3}, {"percent": 101}, {"percent": "3"}]
)
def test_a_size_is_of_one_kind(tmp_path: Path, area_size: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings\.filter_by\.polygon_sizes\.area_size"):
        classes_after(tmp_path, "objects_filter", **sizes(**area_size))


def test_unknown_classes_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rule = sizes(percent=3)
    rule["filter_by"]["polygon_sizes"]["filtering_classes"] = ["tree"]
    classes_after(tmp_path / "1", "objects_filter", **rule)
    assert "query[1].settings.filter_by.polygon_sizes.filtering_classes[0]: 'tree' is no class" in caplog.text
    classes_after(tmp_path / "2", "approx_vector", classes=["area", "bush"], epsilon=1)
    assert "query[1].settings.classes[1]: 'bush' is no class" in caplog.text


def test_a_simpler_course_keeps_tags(tmp_path: Path) -> None:
    bent = line((0.9, 0), (1.5, 5.7), (0, 10), (9, 10), tags=("t",), description="d")
    yard = polygon(
        *((0, 0), (0, 10.9), (1, 20), (20, 20), (20, 0)),
        holes=[((5, 5), (5, 6), (6, 5)), ((4, 8), (4, 16), (16, 16), (16, 8), (10, 7.5))],
        tags=("t",),
    )
    found = result(tmp_path, "approx_vector", bent, yard, point(3, 3), classes=["road", "area"], epsilon=2)
    assert [entry.tags for entry in found.objects] == [("t",), ("t",), ()]
    assert found.objects[0].description == "d"
    simple, plain = found.objects[0].figure, found.objects[1].figure
    assert simple == Line(vertices([(0, 0), (0, 10), (9, 10)]))
    assert isinstance(plain, Polygon) and len(plain.exterior) == 4
    assert [len(hole) for hole in plain.interiors] == [4], "the small hole is left with two vertices"


def test_coordinates_are_cut_to_whole_numbers_first(tmp_path: Path) -> None:
    objects = [polygon((-1.9, 0.9), (-1.9, 9.9), (9.99, 9.9), (9.99, 0.9)), line((3.7, 3.7), (3.2, 3.1))]
    found = figures_after(tmp_path, "approx_vector", *objects, classes=["area", "road"], epsilon=0.01)
    (area,) = (figure for _, figure in found if isinstance(figure, Polygon))
    assert {tuple(place) for place in area.exterior.tolist()} == {(-1, 0), (-1, 9), (9, 9), (9, 0)}


def test_a_ring_left_with_two_vertices_goes(tmp_path: Path) -> None:
    needle = polygon((0, 0), (0, 30), (2, 15))
    assert figures_after(tmp_path, "approx_vector", needle, classes=["area"], epsilon=5) == []


NOISY = house(
    "####.....#",
    "####....#.",
    "####......",
    "....##...#",
    "..........",
    "##......##",
    tags=("t",),
    top=4,
    left=5,
)
"""Pieces of 12, 1, 1, 2, 1, 2 and 2 pixels, some of which touch by a corner; the box has 60."""


@pytest.mark.parametrize(
    ("least", "of", "area"),
    [
        ("0px", "image", 21),
        ("2px", "image", 18),
        ("3px", "image", 12),
        ("12px", "image", 12),
        ("13px", "image", None),
        ("5%", "bbox", 12),
        ("4.99%", "bbox", 18),
        ("0.12%", "image", 18),
        ("0.13%", "image", 12),
    ],
)
def test_small_pieces_go(tmp_path: Path, least: str, of: str, area: int | None) -> None:
    found = result(tmp_path, "drop_noise", NOISY, classes=["house"], min_area=least, src_type=of)
    assert [entry.figure.area for entry in found.objects] == ([] if area is None else [area])
    assert all(entry.tags == () and entry.class_title == "house" for entry in found.objects)


def test_what_stays_is_where_it_was(tmp_path: Path) -> None:
    ((_, found),) = figures_after(tmp_path, "drop_noise", NOISY, classes=["house"], min_area="2px", src_type="image")
    assert isinstance(found, Bitmap) and (found.top, found.left) == (4, 5)
    assert picture_of(found) == [
        *("####......", "####......", "####......", "....##....", "..........", "##......##"),
    ]


def test_a_mask_raster_without_noise_stays_one(tmp_path: Path) -> None:
    pixels = np.zeros((90, 70), np.bool_)
    pixels[5:60, 3:50], pixels[70:73, 60:66] = True, True
    uri = write_tiled(tmp_path / "mask.tif", pixels.view(np.uint8), tile=16)
    entry = mask_object(uri, pixels, "house")
    place = write(tmp_path, [item("a", entry, size=Size(90, 70))])
    for least, stays in (("18px", True), ("19px", False)):
        layers = layers_of("drop_noise", classes=["house"], min_area=least, src_type="image")
        (found,), _ = run(layers, place)
        (after,) = found.objects
        assert isinstance(after.figure, Bitmap) and isinstance(entry.figure, Bitmap)
        assert (after.figure.mask == entry.figure.mask) is stays
        assert after.figure.area == 55 * 47 + 18 * stays


@pytest.mark.parametrize("text", ["3.5px", "3", "-3px", "3.123%", "%", "3 px", ""])
def test_what_is_no_area(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings\.min_area: '.*' is not an area; give"):
        classes_after(tmp_path, "drop_noise", classes=["house"], min_area=text, src_type="image")


@pytest.mark.parametrize(
    ("name", "method"), [("skeletonization", zhang_suen), ("thinning", guo_hall), ("medial_axis", medial_axis)]
)
def test_each_component_is_thinned_and_they_stay_one_object(tmp_path: Path, name: str, method: Any) -> None:
    drawn = house(
        *["#########......"] * 5, *["..............."] * 2, *[".....##########"] * 4, top=6, left=7, tags=("t",)
    )
    found = result(tmp_path, "skeletonize", drawn, box(1, 1, 9, 9), classes=["house"], method=name)
    (skeleton, other) = found.objects
    assert other == box(1, 1, 9, 9)
    assert isinstance(drawn.figure, Bitmap)
    whole = Bitmap.of_pixels(method(drawn.figure.mask.pixels()), 6, 7)
    assert skeleton == Object("house", whole)  # type: ignore[arg-type]


def test_a_rectangle_keeps_its_corners(tmp_path: Path) -> None:
    """Objects of classes that are not listed are the very same."""
    found = result(tmp_path, "drop_noise", box(1, 1, 9, 9), classes=["house"], min_area="1px", src_type="bbox")
    assert [entry.figure for entry in found.objects] == [Rectangle(1, 1, 9, 9)]
