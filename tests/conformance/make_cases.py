"""Write the project's own cases: `python -m tests.conformance.make_cases [FOLDER]`.

Each function writes one case; what should come out is drawn by hand or cut out with numpy.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from tests.conformance.drawing import (
    BITMAP,
    LINE,
    POINT,
    POLYGON,
    RECTANGLE,
    bitmap,
    mask_of,
    picture,
    vector,
    write_case,
    write_item,
    write_picture,
    write_project,
)
from tests.queries import choose, data, layer, save, tag, windows

CASES = Path(__file__).with_name("cases")

DATA = data("P/*")
HOUSE = {"house": BITMAP}
DOT = mask_of("#")


def routing(case: Path) -> None:
    """A union, a fan-out, `null` and a name that nobody reads."""
    project = write_project(case / "input" / "P", HOUSE)
    for name in ("a1", "a2", "b1"):
        write_item(project, f"ds/{name}", picture(6, 8), [bitmap("house", DOT, 1, 2)])
    layers = [
        DATA,
        choose("$all", ["$a", "null"], regex_names=["^a"]),
        choose("$a", ["$first", "$unread"], regex_names=["1$"]),
        tag("$a", "$tagged", "town"),
        save("$first $tagged", "R"),
    ]
    write_case(case, "a1 comes out twice, a2 once with its tag, b1 never.", layers)
    result = write_project(case / "expected", HOUSE, ["town"])
    for name, tags in (("a1", []), ("a1_0000000001", ["town"]), ("a2", ["town"])):
        write_item(result, f"P__ds/{name}", picture(6, 8), [bitmap("house", DOT, 1, 2)], tags, with_image=False)


def cut_windows(case: Path) -> None:
    """Windows of 4×3 with overlap 1×1 on 9×6: starts 0, 3, 5 and 0, 2, 3."""
    house = mask_of(
        ".........",
        ".###.....",
        ".#.#...##",
        ".###...##",
        ".........",
        "#........",
    )  # fmt: skip
    project = write_project(case / "input" / "P", HOUSE)
    write_item(project, "ds/a", picture(6, 9), [bitmap("house", house, tags=["old"])], ["t"])
    layers = [
        DATA,
        windows("$all", "$cut", 3, 4, rows=1, columns=1),
        choose("$cut", ["$kept", "null"], min_objects_count=1),
        save("$kept", "R"),
    ]
    write_case(case, "The last window of a row or column is shifted inward; empty ones go.", layers)
    result = write_project(case / "expected", HOUSE, [])
    count = 0
    for top in (0, 2, 3):
        for left in (0, 3, 5):
            part = house[top : top + 3, left : left + 4]
            if part.any():
                suffix = f"_{count:010d}" if count else ""
                pixels = picture(6, 9)[top : top + 3, left : left + 4]
                write_item(result, f"P__ds/a{suffix}", pixels, [bitmap("house", part, tags=["old"])], ["t"])
                count += 1


def vectors_cut(case: Path) -> None:
    """Two windows side by side cut every kind of figure."""
    classes = {"area": POLYGON, "road": LINE, "box": RECTANGLE, "well": POINT}
    project = write_project(case / "input" / "P", classes)
    objects = [
        vector("area", POLYGON, (2, 1), (7, 1), (7, 6), (2, 6)),
        vector("road", LINE, (0, 3), (8, 3)),
        vector("box", RECTANGLE, (4, 0), (6, 2)),
        vector("well", POINT, (4, 5)),
    ]
    write_item(project, "ds/a", picture(8, 8), objects)
    layers = [
        DATA,
        windows("$all", "$cut", 8, 4),
        save("$cut", "R"),
    ]
    write_case(case, "A point on the border is in both windows; a box that only touches it is in one.", layers)
    result = write_project(case / "expected", classes)
    left = [
        vector("area", POLYGON, (4, 6), (4, 1), (2, 1), (2, 6)),
        vector("road", LINE, (4, 3), (0, 3)),
        vector("well", POINT, (4, 5)),
    ]
    right = [
        vector("area", POLYGON, (0, 1), (3, 1), (3, 6), (0, 6)),
        vector("road", LINE, (0, 3), (4, 3)),
        vector("box", RECTANGLE, (0, 0), (2, 2)),
        vector("well", POINT, (0, 5)),
    ]
    write_item(result, "P__ds/a", picture(8, 8)[:, :4], left)
    write_item(result, "P__ds/a_0000000001", picture(8, 8)[:, 4:], right)


def flips(case: Path) -> None:
    """Mirrored about the vertical axis, and then about the horizontal one too."""
    classes = {"house": BITMAP, "area": POLYGON}
    house = mask_of("##.", "#..")
    project = write_project(case / "input" / "P", classes)
    objects = [bitmap("house", house, 1, 0), vector("area", POLYGON, (4, 0), (6, 0), (6, 2))]
    write_item(project, "ds/a", picture(5, 6), objects)
    layers = [
        DATA,
        layer("flip", "$all", "$lr", axis="vertical"),
        layer("flip", "$lr", "$both", axis="horizontal"),
        save("$lr $both", "R"),
    ]
    write_case(case, "vertical is left to right, horizontal is up to down; x becomes width - x.", layers)
    result = write_project(case / "expected", classes)
    across = [bitmap("house", mask_of(".##", "..#"), 1, 3), vector("area", POLYGON, (0, 0), (0, 2), (2, 0))]
    both = [bitmap("house", mask_of("..#", ".##"), 2, 3), vector("area", POLYGON, (0, 5), (0, 3), (2, 5))]
    write_item(result, "P__ds/a", picture(5, 6)[:, ::-1], across)
    write_item(result, "P__ds/a_0000000001", picture(5, 6)[::-1, ::-1], both)


def pieces(case: Path) -> None:
    """Corners join, holes stay, and what lies in a hole is a piece of its own."""
    classes = {"house": BITMAP, "wood": BITMAP}
    drawn = mask_of(
        "#....#####",
        ".#...#...#",
        "#....#.#.#",
        ".....#...#",
        "...#.#####",
    )  # fmt: skip
    project = write_project(case / "input" / "P", classes)
    objects = [bitmap("house", drawn, 1, 1, tags=["lost"]), bitmap("wood", mask_of("#.#"), 0, 4, tags=["kept"])]
    write_item(project, "ds/a", picture(7, 12), objects, ["t"])
    layers = [DATA, layer("split_masks", "$all", "$split", classes=["house"]), save("$split", "R")]
    write_case(case, "One object a component of the listed class; the other class stays in one.", layers)
    result = write_project(case / "expected", classes)
    ring = mask_of("#####", "#...#", "#...#", "#...#", "#####")
    parts = [
        bitmap("house", mask_of("#.", ".#", "#."), 1, 1),
        bitmap("house", ring, 1, 6),
        bitmap("house", DOT, 3, 8),
        bitmap("house", DOT, 5, 4),
        bitmap("wood", mask_of("#.#"), 0, 4, tags=["kept"]),
    ]
    write_item(result, "P__ds/a", picture(7, 12), parts, ["t"], with_image=False)


def mapping(case: Path) -> None:
    """Two classes become one, one is dropped, the rest stay."""
    before = {"house": BITMAP, "shed": BITMAP, "car": RECTANGLE, "road": LINE}
    project = write_project(case / "input" / "P", before)
    house, shed = mask_of("##"), mask_of("#", "#")
    car, road = vector("car", RECTANGLE, (0, 0), (2, 2)), vector("road", LINE, (0, 0), (3, 4))
    write_item(project, "ds/a", picture(5, 5), [bitmap("house", house, 3, 3), bitmap("shed", shed), car, road])
    names = {"house": "building", "shed": "building", "car": "__ignore__", "__other__": "__default__"}
    layers = [data("P/ds", "$all", names), save("$all", "R")]
    write_case(case, "classes_mapping renames, merges, ignores and keeps.", layers)
    result = write_project(case / "expected", {"building": BITMAP, "road": LINE})
    kept = [bitmap("building", house, 3, 3), bitmap("building", shed), road]
    write_item(result, "P__ds/a", picture(5, 5), kept, with_image=False)


def small_image(case: Path) -> None:
    """An image smaller than the window is skipped; the other one comes out."""
    project = write_project(case / "input" / "P", HOUSE)
    write_item(project, "ds/fits", picture(4, 4), [bitmap("house", DOT)])
    write_item(project, "ds/small", picture(4, 3), [bitmap("house", DOT)])
    layers = [
        DATA,
        tag("$all", "$tagged", "t"),
        windows("$tagged", "$cut", 4, 4),
        save("$cut", "R"),
    ]
    what = "Of an image that fails nothing comes out; the others go on."
    write_case(case, what, layers, outcome="image_skipped", skipped=[{"image": "P/ds/small"}])
    result = write_project(case / "expected", HOUSE, ["t"])
    write_item(result, "P__ds/fits", picture(4, 4), [bitmap("house", DOT)], ["t"])


def chance(case: Path) -> None:
    """A branch taken by chance: which of two tags an image gets is left out of the comparison."""
    project = write_project(case / "input" / "P", HOUSE)
    result = write_project(case / "expected", HOUSE, ["both", "one", "other"])
    for number in range(6):
        write_item(project, f"ds/image{number}", picture(3, 3), tags=["both"])
        tags = ["both", "one" if number % 2 else "other"]
        write_item(result, f"P__ds/image{number}", picture(3, 3), tags=tags, with_image=False)
    layers = [
        DATA,
        choose("$all", ["$1", "$2"], probability=0.5),
        tag("$1", "$one", "one"),
        tag("$2", "$other", "other"),
        save("$one $other", "R"),
    ]
    ignore = ["name_suffix", "class_color", "tag:one", "tag:other"]
    write_case(case, "Every image comes out once.", layers, ignore=ignore)
    meta = (project / "meta.json").read_text(encoding="utf-8")
    (project / "meta.json").write_text(meta.replace('"tags_images": []', '"tags_images": ["both"]'), encoding="utf-8")


def loop(case: Path) -> None:
    """A layer that is fed from its own result."""
    project = write_project(case / "input" / "P", HOUSE)
    write_item(project, "ds/a", picture(2, 2))
    layers = [
        DATA,
        tag("$all $back", "$1", "t"),
        layer("flip", "$1", "$back", axis="vertical"),
        save("$1", "R"),
    ]
    write_case(case, "A loop is refused before anything is read.", layers, outcome="config_error")


def crop_sides(case: Path) -> None:
    """Sides in pixels and percent; an image that nothing is left of."""
    classes = {"house": BITMAP, "box": RECTANGLE}
    project = write_project(case / "input" / "P", classes)
    house = mask_of("####", "#...", "####")
    objects = [bitmap("house", house, 2, 1, tags=["old"]), vector("box", RECTANGLE, (0, 0), (3, 3))]
    write_item(project, "ds/a", picture(7, 9), objects, ["t"])
    write_item(project, "ds/thin", picture(7, 4), [bitmap("house", DOT)])
    sides = {"left": "3px", "top": "29%", "right": "1px"}
    layers = [DATA, layer("crop", "$all", "$cut", sides=sides), save("$cut", "R")]
    write_case(case, "29 % of 7 px are 2 px; of the thin image nothing is left, which is no error.", layers)
    result = write_project(case / "expected", classes)
    kept = [bitmap("house", house[:, 2:], 0, 0, tags=["old"])]
    write_item(result, "P__ds/a", picture(7, 9)[2:, 3:8], kept, ["t"])


def cut_instances(case: Path) -> None:
    """One image an object, widened and clipped; another class stays where it is wanted."""
    classes = {"house": BITMAP, "box": RECTANGLE, "well": POINT}
    project = write_project(case / "input" / "P", classes)
    objects = [
        bitmap("house", mask_of("##", ".#"), 1, 1),
        bitmap("house", mask_of("####"), 5, 4),
        vector("box", RECTANGLE, (0, 0), (3, 6)),
        vector("well", POINT, (2, 2)),
    ]
    write_item(project, "ds/a", picture(7, 8), objects)
    pad = {"sides": {"left": "50%", "bottom": "2px"}}
    more = {"classes": ["house"], "save_classes": ["box"], "pad": pad}
    layers = [DATA, layer("instances_crop", "$all", "$cut", **more), save("$cut", "R")]
    write_case(case, "Each image holds its own house alone, and the boxes that reach into it.", layers)
    result = write_project(case / "expected", {"house": BITMAP, "box": RECTANGLE})
    first = [bitmap("house", mask_of("##", ".#"), 0, 1), vector("box", RECTANGLE, (0, 0), (3, 4))]
    second = [bitmap("house", mask_of("####"), 0, 2), vector("box", RECTANGLE, (0, 0), (1, 1))]
    write_item(result, "P__ds/a", picture(7, 8)[1:5, 0:3], first)
    write_item(result, "P__ds/a_0000000001", picture(7, 8)[5:7, 2:8], second)


def letterbox(case: Path) -> None:
    """Half as large, and in the middle of black."""
    classes = {"house": BITMAP, "area": POLYGON}
    project = write_project(case / "input" / "P", classes)
    house = np.kron(mask_of("##", ".#"), np.ones((2, 2), np.bool_))
    objects = [bitmap("house", house, 2, 2), vector("area", POLYGON, (0, 0), (12, 0), (12, 8))]
    write_item(project, "ds/a", picture(8, 12), objects)
    settings = {"width": 6, "height": 7, "aspect_ratio": {"keep": True}}
    layers = [DATA, layer("resize", "$all", "$small", **settings), save("$small", "R")]
    write_case(case, "Four pixels become one; 4 rows lie on 7 below the first.", layers, images="close")
    result = write_project(case / "expected", classes)
    pixels = np.zeros((7, 6, 3), np.uint8)
    pixels[1:5] = picture(8, 12).astype(float).reshape(4, 2, 6, 2, 3).mean(axis=(1, 3)).round()
    kept = [bitmap("house", mask_of("##", ".#"), 2, 1), vector("area", POLYGON, (0, 1), (6, 1), (6, 5))]
    write_item(result, "P__ds/a", pixels, kept)


def turned_back(case: Path) -> None:
    """A quarter turn one way and the other, and a rectangle, which cannot be turned."""
    classes = {"house": BITMAP, "box": RECTANGLE}
    project = write_project(case / "input" / "P", classes)
    write_item(project, "ds/a", picture(4, 6), [bitmap("house", mask_of("##.", "..#"), 1, 2)])
    write_item(project, "ds/boxed", picture(4, 6), [vector("box", RECTANGLE, (0, 0), (3, 3))])

    def turn(source: str, target: str, degrees: float) -> object:
        angles = {"min_degrees": degrees, "max_degrees": degrees}
        return layer("rotate", source, target, rotate_angles=angles, black_regions={"mode": "keep"})

    layers = [DATA, turn("$all", "$turned", 90), turn("$turned", "$back", -90), save("$back", "R")]
    facts = {"outcome": "image_skipped", "skipped": [{"image": "P/ds/boxed"}]}
    write_case(case, "Quarter turns move pixels as they are, so that nothing is lost.", layers, **facts)
    result = write_project(case / "expected", classes)
    write_item(result, "P__ds/a", picture(4, 6), [bitmap("house", mask_of("##.", "..#"), 1, 2)])


def contrast(case: Path) -> None:
    """Twice the contrast about grey 128, and 10 levels darker."""
    project = write_project(case / "input" / "P", HOUSE)
    write_item(project, "ds/a", picture(9, 30), [bitmap("house", DOT, 1, 1)])
    settings = {"contrast": {"min": 2, "max": 2, "center_grey": True}, "brightness": {"min": -10, "max": -10}}
    layers = [DATA, layer("contrast_brightness", "$all", "$1", **settings), save("$1", "R")]
    write_case(case, "Values are cut to 0–255; figures stay.", layers)
    result = write_project(case / "expected", HOUSE)
    pixels = np.clip((picture(9, 30).astype(int) - 128) * 2 - 10 + 128, 0, 255).astype(np.uint8)
    write_item(result, "P__ds/a", pixels, [bitmap("house", DOT, 1, 1)])


def colour_masks(case: Path) -> None:
    """Masks in colours of their own beside annotations."""
    classes = {"house": BITMAP, "box": RECTANGLE, "other": RECTANGLE}
    project = write_project(case / "input" / "P", classes)
    objects = [
        bitmap("house", mask_of("###", "#.#"), 1, 1),
        vector("box", RECTANGLE, (3, 1), (5, 1.5)),
        vector("other", RECTANGLE, (0, 0), (6, 4)),
    ]
    write_item(project, "ds/a", picture(4, 7), objects)
    colors = {"gt_machine_color": {"house": [1, 2, 3], "box": [9, 9, 9]}, "gt_human_color": {"house": [0, 0, 0]}}
    wanted = {"images": False, "annotations": True, "masks_machine": True, "masks_human": True}
    layers = [DATA, layer("save_masks", "$all", "R", **wanted, **colors)]
    write_case(case, "Later objects win; classes without a colour are not drawn.", layers)
    result = write_project(case / "expected", classes)
    write_item(result, "P__ds/a", picture(4, 7), objects, with_image=False)
    machine = np.zeros((4, 7, 3), np.uint8)
    house = np.zeros((4, 7), np.bool_)
    house[1:3, 1:4] = mask_of("###", "#.#")
    machine[house] = (3, 2, 1)  # blue comes first in a picture's array
    machine[1:3, 3:6] = 9
    green = np.full((4, 1, 3), (0, 255, 0), np.uint8)
    over = np.where(house[..., np.newaxis], (picture(4, 7).astype(int) + 1) // 2, picture(4, 7)).astype(np.uint8)
    write_picture(result / "P__ds" / "masks_machine" / "a.png", machine)
    write_picture(result / "P__ds" / "masks_human" / "a.png", np.concatenate([picture(4, 7), green, over], axis=1))


def crop_without_settings(case: Path) -> None:
    """A crop that says neither sides nor a random part."""
    project = write_project(case / "input" / "P", HOUSE)
    write_item(project, "ds/a", picture(2, 2))
    layers = [DATA, layer("crop", "$all", "$1"), save("$1", "R")]
    write_case(case, "Settings that do not fit are refused before anything is read.", layers, outcome="config_error")


ALL = (
    *(routing, cut_windows, vectors_cut, flips, pieces, mapping, small_image, chance, loop),
    *(crop_sides, cut_instances, letterbox, turned_back, contrast, colour_masks, crop_without_settings),
)


def make_cases(folder: Path) -> None:
    """Write every case into a folder, in the place of those it holds."""
    for write in ALL:
        shutil.rmtree(folder / write.__name__, ignore_errors=True)
        write(folder / write.__name__)


if __name__ == "__main__":
    make_cases(Path(sys.argv[1]) if len(sys.argv) > 1 else CASES)
