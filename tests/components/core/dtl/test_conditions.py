"""Every condition of `if`, at and around its borders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.core.figures import Line, Point, Polygon, Shape, vertices
from components.core.geometry import Size
from components.core.project import ClassInfo, Item, Object, ProjectMeta
from tests.components.core.dtl.projects import META, car, house, item, names, run, write
from tests.queries import choose, data, save, tag


def passing(tmp_path: Path, entries: list[Item], meta: ProjectMeta = META, /, **condition: Any) -> list[str]:
    """Names of the items for which the condition holds; the others must come out of the second port."""
    project = write(tmp_path, entries, meta=meta)
    layers = [data(), choose("$all", ["$yes", "$no"], **condition), tag("$yes", "$1", "yes"), save("$1 $no")]
    found, _ = run(layers, project)
    assert sorted(names(found)) == sorted(names(entries)), "each goes exactly one way"
    return [entry.name for entry in found if "yes" in entry.tags]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["^austin[0-9]+$"], ["austin1", "austin12"]),
        (["austin1"], ["austin1", "austin12"]),
        (["1$", "^v"], ["austin1", "vienna2"]),
        (["AUSTIN"], []),
        ([], []),
        ([""], ["austin1", "austin12", "vienna2"]),
    ],
)
def test_regex_names_searches_the_sources_name(tmp_path: Path, patterns: list[str], expected: list[str]) -> None:
    entries = [item(name) for name in ("austin1", "austin12", "vienna2")]
    assert passing(tmp_path, entries, regex_names=patterns) == expected


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["INRIA/north"], ["a"]),
        (["INRIA/*"], ["a", "b"]),
        (["*/south"], ["b"]),
        (["*/*"], ["a", "b"]),
        (["OTHER/*", "INRIA/nor"], []),
        (["INRIA__north/north"], []),
    ],
)
def test_project_datasets_looks_at_the_source(tmp_path: Path, listed: list[str], expected: list[str]) -> None:
    entries = [item("a", dataset="north"), item("b", dataset="south")]
    assert passing(tmp_path, entries, project_datasets=listed) == expected


@pytest.mark.parametrize(("least", "expected"), [(0, "abc"), (1, "bc"), (2, "c"), (3, "")])
def test_min_objects_count_counts_all_classes(tmp_path: Path, least: int, expected: str) -> None:
    entries = [item("a"), item("b", car()), item("c", car(), house())]
    assert passing(tmp_path, entries, min_objects_count=least) == list(expected)


@pytest.mark.parametrize(
    ("classes", "expected"), [(["house"], "bc"), (["car"], "c"), (["car", "house"], "bc"), (["tree"], ""), ([], "")]
)
def test_include_classes_wants_one_object(tmp_path: Path, classes: list[str], expected: str) -> None:
    entries = [item("a"), item("b", house()), item("c", car(), house())]
    assert passing(tmp_path, entries, include_classes=classes) == list(expected)


@pytest.mark.parametrize(("tags", "expected"), [(["x"], "b"), (["x", "y"], "bc"), (["roof"], ""), ([], "")])
def test_tags_are_the_images_not_the_objects(tmp_path: Path, tags: list[str], expected: str) -> None:
    entries = [item("a"), item("b", house(tags=("roof",)), tags=["x"]), item("c", tags=["z", "y"])]
    assert passing(tmp_path, entries, tags=tags) == list(expected)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"min_height": 30}, "ab"),
        ({"min_height": 31}, "b"),
        ({"min_width": 40}, "ac"),
        ({"min_width": 41}, "c"),
        ({"min_area": 1200}, "abc"),
        ({"min_area": 1201}, "bc"),
        ({"min_area": 1240}, "b"),
    ],
)
def test_sizes_pass_where_equal(tmp_path: Path, condition: dict[str, int], expected: str) -> None:
    entries = [item("a", size=Size(30, 40)), item("b", size=Size(40, 31)), item("c", size=Size(25, 49))]
    assert passing(tmp_path, entries, **condition) == list(expected)


AREA_META = ProjectMeta(
    "INRIA",
    tuple(ClassInfo(str(shape), shape, "#000000") for shape in Shape),
)


def drawn(title: str) -> Object:
    """One object a shape: 8 px with a hole, 12 px with the hole counted, 6 px, and 0 twice."""
    ring = vertices([(0, 0), (0, 4), (3, 4), (3, 0)])
    return {
        "bitmap": house("###", "#.#", "###", title="bitmap"),
        "polygon": Object("polygon", Polygon(ring, (vertices([(1, 1), (1, 2), (2, 2)]),))),
        "rectangle": Object("rectangle", car().figure),
        "line": Object("line", Line(vertices([(0, 0), (9, 9)]))),
        "point": Object("point", Point(1, 1)),
    }[title]


@pytest.mark.parametrize(
    ("classes", "area"),
    [
        (["bitmap"], 8),
        (["polygon"], 12),
        (["rectangle"], 6),
        (["line"], 0),
        (["point"], 0),
        (["bitmap", "rectangle"], 14),
        ([str(shape) for shape in Shape], 26),
        (["tree"], 0),
    ],
)
def test_sum_object_area_adds_the_listed_classes(tmp_path: Path, classes: list[str], area: int) -> None:
    entries = [item("a", *(drawn(str(shape)) for shape in Shape))]
    assert passing(tmp_path / "1", entries, AREA_META, sum_object_area=area, classes=classes) == ["a"]
    assert passing(tmp_path / "2", entries, AREA_META, sum_object_area=area + 0.5, classes=classes) == []
