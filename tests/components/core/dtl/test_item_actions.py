"""Actions on items as a whole: background, hints, datasets, copies and places in the query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.dtl.actions.generate_hints import distinct_integers
from components.core.errors import ConfigError
from components.core.figures import Bitmap, Point, Rectangle, Shape
from components.core.geometry import Size
from components.core.project import Item, Object
from tests.builders import mask_object, write_tiled
from tests.components.core.dtl.figures import (
    META,
    box,
    classes_after,
    layers_of,
    line,
    point,
    polygon,
    project_of,
    result,
)
from tests.components.core.dtl.projects import SIZE, house, item, items, meta_after, names, run, write
from tests.queries import choose, data, layer, save

HINTS: dict[str, Any] = {"class": "house", "positive_class": "in", "negative_class": "out", "min_points_number": 3}


def test_the_background_lies_below_all(tmp_path: Path) -> None:
    objects = [house(tags=("t",)), point(3, 3)]
    found = result(tmp_path / "1", "background", *objects, **{"class": "ground"})
    assert list(found.objects) == [Object("ground", Rectangle(0, 0, 39, 59)), *objects]
    canvas = np.zeros((40, 60), np.uint8)
    found.objects[0].figure.draw(canvas, 1)
    assert canvas.all()
    assert classes_after(tmp_path / "2", "background", **{"class": "ground"})["ground"] is Shape.RECTANGLE
    assert classes_after(tmp_path / "3", "background", **{"class": "car"})["car"] is Shape.RECTANGLE


def test_a_background_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings\.class: 'house' would be a class of rectangles"):
        classes_after(tmp_path, "background", **{"class": "house"})


def test_a_strip_has_no_background(tmp_path: Path) -> None:
    (found,), _ = run(layers_of("background", **{"class": "ground"}), write(tmp_path, [item("a", size=Size(1, 9))]))
    assert not found.objects


def hints(found: Item, title: str) -> list[tuple[int, int]]:
    """Row and column of the points of a class."""
    figures = [entry.figure for entry in found.objects if entry.class_title == title]
    assert all(isinstance(figure, Point) for figure in figures)
    return [(int(figure.row), int(figure.column)) for figure in figures if isinstance(figure, Point)]


def test_hints_lie_inside_and_outside(tmp_path: Path) -> None:
    objects = [house(*["####"] * 4, top=3, left=9), house(*["#..#"] * 3, top=20, left=20), box(1, 1, 39, 59)]
    canvas = np.zeros((40, 60), np.uint8)
    for entry in objects[:2]:
        entry.figure.draw(canvas, 1)
    counts = []
    for seed in range(20):
        found = result(tmp_path / str(seed), "generate_hints", *objects, seed=seed, **HINTS)
        assert list(found.objects[:3]) == objects
        inside, outside = hints(found, "in"), hints(found, "out")
        assert all(canvas[place] for place in inside) and not any(canvas[place] for place in outside)
        assert len(set(inside)) == len(inside) >= 3 and len(set(outside)) == len(outside) >= 3
        counts += [len(inside), len(outside)]
    assert len(set(counts)) > 2


@pytest.mark.parametrize("entry", [polygon((3, 3), (3, 9), (9, 9), (9, 3)), line((3, 3), (9, 9)), box(3, 3, 9, 9)])
def test_hints_of_figures_of_every_shape(tmp_path: Path, entry: Object) -> None:
    found = result(tmp_path, "generate_hints", entry, **(HINTS | {"class": entry.class_title}))
    canvas = np.zeros((40, 60), np.uint8)
    entry.figure.draw(canvas, 1)
    assert hints(found, "in") and all(canvas[place] for place in hints(found, "in"))
    assert hints(found, "out") and not any(canvas[place] for place in hints(found, "out"))


def test_there_are_no_more_hints_than_pixels(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", house("##"), size=Size(1, 4)), item("b", size=Size(1, 4))], meta=META)
    found, _ = run(layers_of("generate_hints", **(HINTS | {"min_points_number": 50})), project)
    assert [(hints(entry, "in"), hints(entry, "out")) for entry in found] == [
        ([(0, 0), (0, 1)], [(0, 2), (0, 3)]),
        ([], [(0, 0), (0, 1), (0, 2), (0, 3)]),
    ]


def test_hints_are_those_of_the_seed_the_layer_and_the_name(tmp_path: Path) -> None:
    entry = house(*["######"] * 6)
    first, again = (result(tmp_path / name, "generate_hints", entry, **HINTS) for name in ("1", "2"))
    assert first == again
    assert first != result(tmp_path / "3", "generate_hints", entry, seed=1, **HINTS)
    project = write(tmp_path, [item(name, entry) for name in ("a", "b")], meta=META)
    found, _ = run(layers_of("generate_hints", **HINTS), project)
    assert found[0] == first and hints(found[0], "out") != hints(found[1], "out")


def test_hints_of_a_mask_raster_are_those_of_its_pixels(tmp_path: Path) -> None:
    pixels = np.zeros((90, 70), np.bool_)
    pixels[5:60, 3:50] = True
    uri = write_tiled(tmp_path / "mask.tif", pixels.view(np.uint8), tile=16)
    inline = Bitmap.of_pixels(pixels)
    assert inline is not None
    found = []
    for name, entry in (("raster", mask_object(uri, pixels, "house")), ("inline", Object("house", inline))):
        place = write(tmp_path / name, [item("a", entry, size=Size(90, 70))], meta=META)
        (after,), _ = run(layers_of("generate_hints", **HINTS), place)
        found.append((hints(after, "in"), hints(after, "out")))
    assert found[0] == found[1] and all(pixels[place] for place in found[0][0])


def test_the_classes_of_hints(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = classes_after(tmp_path / "1", "generate_hints", **(HINTS | {"negative_class": "well"}))
    assert found["in"] is Shape.POINT and found["well"] is Shape.POINT
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings\.negative_class: 'car' would be a class of points"):
        classes_after(tmp_path / "2", "generate_hints", **(HINTS | {"negative_class": "car"}))
    classes_after(tmp_path / "3", "generate_hints", **(HINTS | {"class": "tree"}))
    assert "query[1].settings.class: 'tree' is no class of the incoming items" in caplog.text


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 5))
def test_distinct_integers(one: int, other: int, seed: int) -> None:
    count, below = sorted((one, other))
    found = distinct_integers(count, below, seed, ("key",))
    assert found == sorted(set(found)) and len(found) == count
    assert all(0 <= number < below for number in found)


def test_every_integer_is_as_likely() -> None:
    counts = np.zeros(6)
    for seed in range(3000):
        counts[distinct_integers(2, 6, seed, ("key",))] += 1
    assert counts.sum() == 6000 and (np.abs(counts - 1000) < 120).all()


def test_datasets(tmp_path: Path) -> None:
    project = write(tmp_path, [item("a", dataset="ds1"), item("b", dataset="ds2")])
    named, own = (
        layer("dataset", "$all", "$1", name="Zürich 2-x_"),
        layer("dataset", "$all", "$2", rule="save_original"),
    )
    asked = choose("$1", ["$3", "null"], project_datasets=["INRIA/ds2"])
    found, _ = run([data(), named, own, asked, save("$1 $2 $3 $all")], project)
    assert [entry.key for entry in found] == [
        *("Zürich 2-x_/a", "ds1/a", "INRIA__ds1/a", "Zürich 2-x_/b", "ds2/b", "Zürich 2-x_/b_2", "INRIA__ds2/b")
    ]


@pytest.mark.parametrize("given", [{}, {"name": "x", "rule": "save_original"}, {"rule": "keep"}])
def test_a_dataset_has_a_name_or_a_rule(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings"):
        classes_after(tmp_path, "dataset", **given)


@pytest.mark.parametrize("name", ["a/b", "", " ", "a.b", "..", "x" * 201, "a\nb", "a\n"])
def test_what_is_no_name_of_a_dataset(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings\.name"):
        classes_after(tmp_path, "dataset", name=name)


def test_copies_have_names_and_chances_of_their_own(tmp_path: Path) -> None:
    project = write(tmp_path, items(30))
    layers = [
        data(),
        layer("multiply", "$all", "$1", multiply=3),
        choose("$1", ["$2", "null"], probability=0.5),
        save("$1"),
    ]
    found, report = run(layers, project)
    assert names(found[:4]) == ["image0", "image0_copy2", "image0_copy3", "image1"]
    assert all(entry.objects == (house(),) for entry in found)
    assert 20 < report.emitted[2, 0] < 70
    layers[-1] = save("$2")
    chosen = names(run(layers, project)[0])
    groups = {
        name.split("_")[0]: [other for other in chosen if other.split("_")[0] == name] for name in names(items(30))
    }
    assert any(len(group) not in (0, 3) for group in groups.values())


def test_once_is_the_same(tmp_path: Path) -> None:
    found, _ = run(layers_of("multiply", multiply=1), write(tmp_path, items(2)))
    assert names(found) == ["image0", "image1"]


@pytest.mark.parametrize("times", [0, -1, 1.5, "2", 10_001, True])
def test_what_is_no_number_of_times(tmp_path: Path, times: Any) -> None:
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings\.multiply"):
        classes_after(tmp_path, "multiply", multiply=times)


def test_dummy_does_nothing(tmp_path: Path) -> None:
    entry = item("a", house(tags=("t",)), tags=["x"])
    (found,), report = run(layers_of("dummy"), write(tmp_path, [entry]))
    assert (found.name, found.tags, found.objects, found.size) == ("a", ("x",), entry.objects, SIZE)
    assert report.emitted[1, 0] == 1
    assert meta_after(layers_of("dummy"), project_of(tmp_path)).classes == META.classes
