"""The stage as a step of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.step import Artifact, Echo, no_echo, step
from components.plan_shards.plan_shards import plan_shards


def run(project: Artifact, image_tags: Sequence[str], max_shards: int, *, echo: Echo = no_echo) -> list[str]:
    """Run the stage; see `plan_shards`.

    Args:
        project: The project whose images to infer.
        image_tags: Images with one of these tags count; none for all images.
        max_shards: Most shards; there are never more than images.
        echo: Hears each shard.

    Returns:
        Names of the shards, 1/n to n/n.
    """
    with step():
        shards = plan_shards(project.path, image_tags=image_tags, max_shards=max_shards)
    for shard in shards:
        echo(shard)
    return shards
