"""`save` and `save_masks`: projects as files, with pictures beside the images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from components.core.dtl.graph import build_query
from components.core.dtl.run import execute_query, predict_query
from components.core.errors import ConfigError
from components.core.figures import Line, Point, Polygon, Rectangle, Shape, vertices
from components.core.geometry import Size
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, open_project, write_manifest
from components.core.project.renders import Color, ColorMask, Overlay
from tests.builders import noise, write_tiled
from tests.components.core.dtl.projects import house, item
from tests.queries import data, layer, save

SIZE = Size(12, 16)
META = ProjectMeta(
    "INRIA",
    (
        ClassInfo("house", Shape.BITMAP, "#102030"),
        ClassInfo("car", Shape.RECTANGLE, "#ffffff"),
        ClassInfo("yard", Shape.POLYGON, "#000000"),
        ClassInfo("tree", Shape.POINT, "#00ff00"),
        ClassInfo("fence", Shape.LINE, "#0000ff"),
    ),
)
OBJECTS = (
    house("###", "###", top=1, left=1),
    Object("car", Rectangle(2, 2, 6, 9)),
    Object("yard", Polygon(vertices([(8, 1), (8, 4), (10, 4), (10, 1)]))),
    Object("tree", Point(9, 12)),
    Object("fence", Line(vertices([(11, 5), (11, 8)]))),
)


@pytest.fixture(name="project")
def fixture_project(tmp_path: Path) -> Path:
    uri = write_tiled(tmp_path / "a.tif", noise(SIZE))
    write_manifest(tmp_path / "INRIA", META, [Item("ds", "a", SIZE, ImageRef.whole(uri, SIZE), objects=OBJECTS)])
    return tmp_path / "INRIA"


def query(action: str, **settings: Any) -> str:
    end = {"action": action, "src": ["$1"], "dst": "OUT", "settings": settings}
    return json.dumps([data(), layer("flip", "$all", "$1", axis="vertical"), end])


def rgb(file: Path) -> np.ndarray:
    return cv2.imread(str(file))[..., ::-1].astype(int)


def files_of(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("annotations", [True, False])
@pytest.mark.parametrize("visualize", [True, False])
def test_what_is_wanted_is_written(
    project: Path, tmp_path: Path, images: bool, annotations: bool, visualize: bool
) -> None:
    wanted = {"images": images, "annotations": annotations, "visualize": visualize}
    done = execute_query(query("save", **wanted), [project], tmp_path / "out")
    assert done.result.written == 1
    expected = ["meta.json"]
    expected += ["INRIA__ds/ann/a_lr.json"] if annotations else []
    expected += ["INRIA__ds/img/a_lr.png"] if images else []
    expected += ["INRIA__ds/visualize/a_lr.png"] if visualize else []
    assert files_of(tmp_path / "out") == sorted(expected)


def test_what_was_saved_is_a_project(project: Path, tmp_path: Path) -> None:
    execute_query(query("save", images=True, annotations=True), [project], tmp_path / "out")
    execute_query(query("supervisely"), [project], tmp_path / "manifest")
    (found,), (expected,) = open_project(tmp_path / "out"), open_project(tmp_path / "manifest")
    assert found.objects == expected.objects and found.size == expected.size
    assert found.image is not None and expected.image is not None
    assert (found.image.pixels() == expected.image.pixels()).all()


def test_visualize_shows_the_image_twice(project: Path, tmp_path: Path) -> None:
    execute_query(query("save", images=True, annotations=True, visualize=True), [project], tmp_path / "out")
    shown, image = (rgb(tmp_path / "out" / "INRIA__ds" / name / "a_lr.png") for name in ("visualize", "img"))
    assert shown.shape == (12, 33, 3)
    assert (shown[:, :16] == image).all() and (shown[:, 16] == (0, 255, 0)).all()
    right = shown[:, 17:]

    def changed_to(row: int, column: int) -> tuple[int, ...]:
        return tuple((2 * right - image)[row, column].tolist())

    assert (right[1, 12] == (image[1, 12] + (0x10, 0x20, 0x30)) // 2).all(), "filled bitmap"
    assert (right[2, 7] == (image[2, 7] + 255) // 2).all(), "the rectangle's outline"
    assert (right[4, 10] == image[4, 10]).all(), "and nothing inside"
    assert (right[9, 13] == (image[9, 13] + 1) // 2).all(), "black is drawn as nearly black"
    cross = [(9, 4), (8, 4), (10, 4), (9, 3), (9, 5)]
    assert all((right[row, column] == (image[row, column] + (0, 255, 0)) // 2).all() for row, column in cross)
    assert len(changed_to(0, 0)) == 3 and (right[0] == image[0]).all()


def test_masks_in_the_colours_that_are_given(project: Path, tmp_path: Path) -> None:
    settings = {
        "images": False,
        "annotations": True,
        "masks_machine": True,
        "masks_human": True,
        "gt_machine_color": {"house": [1, 1, 1], "car": [2, 3, 4], "ship": [9, 9, 9]},
        "gt_human_color": {"car": [0, 0, 0]},
    }
    execute_query(query("save_masks", **settings), [project], tmp_path / "out")
    folder = tmp_path / "out" / "INRIA__ds"
    machine, human = (rgb(folder / name / "a_lr.png") for name in ("masks_machine", "masks_human"))
    expected = np.zeros((12, 16, 3), int)
    expected[1:3, 12:15] = (1, 1, 1)
    expected[2:7, 7:15] = (2, 3, 4)  # a rectangle of 7 px covers 8 columns, and later objects win
    assert (machine == expected).all()
    image, right = human[:, :16], human[:, 17:]
    inside = np.zeros((12, 16), bool)
    inside[2:7, 7:15] = True
    assert (right[inside] == (image[inside] + 1) // 2).all() and (right[~inside] == image[~inside]).all()
    assert not (folder / "img").exists()


def test_annotations_without_an_image_are_drawn_on_black() -> None:
    entry = item("a", house("##", top=1, left=1), size=Size(4, 4))
    picture = Overlay({"house": Color(200, 100, 50)})(entry, np.zeros((4, 4, 3), np.uint8))
    assert picture[1, 4 + 1 + 1].tolist() == [100, 50, 25]
    assert ColorMask({"house": Color(200, 100, 50)})(entry, picture).sum() == 2 * 350


def test_an_item_without_an_image_is_shown_on_black(tmp_path: Path) -> None:
    write_manifest(tmp_path / "INRIA", META, [item("a", house(), size=Size(4, 4))])
    wanted = query("save", images=True, annotations=True, visualize=True)
    execute_query(wanted, [tmp_path / "INRIA"], tmp_path / "out")
    assert files_of(tmp_path / "out" / "INRIA__ds") == ["ann/a_lr.json", "visualize/a_lr.png"]


def test_a_dry_run_counts_them(project: Path) -> None:
    assert predict_query(query("save", images=True, annotations=False), [project]).result.written == 1


@pytest.mark.parametrize(
    ("action", "settings", "fault"),
    [
        ("save", {"images": True}, "annotations: is missing"),
        ("save", {"images": True, "annotations": 1}, "annotations"),
        ("save", {"images": True, "annotations": True, "masks": True}, "unknown key"),
        ("save_masks", {"images": True, "annotations": True, "masks_machine": False}, "masks_human: is missing"),
        ("save_masks", {"masks_machine": True}, "masks_machine is true, and gt_machine_color is missing"),
        ("save_masks", {"masks_human": True}, "masks_human is true, and gt_human_color is missing"),
        ("save_masks", {"gt_human_color": {"house": [1, 2]}}, r"gt_human_color\.house"),
        ("save_masks", {"gt_human_color": {"house": [1, 2, 256]}}, r"gt_human_color\.house"),
        ("save_masks", {"gt_human_color": {"house": "#ffffff"}}, r"gt_human_color\.house"),
    ],
)
def test_faulty_settings(action: str, settings: dict[str, Any], fault: str) -> None:
    whole = {"images": True, "annotations": True, "masks_machine": False, "masks_human": False}
    if action == "save_masks" and "images" not in settings:
        settings = whole | settings
    with pytest.raises(ConfigError, match=rf"query\[2\]\.settings.*{fault}"):
        build_query(json.loads(query(action, **settings)))


def test_a_query_saves_once() -> None:
    layers = json.loads(query("save", images=True, annotations=True))
    with pytest.raises(ConfigError, match=r"has 2 layers that save \(query\[2\], query\[3\]\); exactly one"):
        build_query([*layers, save("$1")])
    assert build_query(layers).output_name == "OUT"
    assert build_query(layers).save_layer.action.summary() == "images, annotations"
