"""`classes_mapping` of the data layer."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import ConfigError
from tests.components.core.dtl.projects import META, car, house, item, meta_after, run, write
from tests.queries import data, save, tag


def mapped(tmp_path: Path, mapping: str | dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Classes of a house, a shed and a car, in order, and (title, colour) of the classes that are left."""
    project = write(tmp_path, [item("a", house(), house(title="shed"), car())])
    layers = [data("INRIA/*", "$all", mapping), save("$all")]
    (found,), _ = run(layers, project)
    meta = meta_after(layers, project)
    return [entry.class_title for entry in found.objects], {known.title: known.color for known in meta.classes}


COLORS = {known.title: known.color for known in META.classes}


def test_default_keeps_all(tmp_path: Path) -> None:
    assert mapped(tmp_path, "default") == (["house", "shed", "car"], COLORS)


def test_all_listed(tmp_path: Path) -> None:
    titles, colors = mapped(tmp_path, {"house": "building", "shed": "__default__", "car": "__ignore__"})
    assert titles == ["building", "shed"]
    assert colors == {"building": COLORS["house"], "shed": COLORS["shed"]}


def test_merge_into_a_new_and_into_an_old_class(tmp_path: Path) -> None:
    titles, colors = mapped(tmp_path / "1", {"house": "building", "shed": "building", "__other__": "__default__"})
    assert titles == ["building", "building", "car"] and list(colors) == ["building", "car"]
    titles, colors = mapped(tmp_path / "2", {"shed": "house", "__other__": "__default__"})
    assert titles == ["house", "house", "car"] and list(colors) == ["house", "car"]


@pytest.mark.parametrize(
    ("other", "titles"),
    [("__ignore__", ["house"]), ("__default__", ["house", "shed", "car"])],
)
def test_other_is_what_is_not_listed(tmp_path: Path, other: str, titles: list[str]) -> None:
    assert mapped(tmp_path, {"house": "__default__", "__other__": other})[0] == titles


def test_classes_may_change_places(tmp_path: Path) -> None:
    titles, _ = mapped(tmp_path, {"house": "shed", "shed": "house", "car": "car"})
    assert titles == ["shed", "house", "car"]


def test_an_incomplete_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        mapped(tmp_path, {"house": "building", "shed": "building"})
    assert str(caught.value) == (
        "query[0].settings.classes_mapping: class 'car' of project 'INRIA' is not listed; list it, "
        'or add "__other__": "__default__" or "__other__": "__ignore__" (action `data`)'
    )


@pytest.mark.parametrize("target", ["", "__other__"])
def test_what_is_no_title_is_refused(tmp_path: Path, target: str) -> None:
    rule = rf"^query\[0\].settings.classes_mapping: class 'shed' would be called '{target}'; give a title"
    with pytest.raises(ConfigError, match=rule):
        mapped(tmp_path, {"shed": target, "__other__": "__default__"})


def test_classes_of_other_shapes_do_not_merge(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"classes_mapping: 'house', a class of bitmaps, and 'car', one of rec"):
        mapped(tmp_path, {"car": "house", "__other__": "__default__"})


def test_projects_whose_classes_differ_in_shape_do_not_join(tmp_path: Path) -> None:
    first = write(tmp_path, [item("a", house())], "A")
    second = write(tmp_path, [item("b", car())], "B")
    mapping = {"car": "house", "house": "__ignore__", "__other__": "__ignore__"}
    layers = [data("A/*", "$a"), data("B/*", "$b", mapping), tag("$a $b", "$1", "t"), save("$1")]
    with pytest.raises(ConfigError, match=r"query\[2\]: class 'house' is a bitmap in project 'A' and a rectangle in"):
        run(layers, first, second)
    same = [data("A/*", "$a"), data("B/*", "$b", {"car": "van", "__other__": "__ignore__"}), save("$a $b")]
    assert meta_after(same, first, second).titles == ("house", "shed", "car", "van")


def test_each_project_of_a_layer_is_mapped_by_its_own_classes(tmp_path: Path) -> None:
    first = write(tmp_path, [item("a", house())], "A")
    second = write(tmp_path, [item("b", car())], "B")
    layers = [data("A/* B/*", "$all", {"house": "home", "__other__": "__default__"}), save("$all")]
    found, _ = run(layers, first, second)
    assert [entry.objects[0].class_title for entry in found] == ["home", "car"]
