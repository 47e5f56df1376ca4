"""Places and files that a user names on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from components.core.errors import ConfigError
from components.core.storage import is_remote


def absolute_place(place: str) -> str:
    """A place that means the same in every working directory; empty stays empty."""
    return str(Path(place).resolve()) if place and "://" not in place else place


def check_in_object_storage(places: Mapping[str, str]) -> None:
    """See that containers can reach some places, by flag.

    Raises:
        ConfigError: If one is on this machine.
    """
    for flag, place in places.items():
        if place and not is_remote(place):
            raise ConfigError(
                f"{flag}: {place!r} is not in object storage, and containers see no other place; give s3://bucket/key"
            )
