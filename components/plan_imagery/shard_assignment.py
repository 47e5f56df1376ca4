"""Assign scenes to shards, large ones cut by rows."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from components.core.collection.plan import ShardRows
from components.core.geometry import Size

PART_ROWS = 512
"""A scene is cut at multiples of this many rows, so each part has at least as many."""


def assign_shards(sizes: Mapping[str, Size], shard_pixels: int, max_shards: int) -> dict[str, tuple[ShardRows, ...]]:
    """Assign scenes to shards, balanced by pixels.

    There are as many shards as it takes for each to have at most `shard_pixels` on average, but not more than
    `max_shards` or than there are parts. A scene larger than a shard is cut into parts of as equal heights as
    `PART_ROWS` allows, for as many shards. Scenes with the largest parts are assigned first, each part to the shard
    with the fewest pixels so far, the largest part to the emptiest one. The pixels of any two shards then differ by
    the largest part at most, and no shard gets two parts of one scene.

    Args:
        sizes: Of scenes by id.
        shard_pixels: How many pixels a shard should have at most, from 1.
        max_shards: Most shards, from 1.

    Returns:
        For each scene its parts from the top down; no shard from 1 to the last one is empty. It depends on ids and
        sizes, not on their order.
    """
    if not sizes:
        return {}
    total = sum(size.area for size in sizes.values())
    wanted = min(max_shards, -(-total // shard_pixels))
    part_pixels = max(shard_pixels, -(-total // wanted))
    tops = {name: _tops(size, part_pixels) for name, size in sizes.items()}
    count = min(wanted, sum(map(len, tops.values())))
    loads = [(0, shard) for shard in range(1, count + 1)]
    assigned: dict[str, tuple[ShardRows, ...]] = {}
    pixels = {name: _pixels(sizes[name], tops[name]) for name in sizes}
    for name in sorted(sizes, key=lambda name: (-max(pixels[name]), name)):
        parts = sorted(zip(pixels[name], tops[name], strict=True), key=lambda part: (-part[0], part[1]))
        emptiest = [heapq.heappop(loads) for _ in parts]
        rows = []
        for (area, top), (load, shard) in zip(parts, emptiest, strict=True):
            rows.append(ShardRows(shard, top, top + area // sizes[name].width))
            heapq.heappush(loads, (load + area, shard))
        assigned[name] = tuple(sorted(rows, key=lambda part: part.top))
    return assigned


def _tops(size: Size, part_pixels: int) -> list[int]:
    """First rows of a scene's parts."""
    units = max(1, size.height // PART_ROWS)
    count = min(units, -(-size.area // part_pixels))
    return [PART_ROWS * (number * units // count) for number in range(count)]


def _pixels(size: Size, tops: list[int]) -> list[int]:
    """How many pixels each part has."""
    bottoms = [*tops[1:], size.height]
    return [(bottom - top) * size.width for top, bottom in zip(tops, bottoms, strict=True)]
