"""Names the shards that inference fans out over."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from components.core.preflight.numbers import check_max_shards
from components.core.project import open_project
from components.core.project.selecting import Shard, choose_items

log = logging.getLogger(__name__)


def plan_shards(project: Path | str, *, image_tags: Sequence[str] = ("test",), max_shards: int = 1) -> list[str]:
    """Name the shards of the items to infer.

    Args:
        project: Directory of the project.
        image_tags: Items that carry one of these tags count; all items where there is no tag.
        max_shards: Most shards; there are never more than items, so none is empty.

    Returns:
        "1/n" to "n/n"; at least one.

    Raises:
        ConfigError: If the number of shards breaks its rule.
        DataError: If the project cannot be read, or no item carries a wanted tag.
    """
    check_max_shards(max_shards)
    opened = open_project(project)
    rows = choose_items(opened, image_tags)
    count = min(max_shards, len(rows))
    shards = [Shard(number, count) for number in range(1, count + 1)]
    pixels = [size.area for size in opened.item_sizes()]
    for shard in shards:
        assigned = shard.rows(opened, rows)
        log.info(
            "shard %s: %d items, %.1f megapixels", shard, len(assigned), sum(pixels[row] for row in assigned) / 1e6
        )
    return [str(shard) for shard in shards]
