"""What is seen of bitmaps that lie on each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from components.core.figures.bitmap import Bitmap


def visible_parts(bitmaps: Sequence[Bitmap]) -> Iterator[Bitmap | None]:
    """What later bitmaps leave of each one.

    Args:
        bitmaps: In order; later ones lie over earlier ones.

    Returns:
        One bitmap each, or None where nothing is left. One that none covers stays as it is, unread; else its box is
        held in memory, and of those that cover it what lies inside.
    """
    covers = _covers(bitmaps)
    for index, bitmap in enumerate(bitmaps):
        yield _rest(bitmap, [bitmaps[other] for other in covers[index]]) if index in covers else bitmap


def _covers(bitmaps: Sequence[Bitmap]) -> dict[int, list[int]]:
    """The later bitmaps whose boxes meet a bitmap's, by its index."""
    import shapely

    boxes = [bitmap.window for bitmap in bitmaps]
    sides = np.array([(box.left, box.top, box.right, box.bottom) for box in boxes], np.float64).reshape(-1, 4)
    areas = shapely.box(*sides.T)
    covers: dict[int, list[int]] = defaultdict(list)
    for one, other in shapely.STRtree(areas).query(areas, "intersects").T.tolist():
        if one < other and boxes[one].intersection(boxes[other]) is not None:
            covers[one].append(other)
    return covers


def _rest(bitmap: Bitmap, covers: Sequence[Bitmap]) -> Bitmap | None:
    pixels = bitmap.mask.pixels().copy()
    for cover in covers:
        common = bitmap.window.intersection(cover.window)
        if common is not None:
            there = cover.mask.read(common.shift(-cover.top, -cover.left))
            pixels[common.shift(-bitmap.top, -bitmap.left).slices] &= ~there
    if np.count_nonzero(pixels) == bitmap.mask.area:
        return bitmap
    return Bitmap.of_pixels(pixels, bitmap.top, bitmap.left)
