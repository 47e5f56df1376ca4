"""Actions that make figures of one shape from those of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.errors import ConfigError, TooManySkippedError
from components.core.figures import Bitmap, Line, Polygon, Rectangle, Shape, vertices
from components.core.geometry import Size
from components.core.project import Object
from tests.builders import mask_object, write_tiled
from tests.components.core.dtl.figures import (
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
from tests.components.core.dtl.projects import house, item, run, write

SQUARE = ((2, 2), (2, 8), (8, 8), (8, 2))
HOLE = ((4, 4), (4, 6), (6, 6), (6, 4))

CONVERSIONS: dict[str, tuple[dict[str, Any], Object, Shape]] = {
    "bbox": ({}, house(), Shape.RECTANGLE),
    "bbox2poly": ({}, box(1, 1, 4, 4), Shape.POLYGON),
    "poly2bitmap": ({}, polygon(*SQUARE), Shape.BITMAP),
    "line2bitmap": ({"width": 1}, line((1, 1), (1, 9)), Shape.BITMAP),
    "find_contours": ({}, house("###", "###", "###"), Shape.POLYGON),
    "bitmap2lines": ({"min_points_cnt": 2}, house("#####"), Shape.LINE),
    "rasterize": ({}, polygon(*SQUARE), Shape.BITMAP),
}
"""Each with its other settings, an object that it takes, and the shape that it makes."""


@pytest.mark.parametrize("action", CONVERSIONS)
def test_new_objects_lose_tags_and_others_stay(tmp_path: Path, action: str) -> None:
    more, entry, shape = CONVERSIONS[action]
    title = entry.class_title
    tagged = Object(title, entry.figure, ("lost",), "lost")
    other = point(5, 5, tags=("kept",), description="kept")
    found = result(tmp_path, action, other, tagged, classes_mapping={title: "new"}, **more)
    new = [found for found in found.objects if found.class_title == "new"]
    assert [(entry.figure.shape, entry.tags, entry.description) for entry in new] == [(shape, (), "")]
    assert [entry for entry in found.objects if entry not in new] == ([] if action == "rasterize" else [other])
    assert found.name == "a"


@pytest.mark.parametrize("action", CONVERSIONS)
def test_the_classes_follow(tmp_path: Path, action: str) -> None:
    more, entry, shape = CONVERSIONS[action]
    titles = {"house", "shed", "area", "road", "car", "well"}
    found = classes_after(tmp_path, action, classes_mapping={entry.class_title: "new"}, **more)
    assert found.keys() == titles - {entry.class_title} | {"new"}
    assert found["new"] is shape


@pytest.mark.parametrize("action", CONVERSIONS)
def test_a_class_of_another_shape_is_refused(tmp_path: Path, action: str) -> None:
    more, entry, shape = CONVERSIONS[action]
    with pytest.raises(
        ConfigError, match=rf"query\[1\]\.settings\.classes_mapping: 'well' would be a class of {shape}s"
    ):
        classes_after(tmp_path, action, classes_mapping={entry.class_title: "well"}, **more)


@pytest.mark.parametrize("action", [*CONVERSIONS, "rename", "duplicate_objects"])
def test_a_class_that_is_not_there_is_refused(tmp_path: Path, action: str) -> None:
    more = CONVERSIONS[action][0] if action in CONVERSIONS else {}
    with pytest.raises(
        ConfigError, match=r"classes_mapping: 'tree' is no class of the incoming items; classes are house"
    ):
        classes_after(tmp_path, action, classes_mapping={"tree": "new"}, **more)


@pytest.mark.parametrize("word", ["__ignore__", "__default__", "__other__"])
def test_words_of_the_data_layer_are_no_classes(tmp_path: Path, word: str) -> None:
    for mapping, path in (({"house": word}, "house"), ({word: "house"}, word)):
        with pytest.raises(ConfigError, match=rf"settings\.classes_mapping\.{path}: `{word}` is a word of the `data`"):
            classes_after(tmp_path, "bbox", classes_mapping=mapping)


TAKES_ONE_SHAPE = {
    "bbox2poly": ("house", "is a bitmap, and `bbox2poly` takes rectangles alone", {"classes_mapping": {"house": "n"}}),
    "find_contours": ("car", "is a rectangle, and `find_contours` takes bitmaps", {"classes_mapping": {"car": "n"}}),
    "bitmap2lines": ("car", "takes bitmaps alone", {"classes_mapping": {"car": "n"}, "min_points_cnt": 2}),
    "skeletonize": ("car", "takes bitmaps alone", {"classes": ["car"], "method": "thinning"}),
    "drop_noise": ("car", "takes bitmaps alone", {"classes": ["car"], "min_area": "1px", "src_type": "image"}),
    "approx_vector": ("car", "takes polygons and lines alone", {"classes": ["car"], "epsilon": 1}),
}


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize("action", TAKES_ONE_SHAPE)
def test_a_figure_of_another_shape_fails_its_image(tmp_path: Path, action: str, dry: bool) -> None:
    title, words, more = TAKES_ONE_SHAPE[action]
    project = write(tmp_path, [item("a"), item("b", house() if title == "house" else box(1, 1, 5, 5))])
    pattern = rf"INRIA/ds/b: query\[1\]\.settings\.classes\w*: an object of '{title}' in image 'b' .*{words}"
    with pytest.raises(TooManySkippedError, match=pattern):
        run(layers_of(action, **more), project, dry=dry)


def test_bbox_of_every_shape(tmp_path: Path) -> None:
    objects = [
        house("#..", ".##", top=1, left=2),
        polygon((1, 1), (9.5, 3), (4, 7), holes=[HOLE]),
        line((5, 5), (9, 1)),
        box(1, 2, 3, 4),
        line((5, 5), (5, 9)),
        point(3, 3),
        polygon((-3, 50), (3, 50), (3, 70)),
    ]
    mapping = dict.fromkeys(("house", "area", "road", "well"), "box") | {"car": "car"}
    assert figures_after(tmp_path, "bbox", *objects, classes_mapping=mapping) == [
        ("box", Rectangle(1, 2, 3, 5)),
        ("box", Rectangle(1, 1, 9.5, 7)),
        ("box", Rectangle(5, 1, 9, 5)),
        ("car", Rectangle(1, 2, 3, 4)),
        ("box", Rectangle(0, 50, 3, 60)),
    ]


def test_bbox2poly(tmp_path: Path) -> None:
    ((_, found),) = figures_after(tmp_path, "bbox2poly", box(1, 2.5, 3, 4), classes_mapping={"car": "quad"})
    assert found == Polygon(vertices([(1, 2.5), (3, 2.5), (3, 4), (1, 4)]))


def test_poly2bitmap_draws_every_shape(tmp_path: Path) -> None:
    objects = [
        polygon(*SQUARE, holes=[((3, 3), (3, 7), (7, 7), (7, 3))]),
        line((1, 1), (3, 3)),
        box(0.5, 0.5, 2, 3),
        point(2.5, 4),
        house("#.", ".#", left=3),
        point(3, 60),
    ]
    mapping = dict.fromkeys(("area", "road", "car", "well"), "mask") | {"house": "mask2"}
    found = figures_after(tmp_path, "poly2bitmap", *objects, classes_mapping=mapping)
    ring = ["#######", "#######", "##...##", "##...##", "##...##", "#######", "#######"]
    assert [picture_of(figure) for _, figure in found] == [
        ring,
        ["#..", ".#.", "..#"],
        ["###", "###"],
        ["#"],
        ["#.", ".#"],
    ]
    places = [(figure.top, figure.left) for _, figure in found if isinstance(figure, Bitmap)]
    assert places == [(2, 2), (1, 1), (1, 1), (2, 4), (0, 3)]
    assert [title for title, _ in found] == ["mask"] * 4 + ["mask2"]


def test_a_mask_raster_stays_one(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60), np.bool_)
    pixels[3:30, 4:50] = True
    uri = write_tiled(tmp_path / "mask.tif", pixels.view(np.uint8), tile=16)
    entry = mask_object(uri, pixels, "house")
    Path(uri).unlink()
    for action, more in (("poly2bitmap", {}), ("rasterize", {})):
        (found,) = result(tmp_path / action, action, entry, classes_mapping={"house": "mask"}, **more).objects
        assert isinstance(found.figure, Bitmap) and isinstance(entry.figure, Bitmap)
        assert found.figure.mask == entry.figure.mask and found.figure.window == entry.figure.window


def test_line2bitmap_draws_outlines_as_wide_as_asked(tmp_path: Path) -> None:
    objects = [line((4, 1), (4, 5)), point(10, 10), box(20, 20, 24, 25), house("####", "####", "####", "####", top=30)]
    mapping = {"road": "wall", "well": "wall", "car": "wall", "house": "wall"}
    thin = [
        picture_of(figure)
        for _, figure in figures_after(tmp_path / "1", "line2bitmap", *objects, classes_mapping=mapping, width=1)
    ]
    assert thin == [
        ["#####"],
        ["#"],
        ["######", "#....#", "#....#", "#....#", "######"],
        ["####", "#..#", "#..#", "####"],
    ]
    found = figures_after(tmp_path / "3", "line2bitmap", *objects, classes_mapping=mapping, width=3)
    assert picture_of(found[1][1]) == ["..#..", ".###.", "#####", ".###.", "..#.."], "radius 1.5 rounds to 2"
    assert all(isinstance(figure, Bitmap) for _, figure in found)


def test_find_contours_keeps_holes(tmp_path: Path) -> None:
    drawn = house("#####", "#...#", "#.#.#", "#...#", "#####", "....#", "....#", top=2, left=3)
    ((title, found),) = figures_after(tmp_path, "find_contours", drawn, classes_mapping={"house": "outline"})
    assert title == "outline" and isinstance(found, Polygon) and len(found.interiors) == 1
    assert {tuple(place) for place in found.exterior.tolist()} >= {(2.5, 3.5), (2.5, 7.5), (8.5, 7.5), (6.5, 3.5)}


def test_contours_of_a_mask_raster_are_those_of_its_pixels(tmp_path: Path) -> None:
    pixels = np.zeros((90, 70), np.bool_)
    pixels[5:60, 3:50], pixels[20:30, 20:40], pixels[70:80, 60:66] = True, False, True
    uri = write_tiled(tmp_path / "mask.tif", pixels.view(np.uint8), tile=16)
    inline = Bitmap.of_pixels(pixels)
    assert inline is not None
    found = []
    for name, entry in (("raster", mask_object(uri, pixels, "house")), ("inline", Object("house", inline))):
        place = write(tmp_path / name, [item("a", entry, size=Size(90, 70))])
        (after,), _ = run(layers_of("find_contours", classes_mapping={"house": "outline"}), place)
        found.append([entry.figure for entry in after.objects])
    assert found[0] == found[1] and len(found[0]) == 2


def test_bitmap2lines_leaves_short_lines_out(tmp_path: Path) -> None:
    drawn = [house("##########", top=3, left=4), house("####", top=20), house("#", "#", top=30)]
    settings: dict[str, Any] = {"classes_mapping": {"house": "axis"}}
    ten = [(3.0, column) for column in range(4, 14)]
    found = figures_after(tmp_path / "5", "bitmap2lines", *drawn, **settings, min_points_cnt=5)
    assert found in ([("axis", Line(vertices(ten)))], [("axis", Line(vertices(ten[::-1])))])
    assert len(figures_after(tmp_path / "4", "bitmap2lines", *drawn, **settings, min_points_cnt=4)) == 2


def test_rasterize_gives_each_pixel_to_the_last_object(tmp_path: Path) -> None:
    objects = [
        house("####", "####", "####", top=0, left=0),
        point(9, 9),
        box(1, 1, 2, 5),
        house("#", top=20, left=20),
        polygon((20, 20), (20, 22), (22, 22)),
        line((1, 0), (1, 3)),
    ]
    mapping = {"house": "h", "car": "r", "area": "r", "road": "l"}
    found = figures_after(tmp_path, "rasterize", *objects, classes_mapping=mapping)
    assert [(title, picture_of(figure)) for title, figure in found] == [
        ("h", ["####", "....", "#..."]),
        ("r", ["...##", "#####"]),
        ("r", ["###", ".##", "..#"]),
        ("l", ["####"]),
    ]
    canvas = np.zeros((40, 60), np.uint8)
    for _, figure in found:
        before = np.count_nonzero(canvas)
        figure.draw(canvas, 1)
        assert np.count_nonzero(canvas) - before == figure.area


def test_the_hole_of_a_polygon_shows_what_lies_below(tmp_path: Path) -> None:
    below = house(*["#" * 9] * 9, top=0, left=0)
    above = polygon((1, 1), (1, 7), (7, 7), (7, 1), holes=[((2, 2), (2, 6), (6, 6), (6, 2))])
    found = figures_after(tmp_path, "rasterize", below, above, classes_mapping={"house": "h", "area": "a"})
    assert [figure.area for _, figure in found] == [81 - 40, 40]


def test_a_query_may_convert_there_and_back(tmp_path: Path) -> None:
    project = project_of(tmp_path, box(3, 4, 9, 12))
    layers = layers_of("bbox2poly", classes_mapping={"car": "quad"})
    layers[-1:] = [
        {"action": "bbox", "src": ["$1"], "dst": "$2", "settings": {"classes_mapping": {"quad": "car"}}},
        {**layers[-1], "src": ["$2"]},
    ]
    (found,), _ = run(layers, project)
    assert [entry.figure for entry in found.objects] == [Rectangle(3, 4, 9, 12)]
