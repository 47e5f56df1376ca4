"""Objects of a scene that comes in row parts: joined where they touch across a seam, given as soon as they end.

Memory is one part and the objects that may go on; neither the objects nor their order depend on the parts' heights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from components.core.errors import DataError
from components.core.figures import Bitmap
from components.core.figures.connected_components import merged
from components.core.figures.run_lengths import Runs
from components.core.figures.seams import SeamRow, Seams
from components.core.figures.watershed import Heights
from components.core.geometry import Size, Window
from components.core.project.confidence import mean_confidence


class FirstPixel(NamedTuple):
    """An object's first pixel in reading order.

    Attributes:
        row: In the scene.
        column: In the scene.
        copy: 0, or a running number where several objects have the same first pixel.
    """

    row: int
    column: int
    copy: int


@dataclass(frozen=True, slots=True)
class SceneObject:
    """An object of a scene, or what one part shows of it.

    Attributes:
        bitmap: In the scene's pixels.
        place: Its first pixel.
        confidence: Sum of the 8-bit confidence of its pixels; None where it is not known.
        heights: (H, W) uint8 confidence of its box, 0 where it has no pixels; None where it is not parted any more.
    """

    bitmap: Bitmap
    place: FirstPixel
    confidence: int | None
    heights: Heights | None = None

    @property
    def mean_confidence(self) -> float | None:
        """Over its pixels, 0–1; None where it is not known."""
        return None if self.confidence is None else mean_confidence(self.confidence, self.bitmap)


PartUp = Callable[[SceneObject], Iterable[SceneObject]]


class ObjectRows(NamedTuple):
    """What one part shows.

    Attributes:
        rows: The part's place in the scene.
        pieces: In any order.
    """

    rows: Window
    pieces: Sequence[SceneObject]


class Ended(NamedTuple):
    """What the parts so far make known.

    Attributes:
        objects: Whole ones, by last row, then by the first column of that row; all that come later end further down.
        going_on: What there is of those that come later, as far as it is known.
    """

    objects: Sequence[SceneObject]
    going_on: Sequence[Bitmap]


def stitched(parts: Iterable[ObjectRows], size: Size, source: str, part_up: PartUp | None = None) -> Iterator[Ended]:
    """The whole objects of one scene.

    Pieces of two parts that touch across a seam, corners included, are one object; those of one part are kept apart.
    Where whole objects are parted into some that end higher up, those that may come after them wait: as many as lie
    beside the objects that still go on.

    Args:
        parts: From the top down.
        size: Of the scene, in pixels.
        source: What the scene is called, for messages.
        part_up: Gives the objects that a whole one is; None where it is one.

    Returns:
        The objects, as each part ends them.

    Raises:
        DataError: If the parts do not cover the scene, each row once.
    """
    seams: Seams[SceneObject] = Seams()
    waiting: list[SceneObject] = []
    next_row = 0
    for rows, pieces in parts:
        _check_next(rows, next_row, source)
        next_row = rows.bottom
        first = [(index, piece.bitmap) for index, piece in enumerate(pieces) if piece.bitmap.top == rows.top]
        last = [(index, piece.bitmap) for index, piece in enumerate(pieces) if piece.bitmap.window.bottom == next_row]
        ended = seams.add(pieces, _seam_row(first, rows.top, size.width), _seam_row(last, next_row - 1, size.width))
        waiting += _whole(ended, part_up)
        first_open = next_row if part_up is None else _first_row(seams.going_on, next_row)
        whole = _in_order(entry for entry in waiting if entry.bitmap.window.bottom <= first_open)
        waiting = [entry for entry in waiting if entry.bitmap.window.bottom > first_open]
        open_pieces = chain(waiting, chain.from_iterable(seams.going_on))
        yield Ended(whole, [piece.bitmap for piece in open_pieces])
    if next_row != size.height:
        raise DataError(f"{source}: its parts end at row {next_row} of {size.height}; annotate all of it")
    yield Ended(_in_order(waiting + _whole(seams.going_on, part_up)), [])


def _whole(ended: Iterable[Sequence[SceneObject]], part_up: PartUp | None) -> list[SceneObject]:
    whole = map(_joined, ended)
    return list(whole if part_up is None else chain.from_iterable(map(part_up, whole)))


def _first_row(going_on: Iterable[Sequence[SceneObject]], next_row: int) -> int:
    """Of the objects that go on; no part of one ends above it."""
    return min((piece.bitmap.top for pieces in going_on for piece in pieces), default=next_row)


def _check_next(rows: Window, next_row: int, source: str) -> None:
    if rows.top != next_row:
        raise DataError(
            f"{source}: a part begins at row {rows.top} where row {next_row} comes next; "
            "give every part of a scene once, from the top down"
        )


def _seam_row(bitmaps: Iterable[tuple[int, Bitmap]], row: int, width: int) -> SeamRow:
    """The runs of one row of a scene, each with the index of its piece."""
    numbers = np.zeros(width, np.int64)
    for index, bitmap in bitmaps:
        box = bitmap.window
        pixels = bitmap.mask.read(Window(row - box.top, 0, 1, box.width))[0]
        numbers[box.left : box.right][pixels] = index + 1
    changes = np.flatnonzero(np.diff(numbers, prepend=0, append=0))
    starts, ends = changes[:-1], changes[1:]
    is_set = numbers[starts] > 0
    return SeamRow(Runs(starts[is_set], ends[is_set]), numbers[starts[is_set]] - 1)


def _in_order(objects: Iterable[SceneObject]) -> list[SceneObject]:
    return sorted(objects, key=_last_row)


def _joined(pieces: Sequence[SceneObject]) -> SceneObject:
    if len(pieces) == 1:
        return pieces[0]
    sums = [piece.confidence for piece in pieces]
    confidence = None if None in sums else sum(known for known in sums if known is not None)
    bitmap = merged([piece.bitmap for piece in pieces])
    return SceneObject(bitmap, min(piece.place for piece in pieces), confidence, _joined_heights(pieces, bitmap))


def _joined_heights(pieces: Sequence[SceneObject], whole: Bitmap) -> Heights | None:
    heights = np.zeros((whole.window.height, whole.window.width), np.uint8)
    for piece in pieces:
        if piece.heights is None:
            return None
        place = heights[piece.bitmap.window.shift(-whole.top, -whole.left).slices]
        np.maximum(place, piece.heights, out=place)
    return heights


def _last_row(entry: SceneObject) -> tuple[int, int, FirstPixel]:
    box = entry.bitmap.window
    pixels = entry.bitmap.mask.read(Window(box.height - 1, 0, 1, box.width))[0]
    return box.bottom, box.left + int(pixels.argmax()), entry.place
