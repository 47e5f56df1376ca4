from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.collection.layer.candidates import Alive
from components.core.collection.layer.duplicates import (
    NOBODY,
    DecidedLaterError,
    Shown,
    find_duplicates,
    heirs_best_first,
)
from components.core.collection.layer.index import Bounds
from components.core.collection.layer.scenes import LayerScene, moment_of
from tests.components.core.collection.layer.drawing import collections
from tests.components.core.collection.layer.small_collections import Building, SmallScene, rows_of


def _seen(scenes: Iterable[SmallScene]) -> dict[str, LayerScene]:
    return {scene.id: LayerScene(scene.mark, scene.bounds, scene.captured) for scene in scenes}


def _found(
    scenes: Sequence[SmallScene],
    changed: Iterable[str] | None = None,
    areas: Sequence[Bounds] = (),
    since: float = -np.inf,
    before: Mapping[str, Shown] | None = None,
) -> dict[str, Shown]:
    tables = {scene.id: rows_of(scene.buildings, scene.id, scene.captured) for scene in scenes}

    def read(name: str, since: float) -> Alive:
        decided = (before or {}).get(name, Shown())
        alive = np.setdiff1d(np.arange(tables[name].num_rows), decided.dropped.before(since))
        return Alive(alive, tables[name].take(pa.array(alive)), decided.dropped, decided.sightings)

    seen = _seen(scenes)
    chosen = seen if changed is None else changed
    try:
        return find_duplicates(seen, chosen, areas, since, lambda name: read(name, since))
    except DecidedLaterError:
        return find_duplicates(seen, chosen, areas, -np.inf, lambda name: read(name, -np.inf))


def _same(one: tuple[SmallScene, Building], other: tuple[SmallScene, Building]) -> bool:
    boxes = [shapely.box(b.x, b.y, b.x + b.width, b.y + b.height) for _, b in (one, other)]
    common = boxes[0].intersection(boxes[1]).area
    return one[0] is not other[0] and common >= 0.5 * min(box.area for box in boxes)


def _badness(entry: tuple[SmallScene, Building]) -> tuple[bool, float, float, str, str]:
    scene, building = entry
    certain = -np.inf if building.confidence is None else building.confidence
    return building.touches_edge, -moment_of(scene.captured), -certain, building.id, scene.id


Rows = dict[str, dict[int, float]]
"""By scene, rows and when they were dropped."""

Said = dict[str, dict[int, tuple[str, str, bool]]]
"""By scene, rows and when they were seen first and last, and whether they gave up their id."""


def _one_by_one(scenes: Sequence[SmallScene]) -> tuple[Rows, Said]:
    """The rule as it is written down, with no index and no search."""
    kept: list[tuple[SmallScene, Building]] = []
    dropped: Rows = {scene.id: {} for scene in scenes}
    seen = {(s.id, number): [s.captured, s.captured] for s in scenes for number in range(len(s.buildings))}

    def key(entry: tuple[SmallScene, Building]) -> tuple[str, int]:
        return entry[0].id, entry[0].buildings.index(entry[1])

    for moment in sorted({moment_of(scene.captured) for scene in scenes}):
        new = [(s, building) for s in scenes if moment_of(s.captured) == moment for building in s.buildings]
        entries, kept = sorted([*kept, *new], key=_badness), []
        for entry in entries:
            heir = next((better for better in kept if _same(entry, better)), None)
            if heir is None:
                kept.append(entry)
            else:
                dropped[key(entry)[0]][key(entry)[1]] = moment
                both = [*seen[key(entry)], *seen[key(heir)]]
                seen[key(heir)] = [choose(both, key=lambda day: (moment_of(day), day)) for choose in (min, max)]
    said: Said = {scene.id: {} for scene in scenes}
    for place, entry in enumerate(kept := sorted(kept, key=_badness)):
        scene, row = key(entry)
        first, last = seen[scene, row]
        is_renamed = any(_shares_id(entry, better) for better in kept[:place])
        if is_renamed or [first, last] != [entry[0].captured] * 2:
            said[scene][row] = first, last, is_renamed
    return dropped, said


def _shares_id(one: tuple[SmallScene, Building], other: tuple[SmallScene, Building]) -> bool:
    boxes = [shapely.box(b.x, b.y, b.x + b.width, b.y + b.height) for _, b in (one, other)]
    return one[0] is not other[0] and one[1].id == other[1].id and bool(boxes[0].intersects(boxes[1]))


def _by_row(found: Mapping[str, Shown]) -> Rows:
    return {
        name: dict(zip(shown.dropped.rows.tolist(), shown.dropped.moments.tolist(), strict=True))
        for name, shown in found.items()
    }


def _decided(found: Mapping[str, Shown]) -> tuple[Rows, Said]:
    said = {
        name: {
            row: (sighting.first, sighting.last, sighting.is_renamed)
            for row, sighting in shown.sightings.by_row.items()
        }
        for name, shown in found.items()
    }
    return _by_row(found), said


@given(collections(), st.randoms(use_true_random=False))
def test_the_rule_holds_in_whatever_order_the_scenes_come(scenes: list[SmallScene], random: object) -> None:
    expected = _one_by_one(scenes)
    random.shuffle(scenes)  # type: ignore[attr-defined]
    assert _decided(_found(scenes)) == expected


@given(collections())
def test_a_scene_alone_loses_nothing(scenes: list[SmallScene]) -> None:
    for scene in scenes:
        found = _found([scene])
        assert list(found) == [scene.id]
        assert not len(found[scene.id].dropped.rows)


@settings(max_examples=200)
@given(collections(), collections())
def test_only_what_a_change_reaches_is_found_anew(before: list[SmallScene], after: list[SmallScene]) -> None:
    old, new = {scene.id: scene for scene in before}, {scene.id: scene for scene in after}
    changed = {name for name, scene in new.items() if old.get(name) != scene}
    both = changed | {name for name, scene in old.items() if new.get(name) != scene}
    areas = [old[name].bounds for name in sorted(both & set(old))]
    moments = [moment_of(scene.captured) for scenes in (old, new) for name, scene in scenes.items() if name in both]
    known = {name: shown for name, shown in _found(before).items() if name not in changed}
    found = _found(after, changed, areas, min(moments, default=np.inf), known)

    assert _decided({name: found.get(name, known.get(name, Shown())) for name in new}) == _one_by_one(after)


def test_scenes_far_from_a_change_are_not_read() -> None:
    row = [SmallScene(f"s{n:02}", 8 * n, 0, 10, 10, (Building(f"b{n}", 8 * n + 8.5, 4),)) for n in range(20)]
    read = []

    def rows(name: str) -> Alive:
        read.append(name)
        return Alive.whole(rows_of(row[int(name[1:])].buildings))

    found = find_duplicates(_seen(row), {"s10"}, [row[10].bounds], -np.inf, rows)

    assert set(found) == {"s09", "s10"}
    assert set(read) <= {f"s{n:02}" for n in range(8, 13)}


def test_a_change_goes_on_along_a_chain_of_matches() -> None:
    """The first scene does not overlap the last one, but a building of the middle one matches both."""
    first = SmallScene("a", 0, 0, 4, 4, (Building("a1", 2.5, 1, 1.5),), "2026")
    middle = SmallScene("b", 2, 0, 6, 4, (Building("b1", 2.5, 1, 5),), "2025")
    last = SmallScene("c", 6, 0, 4, 4, (Building("c1", 6.5, 1, 1),), "2024")

    with_first = _found([first, middle, last])
    without = _found([middle, last], [], [first.bounds])

    assert _by_row(with_first) == {"a": {}, "b": {0: moment_of("2026")}, "c": {0: moment_of("2025")}}
    assert _by_row(without) == {"b": {}, "c": {0: moment_of("2025")}}


def test_what_a_capture_settled_does_not_come_back() -> None:
    """The last one matches the middle one alone, which the first one matches, too."""
    oldest = SmallScene("c", 0, 0, 9, 4, (Building("c1", 6.5, 1, 1),), "2024")
    middle = SmallScene("b", 0, 0, 9, 4, (Building("b1", 2.5, 1, 5),), "2025")
    newest = SmallScene("a", 0, 0, 9, 4, (Building("a1", 2.5, 1, 1.5),), "2026")
    assert _by_row(_found([oldest, middle, newest])) == {
        "a": {}, "b": {0: moment_of("2026")}, "c": {0: moment_of("2025")},
    }  # fmt: skip
    assert _by_row(_found([oldest, newest])) == {"a": {}, "c": {}}


def test_one_more_capture_is_compared_with_what_is_shown() -> None:
    """However many there were before, no settled capture is asked for."""
    buildings = tuple(Building(f"b{n}", 2 * n, 1) for n in range(4))
    captures = [SmallScene(f"s{n:02}", 0, 0, 9, 4, buildings, f"2026-01-{n + 1:02}") for n in range(20)]
    before = _found(captures[:-1])
    assert [name for name, shown in before.items() if len(shown.dropped.rows) < 4] == ["s18"]
    since = moment_of(captures[-1].captured)
    shown = [scene for scene in captures if scene.id in ("s18", "s19")]

    found = _found(shown, {"s19"}, [], since, before)

    assert _by_row(found) == {"s18": dict.fromkeys(range(4), since), "s19": {}}


def _pair(one: Building, other: Building, captured: tuple[str, str] = ("", "")) -> list[str]:
    """Which of two scenes keep their building."""
    scenes = [
        SmallScene("a", 0, 0, 4, 4, (one,), captured[0]),
        SmallScene("b", 0, 0, 4, 4, (other,), captured[1]),
    ]
    found = _found(scenes)
    return [name for name in "ab" if not len(found[name].dropped.rows)]


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


def test_who_is_shown_was_seen_when_those_were_that_are_not() -> None:
    buildings = (Building("x", 1, 1),)
    captures = [SmallScene(f"s{n}", 0, 0, 4, 4, buildings, f"2026-01-0{n}") for n in (1, 2, 3)]
    cut = SmallScene("cut", 0, 0, 4, 4, (replace(buildings[0], touches_edge=True),), "2026-02-01")

    found = _found([*captures, cut])

    assert _decided(found)[1] == {"s1": {}, "s2": {}, "s3": {0: ("2026-01-01", "2026-02-01", False)}, "cut": {}}


def test_of_two_that_are_shown_one_keeps_the_id() -> None:
    """Each scene's border cuts what is a half of the building, and both are the same by their ids."""
    west = SmallScene("a", 0, 0, 4, 4, (Building("x", 1, 1, 3, touches_edge=True, confidence=0.9),))
    east = SmallScene("b", 3, 0, 4, 4, (Building("x", 3, 1, 3, touches_edge=True),))

    found = _found([west, east])

    assert _decided(found)[1] == {"a": {}, "b": {0: ("", "", True)}}
    table = found["b"].sightings.told(rows_of(east.buildings, "b"), np.arange(1))
    assert table["id"].to_pylist() != ["x"]


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

    matching = {index for index in range(len(pairs)) if data.draw(st.booleans())}
    real = [pair for index, pair in enumerate(pairs) if index in matching]
    partners = [{*(b for a, b in real if a == node), *(a for a, b in real if b == node)} for node in range(count)]
    kept: set[int] = set()
    for node in np.argsort(ranks).tolist():
        if not partners[node] & kept:
            kept.add(node)
    looked_at: list[int] = []

    def same(chosen: np.ndarray) -> np.ndarray:
        looked_at.extend(chosen.tolist())
        return np.array([index in matching for index in chosen.tolist()], np.bool_)

    heirs = heirs_best_first(ranks, first, second, same)

    assert set(np.flatnonzero(heirs == NOBODY).tolist()) == kept
    for node in set(range(count)) - kept:
        assert heirs[node] == min(partners[node] & kept, key=lambda other: ranks[other])
    assert len(looked_at) == len(set(looked_at))
