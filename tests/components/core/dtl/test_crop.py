"""`crop` and `instances_crop`: windows, figures, and what gives nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.core.dtl.__main__ import prediction
from components.core.dtl.actions.instances_crop import box_of
from components.core.dtl.graph import build_query
from components.core.dtl.lengths import pixels_of
from components.core.dtl.run import predict_query
from components.core.errors import ConfigError
from components.core.figures import Line, Point, Polygon, Rectangle, Shape, vertices
from components.core.geometry import Size, Window
from components.core.project import ClassInfo, Object, ProjectMeta, open_project
from tests.builders import scene_project
from tests.components.core.dtl.projects import car, house, item, items, meta_after, names, run, write
from tests.queries import choose, data, layer, save

META = ProjectMeta(
    "INRIA",
    tuple(
        ClassInfo(title, shape, "#123456")
        for title, shape in (
            ("house", Shape.BITMAP),
            ("car", Shape.RECTANGLE),
            ("road", Shape.POLYGON),
            ("fence", Shape.LINE),
            ("tree", Shape.POINT),
        )
    ),
)


def crop(**settings: Any) -> list[Any]:
    return [data(), layer("crop", "$all", "$1", **settings), save("$1")]


def share(least: float, most: float | None = None) -> dict[str, float]:
    return {"min_percent": least, "max_percent": least if most is None else most}


@pytest.mark.parametrize(
    ("length", "side", "pixels"),
    [("0px", 9, 0), ("12px", 9, 12), ("50%", 9, 4), ("0%", 9, 0), ("33.4%", 10, 3), ("120%", 10, 12)],
)
def test_lengths(length: str, side: int, pixels: int) -> None:
    assert pixels_of(length, side) == pixels


def test_sides_cut_inward_and_the_name_says_what_is_kept(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", house("#" * 60, top=10), car(0, 0, 3, 3), size=Size(40, 60))])
    (found,), _ = run(crop(sides={"left": "10%", "top": "7px", "right": "5px"}), project)
    assert found.name == "a_r0007_c0006_33x49" and found.size == Size(33, 49)
    assert [entry.figure for entry in found.objects] == [house("#" * 49, top=3).figure]


def test_what_is_cut_keeps_what_it_carries(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", car(0, 0, 30, 30, tags=("red",), description="big"), tags=["t"])])
    (found,), _ = run(crop(sides={"left": "20px"}), project)
    assert found.tags == ("t",)
    assert found.objects == (car(0, 0, 30, 10, tags=("red",), description="big"),)


@pytest.mark.parametrize("sides", [{"top": "40px"}, {"left": "30px", "right": "50%"}, {"top": "70%", "bottom": "70%"}])
def test_a_crop_that_leaves_nothing_gives_no_item(tmp_path: Path, sides: dict[str, str]) -> None:
    found, report = run(crop(sides=sides), write(tmp_path, [item("a"), item("b", size=Size(400, 600))]))
    assert names(found) == [entry.name for entry in found if entry.size.height > 40 or entry.size.width > 60]
    assert not report.skipped


@pytest.mark.parametrize("dry", [False, True])
def test_random_parts_have_their_size_and_a_place_of_their_own(tmp_path: Path, dry: bool) -> None:
    layers = crop(random_part={"height": share(50), "width": share(30)})
    project = write(tmp_path, [item(f"a{index}", size=Size(41, 60)) for index in range(40)])
    found, _ = run(layers, project, dry=dry)
    assert {entry.size for entry in found} == {Size(20, 18)}, "rounded down"
    tops, lefts = ({int(entry.name.split("_")[part][1:]) for entry in found} for part in (1, 2))
    assert min(tops) >= 0 and max(tops) <= 21 and len(tops) > 10
    assert min(lefts) >= 0 and max(lefts) <= 42 and len(lefts) > 10
    assert names(run(layers, project, dry=dry)[0]) == names(found)
    assert names(run(layers, project, seed=1, dry=dry)[0]) != names(found)


def test_random_sizes_lie_in_their_ranges(tmp_path: Path) -> None:
    project = write(tmp_path, [item(f"a{index}", size=Size(100, 200)) for index in range(60)])
    free, _ = run(crop(random_part={"height": share(20, 40), "width": share(60, 80)}), project)
    assert all(20 <= entry.size.height <= 40 and 120 <= entry.size.width <= 160 for entry in free)
    assert len({entry.size.height for entry in free}) > 10 and len({entry.size.width for entry in free}) > 20
    part = {"height": share(20, 40), "width": share(60, 80), "keep_aspect_ratio": True}
    kept, _ = run(crop(random_part=part), project)
    assert all(abs(entry.size.width - 2 * entry.size.height) <= 1 for entry in kept)
    assert all(20 <= entry.size.height <= 40 for entry in kept)


def test_a_random_part_of_all_is_all(tmp_path: Path) -> None:
    found, _ = run(crop(random_part={"height": share(100), "width": share(100)}), write(tmp_path, [item("a", house())]))
    assert names(found) == ["a_r0000_c0000_40x60"] and found[0].objects == (house(),)


def test_no_pixel_of_a_random_part(tmp_path: Path) -> None:
    part = {"height": share(1), "width": share(1)}
    assert not run(crop(random_part=part), write(tmp_path, [item("a", size=Size(40, 60))]))[0]


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "give exactly one of sides and random_part"),
        ({"sides": {}, "random_part": {"height": share(1), "width": share(1)}}, "give exactly one of"),
        ({"sides": {"left": "10"}}, r"sides\.left: '10' is not a length; write whole pixels such as \"20px\""),
        ({"sides": {"left": "-1px"}}, "not a length"),
        ({"sides": {"left": "1.5px"}}, "not a length"),
        ({"sides": {"left": 10}}, "sides.left"),
        ({"sides": {"middle": "1px"}}, "unknown key"),
        ({"random_part": {"height": share(50)}}, "random_part.width: is missing"),
        ({"random_part": {"height": share(0), "width": share(5)}}, "height.min_percent"),
        ({"random_part": {"height": share(101), "width": share(5)}}, "height.min_percent"),
        ({"random_part": {"height": share(60, 50), "width": share(5)}}, "min_percent 60 is above max_percent 50"),
    ],
)
def test_faulty_settings_of_crop(settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings.*" + fault):
        build_query(crop(**settings))


def test_pixels_are_those_of_the_window(tmp_path: Path) -> None:
    project = scene_project(tmp_path, ("town1",), Size(40, 60))
    (whole,) = open_project(project)
    (found,), _ = run(crop(sides={"left": "5px", "top": "10%"}), project)
    assert whole.image is not None and found.image is not None
    assert not found.image.recipe.operations, "one window, as ever"
    assert (found.image.pixels() == whole.image.pixels()[:, 4:, 5:]).all()


ROAD = Object("road", Polygon(vertices([(10, 10), (10, 30), (25, 20)])), ("wet",), "long")
FENCE = Object("fence", Line(vertices([(0, 0), (40, 60)])))
LEVEL = Object("fence", Line(vertices([(5, 0), (5, 60)])))
TREE = Object("tree", Point(12, 20))


@pytest.mark.parametrize(
    ("figure", "box"),
    [
        (house("##", "##", "##", top=3, left=4).figure, Window(3, 4, 3, 2)),
        (Rectangle(50.25, 60.5, 70, 88.75), Window.of_bounds(50, 61, 70, 89)),
        (ROAD.figure, Window.of_bounds(10, 10, 25, 30)),
        (FENCE.figure, Window.of_bounds(0, 0, 40, 60)),
        (LEVEL.figure, None),
        (TREE.figure, None),
        (Rectangle(1.1, 1.1, 1.2, 9), None),
    ],
)
def test_boxes_are_whole_pixels(figure: Any, box: Window | None) -> None:
    assert box_of(figure) == box


def instances(*classes: str, **more: Any) -> list[Any]:
    return [data(), layer("instances_crop", "$all", "$1", classes=list(classes), **more), save("$1")]


def test_one_image_an_object_with_that_object_alone(tmp_path: Path) -> None:
    near = house("####", "####", top=8, left=8, tags=("old",))
    project = write(tmp_path, [item("a", near, ROAD, FENCE, LEVEL, TREE, car(30, 50, 40, 60), tags=["t"])], meta=META)
    layers = instances("road", "tree", "car", pad={"sides": {"left": "10%", "top": "3px"}})
    found, _ = run(layers, project)
    assert names(found) == ["a_r0007_c0008_18x22", "a_r0027_c0049_13x11"]
    road, vehicle = found
    assert road.tags == ("t",) and [entry.class_title for entry in road.objects] == ["road"]
    assert road.objects[0].tags == ("wet",) and road.objects[0].description == "long"
    assert road.objects[0].figure.area == ROAD.figure.area
    assert [entry.figure for entry in vehicle.objects] == [Rectangle(3, 1, 13, 11)]
    assert meta_after(layers, project).titles == ("car", "road", "tree")


def test_saved_classes_stay_cut(tmp_path: Path) -> None:
    near = house("####", "####", top=8, left=8)
    other = house("#", top=20, left=20)
    project = write(tmp_path, [item("a", near, ROAD, FENCE, TREE, other)], meta=META)
    layers = instances("house", save_classes=["house", "fence"], pad={"sides": {"bottom": "150%", "right": "50%"}})
    found, _ = run(layers, project)
    assert names(found) == ["a_r0008_c0008_5x6", "a_r0020_c0020_2x1"]
    assert [entry.class_title for entry in found[0].objects] == ["house", "fence"]
    assert meta_after(layers, project).titles == ("house", "fence")
    (larger, _), _ = run(instances("house", save_classes=["road"], pad={"sides": {"right": "900%"}}), project)
    assert larger.size == Size(2, 40) and not [entry for entry in larger.objects if entry.class_title == "road"]
    (whole,), _ = run(instances("road", save_classes=["house", "tree"]), project)
    assert sorted(entry.class_title for entry in whole.objects) == ["house", "road", "tree"]


def test_boxes_end_at_the_image(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", car(0, 0, 4, 4))])
    sides = dict.fromkeys(("left", "top", "right", "bottom"), "999px")
    assert names(run(instances("car", pad={"sides": sides}), project)[0]) == ["a_r0000_c0000_40x60"]


def test_images_without_such_objects_give_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    project = write(tmp_path, items(2))
    assert not run(instances("car"), project)[0]
    assert not run(instances("ship"), project)[0]
    assert "settings.classes[0]: 'ship' is no class of the incoming items" in caplog.text


def test_a_dry_run_counts_objects_while_they_are_known(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", car(0, 0, 4, 4), car(9, 9, 12, 12), house())])
    found, report = run(instances("car"), project, dry=True)
    assert [entry.size for entry in found] == [Size(4, 4), Size(3, 3)] and report.exact
    after = [data(), layer("crop", "$all", "$1", sides={}), *instances("car")[1:]]
    after[2] = layer("instances_crop", "$1", "$2", classes=["car"])
    after[3] = save("$2")
    _, report = run(after, project, dry=True)
    assert not report.exact and not report.counted


def test_a_dry_run_says_where_it_cannot_count(tmp_path: Path) -> None:
    """Images cut out by objects that only pixels tell may be more than those that are counted, whatever comes next."""
    project = write(tmp_path, [item("a", car(0, 0, 4, 4), car(9, 9, 12, 12), house())])
    layers = [
        data(),
        layer("crop", "$all", "$1", sides={}),
        layer("instances_crop", "$1", "$2", classes=["car"]),
        choose("$2", ["$3", "null"], min_width=1),
        save("$3"),
    ]
    assert prediction(predict_query(json.dumps(layers), [project])).endswith(
        "1 items in, more or fewer than 1 out: project 'RESULT'\n"
    )
    found, report = run(layers, project)
    assert len(found) == 2 and report.counted


def test_pixels_of_instances(tmp_path: Path) -> None:
    project = scene_project(tmp_path, ("town1",), Size(40, 60))
    (whole,) = open_project(project)
    (found,), _ = run(instances(whole.objects[0].class_title), project)
    box = box_of(whole.objects[0].figure)
    assert box is not None and whole.image is not None and found.image is not None
    assert (found.image.pixels() == whole.image.pixels()[(slice(None), *box.slices)]).all()
    mask = np.zeros((box.height, box.width), np.uint8)
    found.objects[0].figure.draw(mask, 1)
    assert mask.sum() == whole.objects[0].figure.area


def test_settings_of_instances_crop() -> None:
    with pytest.raises(ConfigError, match=r"pad\.sides\.left"):
        build_query(instances("a", pad={"sides": {"left": "x"}}))
    with pytest.raises(ConfigError, match="classes: is missing"):
        build_query([data(), layer("instances_crop", "$all", "$1"), save("$1")])
    assert json.dumps(build_query(instances("a")).layers[1].action.summary()) == '"a"'
