"""Places and files that a user names on the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from components.core.errors import ConfigError, StorageError
from components.core.storage import check_writable, is_remote


def absolute_place(place: str) -> str:
    """A place that means the same in every working directory; empty stays empty."""
    return os.path.realpath(place) if place and "://" not in place else place


def check_runs(runs: Path) -> None:
    """See that the folder of runs takes what stages hand to each other.

    Raises:
        ConfigError: If it does not.
    """
    try:
        check_writable(runs)
    except StorageError as error:
        raise ConfigError(f"--runs: {error}") from error


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
