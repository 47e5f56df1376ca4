from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.keyed import digest
from components.publish_collection.layer.duplicates import (
    DIGEST_CHARACTERS,
    Dropped,
    find_duplicates,
    kept_best_first,
)
from components.publish_collection.layer.index import Bounds
from components.publish_collection.layer.scenes import LayerScene, moment_of
from tests.components.publish_collection.layer.drawing import collections
from tests.components.publish_collection.layer.small_collections import Building, SmallScene, rows_of


def _found(
    scenes: Sequence[SmallScene], changed: Iterable[str] | None = None, areas: Sequence[Bounds] = ()
) -> dict[str, Dropped]:
    seen = {scene.id: LayerScene(scene.mark, scene.bounds, scene.captured) for scene in scenes}
    tables = {scene.id: rows_of(scene.buildings) for scene in scenes}
    return find_duplicates(seen, seen if changed is None else changed, areas, tables.__getitem__)


def _one_by_one(scenes: Sequence[SmallScene]) -> dict[str, list[str]]:
    """The rule as it is written down, with no index and no search."""
    everything = [(scene, building) for scene in scenes for building in scene.buildings]

    def same(one: tuple[SmallScene, Building], other: tuple[SmallScene, Building]) -> bool:
        boxes = [shapely.box(b.x, b.y, b.x + b.width, b.y + b.height) for _, b in (one, other)]
        common = boxes[0].intersection(boxes[1]).area
        return one[0] is not other[0] and common >= 0.5 * min(box.area for box in boxes)

    def badness(entry: tuple[SmallScene, Building]) -> tuple[bool, float, float, str, str]:
        scene, building = entry
        certain = -np.inf if building.confidence is None else building.confidence
        return building.touches_edge, -moment_of(scene.captured), -certain, building.id, scene.id

    kept: list[tuple[SmallScene, Building]] = []
    dropped: dict[str, list[str]] = {scene.id: [] for scene in scenes}
    for entry in sorted(everything, key=badness):
        if any(same(entry, better) for better in kept):
            dropped[entry[0].id].append(entry[1].id)
        else:
            kept.append(entry)
    return dropped


def _digest(ids: Iterable[str]) -> str:
    listed = sorted(ids)
    return digest(*listed)[:DIGEST_CHARACTERS] if listed else ""


@given(collections(), st.randoms(use_true_random=False))
def test_the_rule_holds_in_whatever_order_the_scenes_come(scenes: list[SmallScene], random: object) -> None:
    expected = _one_by_one(scenes)
    random.shuffle(scenes)  # type: ignore[attr-defined]

    found = _found(scenes)

    assert {name: dropped.ids for name, dropped in found.items()} == {n: _digest(i) for n, i in expected.items()}
    for scene in scenes:
        ids = [scene.buildings[row].id for row in found[scene.id].rows]
        assert sorted(ids) == sorted(expected[scene.id])


@given(collections())
def test_a_scene_alone_loses_nothing(scenes: list[SmallScene]) -> None:
    for scene in scenes:
        found = _found([scene])
        assert list(found) == [scene.id]
        assert not found[scene.id].ids and not len(found[scene.id].rows)


@settings(max_examples=200)
@given(collections(), collections())
def test_only_what_a_change_reaches_is_found_anew(before: list[SmallScene], after: list[SmallScene]) -> None:
    old, new = {scene.id: scene for scene in before}, {scene.id: scene for scene in after}
    changed = {name for name, scene in new.items() if old.get(name) != scene}
    areas = [scene.bounds for name, scene in old.items() if new.get(name) != scene]

    found = _found(after, changed, areas)

    kept = {name: dropped.ids for name, dropped in _found(before).items() if name in new}
    now = {name: dropped.ids for name, dropped in _found(after).items()}
    assert {name: found[name].ids if name in found else kept[name] for name in new} == now


def test_scenes_far_from_a_change_are_not_read() -> None:
    row = [SmallScene(f"s{n:02}", 8 * n, 0, 10, 10, (Building(f"b{n}", 8 * n + 8.5, 4),)) for n in range(20)]
    read = []

    def rows(name: str) -> pa.Table:
        read.append(name)
        return rows_of(row[int(name[1:])].buildings)

    seen = {scene.id: LayerScene(scene.mark, scene.bounds, "") for scene in row}
    found = find_duplicates(seen, {"s10"}, [], rows)

    assert set(found) == {"s09", "s10", "s11"}
    assert set(read) <= {f"s{n:02}" for n in range(8, 13)}


def test_a_change_goes_on_along_a_chain_of_matches() -> None:
    """The first scene does not overlap the last one, but a building of the middle one matches both."""
    first = SmallScene("a", 0, 0, 4, 4, (Building("a1", 2.5, 1, 1.5),), "2026")
    middle = SmallScene("b", 2, 0, 6, 4, (Building("b1", 2.5, 1, 5),), "2025")
    last = SmallScene("c", 6, 0, 4, 4, (Building("c1", 6.5, 1, 1),), "2024")

    with_first = _found([first, middle, last])
    without = _found([middle, last], [], [first.bounds])

    assert [name for name in "abc" if with_first[name].ids] == ["b"]
    assert {name: bool(dropped.ids) for name, dropped in without.items()} == {"b": False, "c": True}


def _pair(one: Building, other: Building, captured: tuple[str, str] = ("", "")) -> list[str]:
    """Which of two scenes keep their building."""
    scenes = [
        SmallScene("a", 0, 0, 4, 4, (one,), captured[0]),
        SmallScene("b", 0, 0, 4, 4, (other,), captured[1]),
    ]
    found = _found(scenes)
    return [name for name in "ab" if not found[name].ids]


def test_the_better_one_is_kept() -> None:
    here = Building("x", 1, 1)
    cut = replace(here, touches_edge=True, confidence=0.9)
    sure = replace(here, confidence=0.9)

    assert _pair(cut, here, ("2026-01-01", "2025-01-01")) == ["b"]
    assert _pair(sure, here, ("2025-12-31T23:59:59Z", "2026")) == ["b"]
    assert _pair(here, sure) == ["b"]
    assert _pair(replace(here, confidence=None), replace(here, confidence=0.0)) == ["b"]
    assert _pair(replace(here, id="y"), here) == ["b"]
    assert _pair(here, here) == ["a"]


def test_a_building_in_the_other_scenes_gap_stays() -> None:
    assert _pair(Building("x", 1, 1), Building("y", 2, 1)) == ["a", "b"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("", "1850-01-01"),
        ("never", "1850-01-01"),
        ("2026", "2026-01-02"),
        ("2026-02", "2026-02-01T00:00:01Z"),
        ("2026-06-01T12:00:00+02:00", "2026-06-01T11:00:00Z"),
    ],
)
def test_times_are_compared_as_times(earlier: str, later: str) -> None:
    assert moment_of(earlier) < moment_of(later)


@given(st.integers(1, 12), st.data())
def test_many_at_a_time_is_as_one_by_one(count: int, data: st.DataObject) -> None:
    nodes = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(nodes, nodes).filter(lambda pair: pair[0] != pair[1]), max_size=30))
    ranks = np.array(data.draw(st.permutations(range(count))), np.int64)
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T

    partners = [{*(b for a, b in pairs if a == node), *(a for a, b in pairs if b == node)} for node in range(count)]
    kept: set[int] = set()
    for node in np.argsort(ranks).tolist():
        if not partners[node] & kept:
            kept.add(node)
    assert set(np.flatnonzero(kept_best_first(ranks, first, second)).tolist()) == kept
