"""`split_masks` by confidence: pieces by seeds, and pieces that are believed in, however a scene is cut into parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.core.dtl.graph import build_query
from components.core.dtl.query import read_query
from components.core.dtl.run import execute_query
from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.figures import Bitmap
from components.core.footprints.records import FootprintRules
from components.core.footprints.vectorize import scene_footprints
from components.core.geometry import Size, Window
from components.core.project import ImageRef, Item, Object, open_project, write_manifest
from components.core.project.parts import Rows, part_item
from components.core.project.splitting import SPLIT_RULES, SplitRule, split_rule, with_renamed_rules
from tests.builders import CRS, TRANSFORM, bitmap_meta, write_tiled
from tests.queries import data, layer, save

SIZE = Size(40, 24)
TITLE = "untitled_dl"


def query_of(least: float, *before: dict[str, Any], **more: Any) -> str:
    last = before[-1]["dst"] if before else "$all"
    split = layer("split_masks", last, "$split", classes=[TITLE], min_confidence=least, **more)
    return json.dumps([data(), *before, split, save("$split")])


def scene_of(mask: np.ndarray, confidence: np.ndarray, folder: Path, name: str = "scene") -> Item:
    """A prediction as inference leaves it: one bitmap a class, and the confidence beside it."""
    size = Size(*mask.shape)
    bitmap = Bitmap.of_pixels(mask)
    objects = () if bitmap is None else (Object(TITLE, bitmap),)
    raster = write_tiled(folder / f"{name}.tif", confidence)
    image = ImageRef.whole("scene.tif", size, CRS, TRANSFORM)
    return Item("ds", name, size, image, objects=objects, rasters={"confidence": raster})


def parts_of(mask: np.ndarray, confidence: np.ndarray, bounds: Sequence[int], folder: Path) -> Iterator[Item]:
    """The same as row parts."""
    whole = scene_of(mask, confidence, folder)
    for top, bottom in pairwise(bounds):
        part = part_item(whole, Rows(top, bottom))
        shown = scene_of(mask[top:bottom], confidence[top:bottom], folder, part.name)
        yield replace(part, objects=shown.objects, rasters=shown.rasters)


def split(items: Sequence[Item], least: float, folder: Path, **more: Any) -> list[Item]:
    write_manifest(folder / "predictions", bitmap_meta("INRIA", TITLE), items)
    execute_query(query_of(least, **more), [folder / "predictions"], folder / "split")
    return list(open_project(folder / "split"))


def footprints(items: Sequence[Item]) -> list[dict[str, Any]]:
    """What is published of a scene, in its order."""
    tables = scene_footprints(items, "scene", FootprintRules(TITLE), CRS)
    return [row for table in tables for row in table.to_pylist()]


def test_pieces_below_the_least_mean_are_dropped(tmp_path: Path) -> None:
    mask = np.zeros((SIZE.height, SIZE.width), np.bool_)
    mask[2:6, 2:6] = mask[10:12, 10:14] = mask[20, 20] = True
    confidence = np.zeros(mask.shape, np.uint8)
    confidence[2:6, 2:6] = 204  # 0.8
    confidence[10:12, 10:12], confidence[10:12, 12:14] = 255, 101  # 0.698 in the mean
    confidence[20, 20] = 255

    (kept,) = split([scene_of(mask, confidence, tmp_path)], 0.7, tmp_path)

    assert [entry.figure.top for entry in kept.objects] == [2, 20]
    assert SPLIT_RULES not in kept.extra
    (exact,) = split([scene_of(mask, confidence, tmp_path)], 0.8, tmp_path)
    assert [entry.figure.top for entry in exact.objects] == [2, 20], "0.8 itself suffices"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(1, SIZE.height - 1), unique=True, max_size=3))
def test_row_parts_give_what_the_whole_scene_gives(
    seed: int, cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    random = np.random.default_rng(seed)
    mask = random.random((SIZE.height, SIZE.width)) < 0.45
    confidence = random.integers(100, 256, mask.shape, np.uint8)
    folder = tmp_path_factory.mktemp("parts")
    bounds = [0, *sorted(cuts), SIZE.height]

    whole = split([scene_of(mask, confidence, folder)], 0.7, folder)
    parts = split(list(parts_of(mask, confidence, bounds, folder)), 0.7, folder)

    assert footprints(parts) == footprints(whole)
    assert all(row["confidence"] >= 0.69995 for row in footprints(whole))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0.3, 0.9),
    cuts=st.lists(st.integers(1, SIZE.height - 1), unique=True, max_size=4),
    least=st.sampled_from([0.0, 0.7]),
    area=st.integers(1, 4),
)
def test_row_parts_are_parted_by_watershed_as_the_whole_scene_is(
    seed: int, share: float, cuts: list[int], least: float, area: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    random = np.random.default_rng(seed)
    mask = random.random((SIZE.height, SIZE.width)) < share
    confidence = random.integers(100, 256, mask.shape, np.uint8)
    folder = tmp_path_factory.mktemp("parts")
    bounds = [0, *sorted(cuts), SIZE.height]
    more = {"method": "watershed", "seed_confidence": 0.9, "min_seed_area": area}

    whole = split([scene_of(mask, confidence, folder)], least, folder, **more)
    parts = split(list(parts_of(mask, confidence, bounds, folder)), least, folder, **more)

    assert footprints(parts) == footprints(whole)


@pytest.mark.parametrize("how", ["rename", "data"])
def test_a_class_that_is_renamed_keeps_its_rule(how: str, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    mask = random.random((SIZE.height, SIZE.width)) < 0.6
    confidence = random.integers(100, 256, mask.shape, np.uint8)
    parts = list(parts_of(mask, confidence, [0, 11, 23, SIZE.height], tmp_path))
    more = {"method": "watershed", "seed_confidence": 0.9}
    whole = footprints(split([scene_of(mask, confidence, tmp_path)], 0.7, tmp_path / "whole", **more))

    write_manifest(tmp_path / "predictions", bitmap_meta("INRIA", TITLE), parts)
    mapping = {TITLE: "house"}
    last = layer("split_masks", "$all", "$split", classes=[TITLE], min_confidence=0.7, **more)
    if how == "rename":
        query = [data(), last, layer("rename", "$split", "$named", classes_mapping=mapping), save("$named")]
        execute_query(json.dumps(query), [tmp_path / "predictions"], tmp_path / "named")
    else:
        execute_query(
            json.dumps([data(), last, save("$split", "SPLIT")]), [tmp_path / "predictions"], tmp_path / "split"
        )
        mapped = {**data("SPLIT/*"), "settings": {"classes_mapping": mapping}}
        execute_query(json.dumps([mapped, save("$all")]), [tmp_path / "split"], tmp_path / "named")

    tables = scene_footprints(list(open_project(tmp_path / "named")), "scene", FootprintRules("house"), CRS)
    found = [{**row, "class": TITLE} for table in tables for row in table.to_pylist()]
    assert found == whole and len(whole) > 3


def test_walls_that_stand_together_are_parted_where_the_network_is_less_sure(tmp_path: Path) -> None:
    mask = np.zeros((SIZE.height, SIZE.width), np.bool_)
    mask[2:10, 2:20] = True
    confidence = np.full(mask.shape, 250, np.uint8)
    confidence[:, 9:11] = 140  # between two houses
    confidence[2:10, 19] = 150
    scene = scene_of(mask, confidence, tmp_path)

    (plain,) = split([scene], 0.0, tmp_path)
    (parted,) = split([scene], 0.0, tmp_path, method="watershed")
    (one,) = split([scene], 0.0, tmp_path, method="watershed", min_seed_area=57)

    assert [entry.figure.window for entry in plain.objects] == [Window(2, 2, 8, 18)]
    assert [entry.figure.window for entry in parted.objects] == [Window(2, 2, 8, 8), Window(2, 10, 8, 10)]
    assert [entry.figure.window for entry in one.objects] == [Window(2, 2, 8, 18)], "one core of 56 px is too small"


def test_without_it_all_pieces_stay_and_nothing_is_remembered(tmp_path: Path) -> None:
    mask = np.ones((SIZE.height, SIZE.width), np.bool_)
    items = split(list(parts_of(mask, np.zeros_like(mask, np.uint8), [0, 16, SIZE.height], tmp_path)), 0.0, tmp_path)
    assert [len(item.objects) for item in items] == [1, 1]
    assert all(SPLIT_RULES not in item.extra for item in items)
    assert len(footprints(items)) == 1


def test_what_has_no_confidence_is_named(tmp_path: Path) -> None:
    mask = np.ones((SIZE.height, SIZE.width), np.bool_)
    item = scene_of(mask, mask.view(np.uint8), tmp_path)
    write_manifest(tmp_path / "predictions", bitmap_meta("INRIA", TITLE), [item])
    mirrored = query_of(0.5, layer("flip", "$all", "$mirrored", axis="vertical"))
    with pytest.raises(
        TooManySkippedError, match=r"query\[2\]\.settings\.min_confidence: image 'scene.*' has no confid"
    ):
        execute_query(mirrored, [tmp_path / "predictions"], tmp_path / "split")
    parted = query_of(0.0, layer("flip", "$all", "$mirrored", axis="vertical"), method="watershed")
    with pytest.raises(TooManySkippedError, match=r"query\[2\]\.settings\.method: image 'scene.*' has no confidence"):
        execute_query(parted, [tmp_path / "predictions"], tmp_path / "split")


@pytest.mark.parametrize("least", [-0.1, 1.5, "0.5", None])
def test_a_share_is_asked_for(least: object) -> None:
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings\.min_confidence"):
        build_query(read_query(query_of(least)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "value"),
    [("seed_confidence", 0), ("seed_confidence", 1.1), ("min_seed_area", 0), ("min_seed_area", 1.5), ("method", "h")],
)
def test_seeds_are_checked(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"query\[1\]\.settings\.{key}"):
        build_query(read_query(query_of(0.0, **{key: value})))


RULE = {"min_confidence": 0.5, "seed_confidence": None, "min_seed_area": 1}


@pytest.mark.parametrize(
    "given",
    [
        0.5,
        {TITLE: 2},
        {TITLE: {"min_confidence": 0.5}},
        *({TITLE: RULE | wrong} for wrong in ({"min_confidence": 2}, {"seed_confidence": True}, {"min_seed_area": 0})),
    ],
)
def test_a_part_that_remembers_something_else_is_refused(given: object) -> None:
    item = Item("ds", "scene", SIZE, None, extra={SPLIT_RULES: given})
    with pytest.raises(DataError, match="split the masks again"):
        split_rule(item, TITLE)


def test_of_classes_that_become_one_the_stricter_rule_stays() -> None:
    rules = {TITLE: RULE | {"min_confidence": 0.8}, "barn": RULE, "shed": RULE, "tree": RULE}
    item = Item("ds", "scene", SIZE, None, extra={SPLIT_RULES: rules})
    renamed = with_renamed_rules(item, {TITLE: "house", "barn": "house", "shed": None})
    assert renamed.extra[SPLIT_RULES] == {"house": rules[TITLE], "tree": RULE}


def test_a_part_remembers_its_rule_by_class() -> None:
    item = Item("ds", "scene", SIZE, None, extra={SPLIT_RULES: {TITLE: RULE}})
    assert split_rule(item, TITLE) == SplitRule(0.5)
    assert split_rule(item, "tree") == SplitRule()
