"""Every difference from the 2018 engine that the reference lists is one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.core.documents.named import READY_MADE
from components.core.dtl.differences import DIFFERENCES
from components.core.dtl.graph import build_query
from components.core.errors import ConfigError, TooManySkippedError
from components.core.geometry import Size
from components.core.imagery.operations import Resize
from components.core.project import ImageRef, Item
from tests.components.core.dtl.projects import car, house, item, items, names, run, write
from tests.queries import choose, data, drawing, layer, save, tag, windows

SHOWN: dict[str, Callable[[Path, pytest.LogCaptureFixture], None]] = {}


def shows(topic: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark what shows a difference."""

    def mark(shown: Callable[..., None]) -> Callable[..., None]:
        SHOWN[topic] = shown
        return shown

    return mark


@pytest.mark.parametrize("topic", [entry.topic for entry in DIFFERENCES])
def test_a_difference(topic: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    SHOWN[topic](tmp_path, caplog)


@shows("names of items")
def names_are_stable(root: Path, _: Any) -> None:
    project = write(root, [item("austin1", house(), size=Size(20, 20))])
    layers = [data(), windows("$all", "$1", 10, 10), layer("flip", "$1", "$2", axis="vertical"), save("$2")]
    found = [names(run(layers, project)[0]) for _ in range(2)]
    assert found[0] == found[1] and "austin1_r0010_c0000_lr" in found[0]


@shows("chance")
def chance_is_keyed(root: Path, _: Any) -> None:
    project = write(root, items(30))
    half = choose("$all", ["$1", "null"], probability=0.5)
    own = [data(), drawing(half, "mine", 1), save("$1")]
    assert names(run([data(), half, save("$1")], project, seed=5)[0]) == names(
        run([data(), half, save("$1")], project, seed=5)[0]
    )
    assert names(run(own, project, seed=5)[0]) == names(run(own, project, seed=6)[0])


@shows("splits")
def splits_keep_images_together(root: Path, _: Any) -> None:
    assert "crop_augment_by_source" in READY_MADE
    project = write(root, [item(f"s{number}", size=Size(20, 20)) for number in range(8)])
    condition = {"probability": 0.5, "group_by": "source"}
    layers = [data(), windows("$all", "$1", 10, 10), choose("$1", ["$2", "null"], **condition), save("$2")]
    found, _ = run(layers, project)
    counts = {name: sum(entry.name.startswith(f"{name}_") for entry in found) for name in names(items(8, "s"))}
    assert set(counts.values()) == {0, 4}


@shows("empty branches")
def empty_branches_are_told(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    run([data(), choose("$all", ["$1", "$2"], probability=0.0), save("$1 $2")], write(root, items(3)))
    assert "query[1]: by chance none of 3 items went to $1" in caplog.text


ROTATE: dict[str, Any] = {"rotate_angles": {"min_degrees": 9, "max_degrees": 9}, "black_regions": {"mode": "keep"}}


@shows("images that fail")
def failures_count(root: Path, _: Any) -> None:
    project = write(root, [item("a", car()), item("b", house())])
    layers = [data(), layer("rotate", "$all", "$1", **ROTATE), save("$1")]
    with pytest.raises(TooManySkippedError, match="INRIA/ds/a: query"):
        run(layers, project)
    found, report = run(layers, project, max_bad=1)
    assert len(found) == len(report.skipped) == 1


@shows("parts of an image that fails")
def nothing_of_a_failure_comes_out(root: Path, _: Any) -> None:
    project = write(root, [item("a", car()), item("b")])
    layers = [data(), tag("$all", "$before", "t"), layer("rotate", "$all", "$1", **ROTATE), save("$before $1")]
    found, _ = run(layers, project, max_bad=1)
    assert {entry.name.split("_")[0] for entry in found} == {"b"}


def two_datasets(root: Path) -> Path:
    return write(root, [item("a", dataset="one"), item("b", dataset="two")])


@shows("several datasets")
def all_listed_datasets_are_read(root: Path, _: Any) -> None:
    assert names(run([data("INRIA/one INRIA/two"), save("$all")], two_datasets(root))[0]) == ["a", "b"]


@shows("several data layers")
def items_enter_every_layer(root: Path, _: Any) -> None:
    layers = [data("INRIA/*", "$s"), data("INRIA/two", "$q"), tag("$q", "$r", "second"), save("$s $r")]
    found, _ = run(layers, two_datasets(root))
    assert sorted(entry.tags for entry in found) == [(), (), ("second",)]


@shows("objects that vanish")
def vanished_objects_go(root: Path, _: Any) -> None:
    project = write(root, [item("a", house("#"), house("####", "####", "####", "####", top=8), size=Size(16, 16))])
    small = layer("resize", "$all", "$1", width=3, height=3, aspect_ratio={"keep": False})
    (found,), _ = run([data(), small, save("$1")], project)
    assert len(found.objects) == 1


@shows("right angles")
def right_angles_are_exact(root: Path, _: Any) -> None:
    turn = {"rotate_angles": {"min_degrees": 90, "max_degrees": 90}, "black_regions": {"mode": "keep"}}
    project = write(root, [item("a", house(), size=Size(80, 120))])
    (found,), _ = run([data(), layer("rotate", "$all", "$1", **turn), save("$1")], project)
    assert found.size == Size(120, 80) and found.objects[0].figure.area == 4


@shows("small images")
def small_images_may_pass(root: Path, _: Any) -> None:
    project = write(root, [item("a", size=Size(5, 5)), item("b")])
    for more, count in (({}, 1), ({"small_images": "whole"}, 2)):
        window = {"window": {"width": 40, "height": 40}, "min_overlap": {"x": 0, "y": 0}} | more
        found, _ = run([data(), layer("sliding_window", "$all", "$1", **window), save("$1")], project, max_bad=1)
        assert len({entry.name.split("_")[0] for entry in found}) == count


@shows("pixels")
def pixels_are_references(root: Path, _: Any) -> None:
    size = Size(8, 8)
    project = write(root, [Item("ds", "a", size, ImageRef.whole("s3://bucket/never-read.tif", size))])
    small = layer("resize", "$all", "$1", width=4, height=4, aspect_ratio={"keep": False})
    (found,), _ = run([data(), small, save("$1")], project)
    assert found.image is not None and isinstance(found.image.recipe.operations[-1], Resize)
    assert [
        path.suffix for path in root.rglob("*") if path.is_file() and path.suffix not in (".json", ".parquet")
    ] == []


@shows("faults of a query")
def all_faults_are_told_at_once(_: Path, __: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        build_query([data(), tag("$all", "$1", ""), layer("flip", "$1", "$2", axis="up"), save("$2")])
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "query[1].settings.tag",
        "query[2].settings.axis",
    ]
