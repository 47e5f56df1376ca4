"""Queries over columns: the same files and counts as item by item."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.core import patterns
from components.core.documents.tutorial import CROP_AUGMENT_QUERY, SPLIT_MASKS_QUERY, SPLIT_TAGGING_QUERY
from components.core.dtl import run as run_module
from components.core.dtl.columns import runs_in_columns
from components.core.dtl.graph import build_query
from components.core.dtl.naming import Names
from components.core.dtl.query import read_query
from components.core.dtl.run import QueryRun, execute_query, predict_query
from components.core.errors import ConfigError, TooManySkippedError
from components.core.figures import Bitmap, RasterMask
from components.core.geometry import Size
from components.core.imagery.masks import MaskRaster
from components.core.imagery.recipe import Recipe
from components.core.project import ImageRef, Item, Object, open_project
from components.core.project import manifest as manifest_module
from components.core.project.passthrough import pass_through
from components.core.project.rows import SCHEMA, row_of_item
from tests.builders import CRS, TRANSFORM, files_below
from tests.components.core.dtl.projects import SIZE, car, house, item, write
from tests.queries import choose, data, layer, save, tag, windows

Layers = list[dict[str, Any]]

BOTH_WAYS = [data(), choose("$all", ["$a", "$a"], probability=0.5), tag("$a", "$b", "x"), save("$b $a", "NEW")]

QUERIES: dict[str, Layers] = {
    "the tutorial's": json.loads(SPLIT_TAGGING_QUERY.read_text()),
    "nothing but its name": [data(), save("$all", "NEW")],
    "one dataset": [data("INRIA/other"), tag("$all", "$b", "t"), save("$b", "NEW")],
    "all kinds of conditions": [
        data(),
        choose("$all", ["$named", "$1"], regex_names=["n1", "^vienna"]),
        choose("$1", ["$listed", "$2"], project_datasets=["*/other", "INRIA/none"]),
        choose("$2", ["$tagged", "$3"], tags=["old", "none"]),
        choose("$3", ["$high", "$4"], min_height=41),
        choose("$4", ["$wide", "$5"], min_width=61),
        choose("$5", ["$large", "null"], min_area=2400),
        tag("$named $listed", "$6", "named"),
        tag("$tagged", "$7", "old", action="delete"),
        save("$large $7 $6 $high $wide", "NEW"),
    ],
    "several ways": [
        data(),
        tag("$all", "$b", "b"),
        choose("$all $b", ["$c", "$d"], probability=0.3, group_by="source"),
        save("$d $b $c $d", "NEW"),
    ],
    "one name for both ways": BOTH_WAYS,
    "two entrances": [data(), data("INRIA/ds", "$ds"), tag("$ds", "$all", "t"), save("$all", "NEW")],
}


def towns(count: int) -> list[Item]:
    """Items of all that a manifest holds but vectors."""
    chance = random.Random(0)
    places = ["austin", "chicago", "kitsap", "tyrol-w", "vienna", "elsewhere"]
    return [
        Item(
            chance.choice(["ds", "ds", "other"]),
            f"{chance.choice(places)}{number}",
            size,
            image_of(number, size) if number % 3 else None,
            tuple(chance.choices(["old", "older"], k=chance.randrange(4))),
            chance.choice(["", "ä description"]),
            (house(tags=("checked",), extra={"key": [number]}), masked(number, size))[: chance.randrange(3)],
            {"confidence": f"confidence/{number}.tif", "age": "age.tif"} if number % 5 == 0 else {},
            {"part": {"top": number}} if number % 4 == 0 else {},
        )
        for number in range(count)
        for size in [Size(SIZE.height + number % 3, SIZE.width + number % 4)]
    ]


def image_of(number: int, size: Size) -> ImageRef:
    transform = TRANSFORM if number % 2 else None
    recipe = replace(Recipe.whole(size), left_right=number % 4 == 1)
    return ImageRef(f"s3://bucket/{number}.tif", size, recipe, CRS if transform else None, transform)


def masked(number: int, size: Size) -> Object:
    raster = MaskRaster(f"masks/{number}.tif", number % 2 or None)
    return Object("house", Bitmap(0, 0, RasterMask(raster, Recipe.whole(size), 7)))


def by_item(monkeypatch: pytest.MonkeyPatch, work: Callable[[], QueryRun]) -> QueryRun:
    """Do some work item by item."""
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "runs_in_columns", lambda *_: False)
        return work()


def check_alike(layers: Layers, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    query = json.dumps(layers)
    assert runs_in_columns(build_query(layers), {"INRIA": open_project(place)})
    fast = execute_query(query, [place], tmp_path / "fast", **options)
    slow = by_item(monkeypatch, lambda: execute_query(query, [place], tmp_path / "slow", **options))
    assert files_below(tmp_path / "fast") == files_below(tmp_path / "slow")
    assert (fast.result, fast.meta) == (slow.result, slow.meta)
    assert predict_query(query, [place]).result == by_item(monkeypatch, lambda: predict_query(query, [place])).result


@pytest.mark.parametrize("name", QUERIES)
def test_the_same_files_and_counts(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "GROUP_ROWS", 16)
    monkeypatch.setattr(manifest_module, "GROUP_OBJECTS", 20)
    monkeypatch.setattr(manifest_module, "PART_ROWS", 50)
    place = write(tmp_path, towns(120))
    assert all(map(pass_through, pq_tables(place)))
    check_alike(QUERIES[name], place, tmp_path, monkeypatch, seed=3)


def test_whole_groups_are_those_of_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write(tmp_path, [item(f"{town}{number}") for number in range(1500) for town in ("austin", "none")])
    check_alike(QUERIES["the tutorial's"], place, tmp_path, monkeypatch)


def test_rows_that_are_to_be_read_are_read_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_module, "GROUP_ROWS", 4)
    entries = [*towns(6), item("a", car()), item("b"), item("b"), *towns(6)]
    check_alike(QUERIES["several ways"], write(tmp_path, entries), tmp_path, monkeypatch)


def pq_tables(place: Path) -> list[pa.Table]:
    return list(open_project(place).tables())  # type: ignore[attr-defined]


def changed(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    """Puts something else at a place in a row."""

    def change(row: dict[str, Any]) -> None:
        inner: Any = row
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to

    return change


BROKEN = {
    "a name that is none": changed("name", to=""),
    "no dataset": changed("dataset", to=None),
    "a height below 0": changed("height", to=-1),
    "extra that is not JSON": changed("extra", to="{"),
    "an image that is called": changed("image", "uri", to="/vsicurl/http://host/a.tif"),
    "an image of another size": changed("image", "recipe", "height", to=3),
    "a window beside its raster": changed("image", "recipe", "left", to=1),
    "a transform of two": changed("image", "transform", to=[1.0, 2.0]),
    "a raster that is called": changed("rasters", 0, "uri", to="VRT:a"),
    "a mask that is called": changed("objects", 1, "raster", to="<VRTDataset/>"),
    "a mask of another size": changed("objects", 1, "recipe", "width", to=1),
    "a figure of no shape": changed("objects", 0, "shape", to="blob"),
    "a mask beside its item": changed("objects", 0, "top", to=39),
    "too few bits": changed("objects", 0, "bits", to=b""),
    "no mask at all": changed("objects", 0, "bits", to=None),
}

UNUSUAL = {
    "extra in another layout": changed("extra", to='{"a":1}'),
    "rasters in another order": changed("rasters", to=[{"role": "b", "uri": "b.tif"}, {"role": "a", "uri": "a.tif"}]),
    "two masks of one object": changed("objects", 1, "bits", to=b"\xff"),
}


def write_changed(root: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """A project whose second of three items was changed."""
    size = SIZE
    full = Item(
        "ds", "austin7", size, image_of(1, size), objects=(house(), masked(1, size)), rasters={"age": "age.tif"}
    )
    entries = [replace(full, name=name) for name in ("austin6", "austin7", "austin8")]
    place = write(root, entries)
    rows = [row_of_item(entry) for entry in entries]
    change(rows[1])
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), place / "items-00000.parquet")
    return place


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_skipped_as_ever(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write_changed(tmp_path, BROKEN[name])
    assert not any(map(pass_through, pq_tables(place)))
    check_alike(QUERIES["the tutorial's"], place, tmp_path, monkeypatch, max_bad=1)
    with pytest.raises(TooManySkippedError, match="1 of 3 items skipped, and max_bad allows 0, but never all: INRIA/"):
        execute_query(SPLIT_TAGGING_QUERY, [place], tmp_path / "none")


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_would_be_written_otherwise_is_not_passed_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_changed(tmp_path, UNUSUAL[name])
    assert not any(map(pass_through, pq_tables(place)))
    check_alike(QUERIES["the tutorial's"], place, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    "layers",
    [
        read_query(CROP_AUGMENT_QUERY),
        read_query(SPLIT_MASKS_QUERY),
        [data("INRIA/*", "$all", {"house": "home", "__other__": "__ignore__"}), save("$all")],
        [data(), choose("$all", ["$a", "$b"], min_objects_count=1), save("$a $b")],
        [data(), layer("flip", "$all", "$a", axis="vertical"), save("$a")],
        [data(), windows("$all", "$a", 10, 10), save("$a")],
    ],
)
def test_queries_that_look_at_more_run_item_by_item(layers: Layers, tmp_path: Path) -> None:
    assert not runs_in_columns(build_query(layers), {"INRIA": open_project(write(tmp_path, [item("a")]))})


def test_several_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = [write(tmp_path, towns(30), name) for name in ("INRIA", "OTHER")]
    layers = [data(), data("OTHER/ds", "$other"), tag("$other", "$t", "t"), save("$t $all", "NEW")]
    fast = execute_query(json.dumps(layers), places, tmp_path / "fast")
    slow = by_item(monkeypatch, lambda: execute_query(json.dumps(layers), places, tmp_path / "slow"))
    assert files_below(tmp_path / "fast") == files_below(tmp_path / "slow")
    assert fast.result == slow.result


@pytest.mark.parametrize(
    "first", [[], [layer("multiply", "$every", "$all", multiply=1)]], ids=["in columns", "by item"]
)
def test_an_endless_pattern_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    start = data("INRIA/*", "$every") if first else data()
    endless = [start, *first, choose("$all", ["$a", "null"], regex_names=["^(a|a)+$"]), save("$a", "NEW")]
    place = write(tmp_path, [item(f"{'a' * 60}{number}") for number in range(1000)])
    with pytest.raises(ConfigError, match="takes more than"):
        execute_query(json.dumps(endless), [place], tmp_path / "none", max_bad=None)


@given(st.lists(st.lists(st.tuples(st.sampled_from("de"), st.sampled_from(["a", "a_2", "a_3", "b"])), max_size=6)))
def test_names_taken_together_are_those_taken_in_turn(batches: list[list[tuple[str, str]]]) -> None:
    together, alone = Names(), Names()
    for batch in batches:
        datasets, wanted = [dataset for dataset, _ in batch], [name for _, name in batch]
        in_turn = [alone.final_names([dataset], [name])[0] for dataset, name in batch]
        assert together.final_names(datasets, wanted) == in_turn


def test_many_names_are_kept_apart() -> None:
    names = Names()
    many = [str(number) for number in range(20_000)]
    for start in range(0, len(many), 700):
        part = many[start : start + 700]
        assert names.final_names(["d"] * len(part), part) == part
    assert names.final_names(["d"] * len(many), many) == [f"{name}_2" for name in many]
    assert names.final_names(["e"] * len(many), many) == many
