"""Where a scene lies against an area; by itself, for those who read no vector files."""

from __future__ import annotations

from enum import StrEnum


class Lies(StrEnum):
    """Where a scene lies against an area."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    PARTLY = "partly"
