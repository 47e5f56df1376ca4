"""Projects as Supervisely exports them today: other file names, tags as objects, newer shapes; and wrong shapes."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import Bitmap, Line, Point, Polygon, Rectangle
from components.core.geometry import Size
from components.core.project import Project, open_project, write_manifest
from components.core.project.materialize import materialize
from components.core.project.supervisely_figures import pack_png
from tests.builders import noise, write_raster

SIZE = Size(40, 50)

SHAPES = ("bitmap", "polygon", "line", "rectangle", "point")

RINGS: dict[str, Any] = {
    "polygon": {"exterior": [[10, 5], [30, 5], [30, 25]], "interior": []},
    "line": {"exterior": [[1, 2], [30, 20]], "interior": []},
    "rectangle": {"exterior": [[10, 20], [40, 30]], "interior": []},
    "point": {"exterior": [[7, 8]], "interior": []},
}

FIGURES = {"bitmap": Bitmap, "polygon": Polygon, "line": Line, "rectangle": Rectangle, "point": Point}

OWN = {"id": 17, "classId": 3, "labelerLogin": "somebody", "createdAt": "2024-01-01T00:00:00.000Z"}


def entry(title: str, shape: str) -> dict[str, Any]:
    """An object as it is exported today."""
    geometry = {"bitmap": {"origin": [3, 1], "data": pack_png(np.ones((4, 6), np.bool_))}}
    if shape in RINGS:
        geometry = {"points": RINGS[shape]}
    tag = {"id": 5, "tagId": 2, "name": "checked", "value": "yes", "labelerLogin": "somebody"}
    return {**OWN, "classTitle": title, "geometryType": shape, "description": "", "tags": [tag], **geometry}


def annotation(*objects: dict[str, Any], **others: Any) -> dict[str, Any]:
    tags = [{"name": "train", "value": None, "id": 9}, {"name": "weather", "value": "sunny"}]
    size = {"height": SIZE.height, "width": SIZE.width}
    return {"description": "", "tags": tags, "size": size, "objects": [*objects]} | others


def meta(**shapes: str) -> dict[str, Any]:
    classes = [
        {"title": title, "shape": shape, "color": "#FF00FF", "id": 3, "hotkey": "", "geometry_config": {}}
        for title, shape in shapes.items()
    ]
    kinds = {"train": "imagesOnly", "weather": "all", "checked": "objectsOnly"}
    tags = [
        {"name": name, "value_type": "none", "color": "#FFFFFF", "applicable_type": kind, "classes": []}
        for name, kind in kinds.items()
    ]
    return {"classes": classes, "tags": tags, "projectType": "images"}


def export(root: Path, about: Any, **annotations: Any) -> Project:
    """A project with one image for each annotation, `a__jpg` for "a.jpg"."""
    for folder in ("img", "ann"):
        (root / "ds0" / folder).mkdir(parents=True)
    (root / "meta.json").write_text(json.dumps(about))
    for key, content in annotations.items():
        name = key.replace("__", ".")
        write_raster(root / "ds0" / "img" / name, noise(SIZE))
        (root / "ds0" / "ann" / f"{name}.json").write_text(json.dumps(content))
    return open_project(root)


def test_an_annotation_named_after_its_image_goes_with_it(tmp_path: Path) -> None:
    project = export(tmp_path, meta(r="rectangle"), a__jpg=annotation(entry("r", "rectangle")), b__png=annotation())
    first, second = project
    assert [item.key for item in (first, second)] == ["ds0/a", "ds0/b"]
    assert first.image is not None and first.image.uri.endswith("ds0/img/a.jpg")
    assert [found.figure for found in first.objects] == [Rectangle(20, 10, 30, 40)]
    assert first.tags == ("train", "weather")
    assert first.objects[0].tags == ("checked",)
    assert first.objects[0].extra == {**OWN, "geometryType": "rectangle"}
    assert (project.meta.tags_images, project.meta.tags_objects) == (("train", "weather"), ("weather", "checked"))
    write_manifest(tmp_path / "manifest", project.meta, project)
    assert list(open_project(tmp_path / "manifest")) == [first, second]


def test_every_shape_is_read_in_its_form_of_today(tmp_path: Path) -> None:
    about = meta(**{shape: shape for shape in SHAPES}) | {"tags": []}
    (item,) = export(tmp_path, about, a__png=annotation(*(entry(shape, shape) for shape in SHAPES)))
    assert {found.class_title: type(found.figure) for found in item.objects} == FIGURES


def test_what_was_read_of_today_is_written_as_in_2018_and_read_again(tmp_path: Path) -> None:
    about = meta(**{shape: shape for shape in SHAPES})
    project = export(tmp_path / "in", about, a__png=annotation(*(entry(shape, shape) for shape in SHAPES)))
    materialize(tmp_path / "out", project.meta, project)
    (written,), (read,) = open_project(tmp_path / "out"), project
    assert (tmp_path / "out" / "ds0" / "ann" / "a.json").is_file()
    assert (written.objects, written.tags) == (read.objects, read.tags)


def test_images_of_one_stem_keep_their_whole_names(tmp_path: Path) -> None:
    project = export(tmp_path, meta(), a__jpg=annotation(), a__png=annotation(), b__png=annotation())
    assert [item.name for item in project] == ["a.jpg", "a.png", "b"]


def test_an_annotation_that_could_be_of_two_images_is_refused(tmp_path: Path) -> None:
    project = export(tmp_path, meta(), a__jpg=annotation(), a__png=annotation())
    (tmp_path / "ds0" / "ann" / "a.jpg.json").rename(tmp_path / "ds0" / "ann" / "a.json")
    with pytest.raises(DataError, match=r"ann/a\.json: has no image"):
        len(project)


def test_shapes_that_are_not_read_are_passed_over_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pose = {"classTitle": "pose", "geometryType": "graph", "nodes": {"x": {"loc": [1, 2]}}, "tags": []}
    box = {"classTitle": "box", "geometryType": "cuboid_2d", "vertices": {}, "tags": []}
    project = export(
        tmp_path, meta(pose="graph", r="rectangle", box="cuboid_2d"),
        a__png=annotation(pose, entry("r", "rectangle"), pose), b__png=annotation(box),
    )  # fmt: skip
    assert [[found.class_title for found in item.objects] for item in project] == [["r"], []]
    assert project.meta.titles == ("r",)
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}: 1 objects of the unsupported shape cuboid_2d are ignored",
        f"{tmp_path}: 2 objects of the unsupported shape graph are ignored",
    ]


def test_objects_of_a_class_of_any_shape_become_bitmaps(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    about = meta(roof="any")
    (item,) = export(tmp_path, about, a__png=annotation(*(entry("roof", shape) for shape in SHAPES)))
    assert [type(found.figure) for found in item.objects] == [Bitmap] * 3
    assert item.objects[0].figure.area == 24
    assert [found.extra.get("geometryType") for found in item.objects] == ["bitmap", None, None]
    assert "1 objects of the unsupported shape line are ignored" in caplog.text
    assert "1 objects of the unsupported shape point are ignored" in caplog.text


WRONG: dict[str, tuple[Any, str]] = {
    "objects": (annotation(objects={"a": 1}), r"objects: \{'a': 1\} is not a list"),
    "tags": (annotation(tags="train"), "tags: 'train' is not a list of tags"),
    "a tag": (
        annotation(tags=[{"value": 3}]),
        r"tags\[0\]: \{'value': 3\} is neither a text nor an object with a name",
    ),
    "description": (annotation(description=["a"]), r"description: \['a'\] is not text"),
    "half a character": (annotation(description="\ud800"), "surrogates not allowed"),
    "size": (annotation(size={"height": "x", "width": 3}), "does not hold whole numbers"),
    "huge size": (annotation(size={"height": 10**12, "width": 3}), "holds no pixel, or too many"),
    "an object's tags": (
        annotation(entry("p", "polygon") | {"tags": 7}),
        r"objects\[0\]\.tags: 7 is not a list of tags",
    ),
    "an object's description": (annotation(entry("p", "polygon") | {"description": 7}), r"\[0\]\.description: 7 is no"),
    "no points": (annotation(entry("p", "bitmap")), r"objects\[0\]\.points: None is not an object with `exterior`"),
    "holes": (
        annotation(entry("p", "polygon") | {"points": {"exterior": [[0, 0]], "interior": 5}}),
        "5 is not a list of",
    ),
    "a far point": (annotation(entry("p", "polygon") | {"points": {"exterior": [[10**400, 0]]}}), "is not a list of"),
    "georeference": (
        annotation(georeference={"transform": [1, 2]}),
        r"georeference: \{'transform': \[1, 2\]\} holds no",
    ),
    "a georeference that is a text": (annotation(georeference="EPSG:4326"), "georeference: 'EPSG:4326' holds no crs"),
}


@pytest.mark.parametrize("case", WRONG)
def test_annotations_of_the_wrong_shape_are_told_with_their_place(tmp_path: Path, case: str) -> None:
    content, words = WRONG[case]
    project = export(tmp_path, meta(p="polygon"), a__png=content)
    with pytest.raises(DataError, match=rf"ds0/ann/a\.png\.json: .*{words}"):
        project.item(0)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"classes": [], "tags": {"a": 1}}, r"meta\.json: tags: \{'a': 1\} is not a list of tags"),
        ({"classes": [], "tags": [3]}, r"meta\.json: tags\[0\]: 3 is neither a text"),
        ({"classes": [{"title": "a", "shape": "blob"}]}, r"classes\[0\]\.shape: 'blob' is not one of"),
        ({"classes": [{"title": ["a"], "shape": "any"}]}, "a class needs a title"),
        ({"classes": [7]}, "a class needs a title"),
    ],
)
def test_a_meta_of_the_wrong_shape_is_told(tmp_path: Path, about: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        export(tmp_path, about)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


GOOD = {"meta": meta(**{shape: shape for shape in SHAPES}, roof="any", pose="graph"), "annotation": annotation(
    *(entry(shape, shape) for shape in SHAPES), entry("roof", "polygon"), entry("pose", "graph"))}  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(places(GOOD)[1:]), ODD)
def test_whatever_stands_anywhere_is_read_or_explained(place: tuple[Any, ...], odd: Any) -> None:
    content = copy.deepcopy(GOOD)
    inner: Any = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    with tempfile.TemporaryDirectory() as folder:
        try:
            project = export(Path(folder) / "in", content["meta"], a__png=content["annotation"])
            write_manifest(Path(folder) / "out", project.meta, project)
        except DataError as error:
            assert folder in str(error) or "roject" in str(error)
