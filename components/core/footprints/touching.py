"""Which objects stand wall to wall or corner to corner, and groups of them that are whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from components.core.figures import Bitmap
from components.core.figures.run_lengths import joined
from components.core.footprints.stitching import Ended, SceneObject
from components.core.geometry import Window

Pairs = npt.NDArray[np.int64]


def touching_pairs(bitmaps: Sequence[Bitmap]) -> Pairs:
    """Pairs of bitmaps that touch and have no pixel in common.

    Args:
        bitmaps: In the pixels of one scene.

    Returns:
        (P, 2) of indices, the smaller first.
    """
    boxes = np.array([_sides(bitmap.window) for bitmap in bitmaps], np.float64).reshape(-1, 4)
    shapes = shapely.box(*boxes.T)
    one, other = shapely.STRtree(shapes).query(shapes)
    near = np.stack([one, other], axis=1)[one < other]
    found = [pair for pair in near[np.lexsort(near.T[::-1])].tolist() if _touch(bitmaps[pair[0]], bitmaps[pair[1]])]
    return np.array(found, np.int64).reshape(-1, 2)


def _sides(box: Window) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom


def _touch(one: Bitmap, other: Bitmap) -> bool:
    """Whether pixels of both lie side by side, or corner to corner, and none in the same place."""
    place = _around(one.window).intersection(_around(other.window))
    if place is None:
        return False
    mine, theirs = _pixels(one, place), _pixels(other, place)
    if not mine.any() or not theirs.any() or (mine & theirs).any():
        return False
    wide = mine.copy()
    wide[1:] |= mine[:-1]
    wide[:-1] |= mine[1:]
    high = wide.copy()
    wide[:, 1:] |= high[:, :-1]
    wide[:, :-1] |= high[:, 1:]
    return bool((wide & theirs).any())


def _around(box: Window) -> Window:
    return Window(box.top - 1, box.left - 1, box.height + 2, box.width + 2)


def _pixels(bitmap: Bitmap, place: Window) -> npt.NDArray[np.bool_]:
    """(H, W) bool of a window that may go beyond the bitmap."""
    pixels = np.zeros((place.height, place.width), np.bool_)
    seen = place.intersection(bitmap.window)
    if seen is not None:
        pixels[seen.shift(-place.top, -place.left).slices] = bitmap.mask.read(seen.shift(-bitmap.top, -bitmap.left))
    return pixels


@dataclass(eq=False)
class Group:
    """Objects that hang together by touching: drawn together, so that common walls stay common.

    Attributes:
        members: In the order of the scene's objects.
    """

    members: list[SceneObject]


class Grouped(NamedTuple):
    """An object, and those that it hangs together with, itself among them."""

    entry: SceneObject
    group: Group


@dataclass(eq=False)
class _Waiting:
    entry: SceneObject
    group: Group | None = field(default=None)


def grouped(ended: Iterable[Ended]) -> Iterator[Grouped]:
    """Objects with their groups, in the order in which they come.

    An object waits until all of its group has ended, and then for those before it: memory is the groups that go on,
    and what lies beside them.

    Args:
        ended: As `stitched` gives them.
    """
    waiting: list[_Waiting] = []
    for objects, going_on in ended:
        waiting += map(_Waiting, objects)
        _close(waiting, going_on)
        ready = next((index for index, each in enumerate(waiting) if each.group is None), len(waiting))
        for each in waiting[:ready]:
            if each.group is not None:
                yield Grouped(each.entry, each.group)
        del waiting[:ready]


def _close(waiting: Sequence[_Waiting], going_on: Sequence[Bitmap]) -> None:
    """Give those without a group theirs, unless one of it touches what goes on."""
    loose = [each for each in waiting if each.group is None]
    count = len(loose)
    pairs = touching_pairs([*(each.entry.bitmap for each in loose), *going_on])
    roots = joined(count + len(going_on), pairs[:, 0], pairs[:, 1])
    is_open = np.zeros(count + len(going_on), np.bool_)
    is_open[roots[count:]] = True
    groups: dict[int, Group] = {}
    for each, root in zip(loose, roots[:count].tolist(), strict=True):
        if not is_open[root]:
            each.group = groups.setdefault(root, Group([]))
            each.group.members.append(each.entry)
