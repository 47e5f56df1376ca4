"""Scenes cut into strips of columns, so that memory does not grow with their width.

A window is run in the strip in which it begins to contribute. What it says of the strip to the right is kept aside and
taken up when that strip is done, in the place of its row: every pixel gets the same sum in the same order as without
strips.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from components.infer_windows.grid import Axis

STRIP_COLUMNS = 5120
"""The most columns of a strip: ten tiles of output."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Some columns of a scene, from top to bottom.

    Attributes:
        left: First column.
        right: The column after the last.
        earlier: Indices of those columns of windows that begin further left and end in this one or beyond.
        own: Indices of those that begin in this one.
    """

    left: int
    right: int
    earlier: range
    own: range

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left


def column_strips(columns: Axis, most: int, multiple: int) -> list[Strip]:
    """Cut a scene into strips of about equal width.

    Args:
        columns: The windows along the scene's width.
        most: The most columns of a strip, but at least `multiple`.
        multiple: Strips begin at multiples of so many columns.

    Returns:
        The strips from left to right.
    """
    blocks = -(-columns.length // multiple)
    count = -(-blocks // max(most // multiple, 1))
    borders = [min(blocks * index // count * multiple, columns.length) for index in range(count + 1)]
    borders[-1] = columns.length
    strips = []
    for left, right in pairwise(borders):
        met = columns.meeting(left, right)
        first = next((index for index in met if columns.spans[index].low >= left), met.stop)
        strips.append(Strip(left, right, range(met.start, first), range(first, met.stop)))
    return strips
