"""The first of many names, as messages list them."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 10
"""How many names a message shows: enough to see which are meant, few enough to read."""


def first_names(names: Sequence[object], most: int = SHOWN, between: str = ", ", before_more: str = " and ") -> str:
    """List the first names, and say how many more there are: "a, b and 3 more".

    Args:
        names: All of them, in order.
        most: How many are listed.
        between: What stands between two of them.
        before_more: What stands before the number of the others.
    """
    shown = between.join(map(str, names[:most]))
    return f"{shown}{before_more}{len(names) - most} more" if len(names) > most else shown
