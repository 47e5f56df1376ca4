"""COCO's run lengths: pixels column by column, how many are unset, set, unset and so on; as numbers or as text.

In the text each number is the difference from the one two before it, from the fourth on, in groups of five bits from
the lowest on; a group's character is its value plus 48, and a sixth bit says that another group follows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.core.figures import Bitmap
from components.core.geometry import Size

Counts = npt.NDArray[np.int64]

FIRST_CHARACTER, GROUP_BITS = 48, 5

GOES_ON, SIGN = 0x20, 0x10

FIRST_DIFFERENCE = 3

MOST_BITS = 60


def counts_of(bitmap: Bitmap, size: Size) -> Counts:
    """The run lengths of a bitmap that lies in an image of a size; memory is the bitmap's box."""
    columns = np.pad(bitmap.mask.pixels().T, ((0, 0), (1, 1))).view(np.int8)
    changes = np.diff(columns, axis=1)
    origins = (bitmap.left + np.arange(len(columns))) * size.height + bitmap.top
    column, row = np.nonzero(changes == 1)
    starts = origins[column] + row
    column, row = np.nonzero(changes == -1)
    ends = origins[column] + row
    apart = starts[1:] != ends[:-1]  # what reaches the last row of a column goes on in the first of the next
    starts, ends = starts[np.append(True, apart)], ends[np.append(apart, True)]
    edges = np.stack([starts, ends], axis=1).ravel()
    lengths = np.diff(edges, prepend=0)
    rest = size.area - int(edges[-1])
    return np.append(lengths, rest) if rest else lengths


def checked_counts(counts: Sequence[int] | Counts, size: Size) -> Counts:
    """Run lengths that are of an image of a size.

    Raises:
        ValueError: If a number is below 0, or all together are not the image's pixels.
    """
    least, total = min((0, *counts)), sum(map(int, counts))
    if least < 0:
        raise ValueError(f"a length is {least}, below 0")
    if total != size.area:
        raise ValueError(f"counts are of {total} pixels, and the image has {size.area}")
    return np.asarray(counts, np.int64)


def bitmap_of(counts: Sequence[int] | Counts, size: Size) -> Bitmap | None:
    """The bitmap of run lengths; None where no pixel is set. Memory is the columns from its first to its last.

    Raises:
        ValueError: As `checked_counts`.
    """
    lengths = checked_counts(counts, size)
    ends = np.cumsum(lengths)
    starts, ends = (ends - lengths)[1::2], ends[1::2]
    starts, ends = starts[ends > starts], ends[ends > starts]
    if not len(starts):
        return None
    first, last = int(starts[0]) // size.height, (int(ends[-1]) - 1) // size.height
    changes = np.zeros((last - first + 1) * size.height + 1, np.int8)
    np.add.at(changes, starts - first * size.height, 1)
    np.add.at(changes, ends - first * size.height, -1)
    pixels = np.cumsum(changes[:-1], dtype=np.int8).view(np.bool_).reshape(-1, size.height).T
    return Bitmap.of_pixels(np.ascontiguousarray(pixels), 0, first)


def text_of(counts: Counts) -> str:
    """Run lengths as text."""
    numbers = counts.copy()
    numbers[FIRST_DIFFERENCE:] -= counts[1:-2] if len(counts) > FIRST_DIFFERENCE else 0
    characters = []
    for number in numbers.tolist():
        value, goes_on = number, True
        while goes_on:
            group = value & (GOES_ON - 1)
            value >>= GROUP_BITS
            goes_on = value != (-1 if group & SIGN else 0)
            characters.append(chr(group + (GOES_ON if goes_on else 0) + FIRST_CHARACTER))
    return "".join(characters)


def counts_of_text(text: str) -> list[int]:
    """Run lengths from text.

    Raises:
        ValueError: If the text is none of run lengths.
    """
    counts: list[int] = []
    value = bits = 0
    for character in text:
        group = ord(character) - FIRST_CHARACTER
        if not 0 <= group < 2 * GOES_ON or bits > MOST_BITS:
            raise ValueError(f"{character!r} does not belong into run lengths")
        value |= (group & (GOES_ON - 1)) << bits
        bits += GROUP_BITS
        if group & GOES_ON:
            continue
        if group & SIGN:
            value -= 1 << bits
        counts.append(value + (counts[-2] if len(counts) >= FIRST_DIFFERENCE else 0))
        value = bits = 0
    if bits:
        raise ValueError("run lengths end within a number")
    return counts
