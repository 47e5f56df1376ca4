"""Masks thinned to lines one pixel wide, which hang together as the masks do.

Every method looks at the eight neighbours of a pixel; outside the array nothing is set. Neighbours are numbered as in
the sources: 0 is the pixel above, and so on clockwise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from components.core.figures.mask import BoolPixels

Pixels = npt.NDArray[np.bool_]
Table = npt.NDArray[np.bool_]
"""(256,) bool by neighbourhood: bit i stands for neighbour i."""

OFFSETS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""Of the neighbours, in rows and columns."""

N, NE, E, SE, S, SW, W, NW = range(8)


def zhang_suen(pixels: BoolPixels) -> Pixels:
    """The skeleton by parallel thinning.

    Source: Zhang, Suen, "A fast parallel algorithm for thinning digital patterns", Communications of the ACM 27, 1984,
    corrected as in the skeletons of ImageJ and scikit-image: corners of diagonal lines go, and ends shrink less.

    Args:
        pixels: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    return _thinned(pixels, _zhang_suen_tables())


def guo_hall(pixels: BoolPixels) -> Pixels:
    """The skeleton by parallel thinning; straighter and with fewer spurs than `zhang_suen`'s.

    Source: Guo, Hall, "Parallel thinning with two-subiteration algorithms", Communications of the ACM 32, 1989,
    algorithm A1.

    Args:
        pixels: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    return _thinned(pixels, _guo_hall_tables())


def medial_axis(pixels: BoolPixels) -> Pixels:
    """The ridge of the distance to the background, from which the mask can be drawn again.

    Pixels are taken away one by one, the nearest to the background first, corners last among those of one distance,
    the rest in row-major order, unless they end a line or hold parts together.

    Source: Blum, "A transformation for extracting new descriptors of shape", 1967, by ordered removal.

    Args:
        pixels: (H, W) bool.

    Returns:
        (H, W) bool.
    """
    import cv2

    framed = np.pad(pixels, 1)
    distances = cv2.distanceTransform(framed.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    places = np.flatnonzero(framed)
    set_neighbours = _bits_set()[_neighbourhoods(framed)].ravel()[places]
    order = places[np.lexsort((places, 8 - set_neighbours, distances.ravel()[places]))]
    steps = [row * framed.shape[1] + column for row, column in OFFSETS]
    stays = _stays_table().tolist()
    flat = framed.ravel().tolist()
    for place in order.tolist():
        flat[place] = stays[sum(flat[place + step] << bit for bit, step in enumerate(steps))]
    return np.array(flat, np.bool_).reshape(framed.shape)[1:-1, 1:-1]


def _thinned(pixels: BoolPixels, tables: tuple[Table, ...]) -> Pixels:
    """Take away what the tables name, one table after the other, until none of them names anything.

    After the first round a table looks only at pixels beside those that went since it looked last: the others' answers
    are what they were.
    """
    framed = np.pad(pixels, 1)
    flat = framed.ravel()
    steps = np.array([row * framed.shape[1] + column for row, column in OFFSETS])
    gone = []
    for table in tables:
        goes = np.flatnonzero(framed & table[_neighbourhoods(framed)])
        flat[goes] = False
        gone.append(goes)
    marks = np.zeros(flat.shape, np.int32)
    while any(len(places) for places in gone):
        for number, table in enumerate(tables):
            beside = (np.concatenate(gone)[:, np.newaxis] + steps).ravel()
            beside = _without_repeats(beside[flat[beside]], marks)
            goes = beside[table[_codes(flat, beside, steps)]]
            flat[goes] = False
            gone[number] = goes
    return framed[1:-1, 1:-1]


def _without_repeats(places: npt.NDArray[np.int64], marks: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Each place once; `marks` holds a number for every place that there may be, whatever it is."""
    numbers = np.arange(len(places), dtype=np.int32)
    marks[places] = numbers
    return places[marks[places] == numbers]


def _codes(flat: Pixels, places: npt.NDArray[np.int64], steps: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The neighbourhoods of some places."""
    codes = np.zeros(len(places), np.uint8)
    for bit, step in enumerate(steps.tolist()):
        codes |= flat[places + step].view(np.uint8) << np.uint8(bit)
    return codes


def _neighbourhoods(framed: Pixels) -> npt.NDArray[np.uint8]:
    """(H, W) uint8: the neighbourhood of each pixel; 0 along the frame."""
    height, width = framed.shape
    codes = np.zeros((height, width), np.uint8)
    inner = codes[1:-1, 1:-1]
    for bit, (row, column) in enumerate(OFFSETS):
        view = framed[1 + row : height - 1 + row, 1 + column : width - 1 + column].view(np.uint8)
        inner |= view << np.uint8(bit)
    return codes


def _table(holds: Callable[[list[bool]], bool]) -> Table:
    return np.array([holds([bool(code >> bit & 1) for bit in range(8)]) for code in range(256)])


@cache
def _bits_set() -> npt.NDArray[np.uint8]:
    """(256,) uint8: how many neighbours are set."""
    return np.array([code.bit_count() for code in range(256)], np.uint8)


ZHANG_SUEN_CORRECTIONS: dict[tuple[int, ...], tuple[bool, bool]] = {
    **dict.fromkeys([(N, E), (E, S), (S, W), (N, W)], (True, True)),
    **dict.fromkeys([(N, NW), (N, NE), (NE, E), (N, NE, E), (N, W, NW)], (True, False)),
    **dict.fromkeys([(E, SE), (SE, S), (S, SW), (SW, W), (E, SE, S), (S, SW, W)], (False, True)),
    (W, NW): (False, False),
    **dict.fromkeys([(N, E, NW), (N, NE, W), (N, SW, W), (S, W, NW), (N, NE, SW, W)], (True, False)),
    **dict.fromkeys([(N, E, SE), (E, S, SW), (SE, S, W), (NE, E, S, SW)], (False, True)),
}
"""Sets of neighbours for which a pixel goes otherwise than in the paper: whether in the first pass, in the second."""


@cache
def _zhang_suen_tables() -> tuple[Table, Table]:
    def goes(p: list[bool], first: bool) -> bool:
        correction = ZHANG_SUEN_CORRECTIONS.get(tuple(i for i in range(8) if p[i]))
        if correction is not None:
            return correction[0 if first else 1]
        rises = sum(not p[i] and p[(i + 1) % 8] for i in range(8))
        if not 2 <= sum(p) <= 6 or rises != 1:
            return False
        if first:
            return not (p[N] and p[E] and p[S]) and not (p[E] and p[S] and p[W])
        return not (p[N] and p[E] and p[W]) and not (p[N] and p[S] and p[W])

    return _table(lambda p: goes(p, True)), _table(lambda p: goes(p, False))


@cache
def _guo_hall_tables() -> tuple[Table, Table]:
    def goes(p: list[bool], first: bool) -> bool:
        if _crossings(p) != 1:
            return False
        one = sum(p[i - 1] or p[i] for i in (NW, NE, SE, SW))
        other = sum(p[i] or p[(i + 1) % 8] for i in (NW, NE, SE, SW))
        if not 2 <= min(one, other) <= 3:
            return False
        if first:
            return not ((p[N] or p[NE] or not p[SE]) and p[E])
        return not ((p[S] or p[SW] or not p[NW]) and p[W])

    return _table(lambda p: goes(p, True)), _table(lambda p: goes(p, False))


@cache
def _stays_table() -> Table:
    """Whether a pixel ends a line or stands alone, or its neighbours hang together through it alone."""
    return _table(lambda p: sum(p) < 2 or _crossings(p) != 1)


def _crossings(p: list[bool]) -> int:
    """How many 8-connected parts the neighbours fall into; 0 also where all four sides are set."""
    return sum(not p[i] and (p[(i + 1) % 8] or p[(i + 2) % 8]) for i in (N, E, S, W))
