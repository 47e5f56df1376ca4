"""Numbers and lists that several pipelines take."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.collection.plan import MOST_SHARDS
from components.core.errors import ConfigError


def check_max_shards(max_shards: int) -> None:
    """Check the number of shards of a run.

    Raises:
        ConfigError: If it may not.
    """
    if max_shards < 1:
        raise ConfigError(f"max_shards: {max_shards} is below 1; use 1 for a single step, or as many as there are GPUs")
    if max_shards > MOST_SHARDS:
        raise ConfigError(
            f"max_shards: {max_shards} is above {MOST_SHARDS}, and a run of more may outgrow what Argo holds (1 MiB) "
            "and end without a result; use fewer and larger shards"
        )


def check_tags(image_tags: Sequence[object]) -> None:
    """See that a list of tags holds nothing else.

    Raises:
        ConfigError: If it does.
    """
    wrong = [tag for tag in image_tags if not isinstance(tag, str) or not tag]
    if wrong:
        raise ConfigError(f'image_tags: {wrong[0]!r} is not a tag; give text, such as ["test"], or [] for all images')
