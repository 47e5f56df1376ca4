"""Every row is done once, and shards are alike."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from components.core.collection.plan import ShardRows
from components.core.geometry import Size
from components.plan_imagery.shard_assignment import PART_ROWS, assign_shards

SIDES = st.integers(1, 6000)
SIZES = st.lists(st.builds(Size, SIDES, SIDES), min_size=1, max_size=30).map(
    lambda sizes: {f"scene{number}": size for number, size in enumerate(sizes)}
)
SHARD_PIXELS = st.integers(1, 40_000_000)
MAX_SHARDS = st.integers(1, 12)


def area(size: Size, part: ShardRows) -> int:
    return (part.bottom - part.top) * size.width


@given(SIZES, SHARD_PIXELS, MAX_SHARDS)
def test_rows_are_covered_once_in_parts_of_whole_units(
    sizes: dict[str, Size], shard_pixels: int, max_shards: int
) -> None:
    assigned = assign_shards(sizes, shard_pixels, max_shards)
    assert assigned.keys() == sizes.keys()
    for name, parts in assigned.items():
        edges = [part.top for part in parts] + [parts[-1].bottom]
        assert edges[0] == 0
        assert edges[-1] == sizes[name].height
        assert [part.bottom for part in parts] == edges[1:]
        assert len({part.shard for part in parts}) == len(parts), "one part of a scene a shard"
        if len(parts) > 1:
            assert all(part.top % PART_ROWS == 0 and part.bottom - part.top >= PART_ROWS for part in parts)


@given(SIZES, SHARD_PIXELS, MAX_SHARDS)
def test_shards_are_as_many_as_needed_and_alike(sizes: dict[str, Size], shard_pixels: int, max_shards: int) -> None:
    parts = [
        (area(sizes[name], part), part.shard)
        for name, parts in assign_shards(sizes, shard_pixels, max_shards).items()
        for part in parts
    ]
    shards = {shard for _, shard in parts}
    total = sum(size.area for size in sizes.values())
    assert shards == set(range(1, len(shards) + 1)), "none is empty"
    assert len(shards) == min(max_shards, -(-total // shard_pixels), len(parts))
    loads = [sum(pixels for pixels, its in parts if its == shard) for shard in shards]
    assert sum(loads) == total
    assert max(loads) - min(loads) <= max(pixels for pixels, _ in parts)


@given(SIZES, SHARD_PIXELS, MAX_SHARDS, st.randoms(use_true_random=False))
def test_the_order_of_scenes_does_not_matter(
    sizes: dict[str, Size], shard_pixels: int, max_shards: int, shuffler: random.Random
) -> None:
    names = list(sizes)
    shuffler.shuffle(names)
    again = assign_shards({name: sizes[name] for name in names}, shard_pixels, max_shards)
    assert again == assign_shards(sizes, shard_pixels, max_shards)


def test_nothing_needs_no_shard() -> None:
    assert assign_shards({}, 1, 1) == {}


def test_scenes_that_fit_are_not_cut() -> None:
    sizes = {"a": Size(4000, 1000), "b": Size(3000, 1000), "c": Size(2000, 1000), "d": Size(1000, 1000)}
    assigned = assign_shards(sizes, 5_000_000, 64)
    assert {name: [part.shard for part in parts] for name, parts in assigned.items()} == {
        "a": [1],
        "b": [2],
        "c": [2],
        "d": [1],
    }


def test_a_scene_larger_than_all_that_is_allowed_makes_shards_larger() -> None:
    (parts,) = assign_shards({"country": Size(100_000, 100_000)}, 1_000_000, 4).values()
    heights = [part.bottom - part.top for part in parts]
    assert len(heights) == 4
    assert max(heights) - min(heights) <= 2 * PART_ROWS


def test_a_scene_too_low_to_be_cut_stays_whole() -> None:
    assert assign_shards({"strip": Size(1023, 90_000)}, 1_000_000, 8) == {"strip": (ShardRows(1, 0, 1023),)}
