"""What regularisation did with an outline."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What became of an outline that was to be regular; the text stands in the column `status`."""

    REGULAR = "regular"
    """All corners are right angles or ones of 45° or 135°."""

    PARTLY_REGULAR = "partly regular"
    """Most lines run so; some have a direction of their own."""

    CIRCLE = "circle"
    """It is round."""

    NO_DIRECTION = "kept: no main direction"
    """Its edges run in all directions; it is only simplified."""

    AREA = "kept: area"
    """It would lose or gain too much, or cover too little of what it was."""

    INVALID = "kept: invalid"
    """Its rings would cross, or leave a sliver."""

    NEIGHBOUR = "kept: neighbour"
    """It would lie over one that it touches."""

    INTRICATE = "kept: intricate"
    """It has too many rings, and follows the pixels."""
