"""The order of points along a Hilbert curve, in which what lies close together on the map mostly lies so in a file.

Source: Hilbert, "Ueber die stetige Abbildung einer Linie auf ein Flächenstück", Mathematische Annalen 38, 1891.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LEVELS = 32
"""How often the ground is quartered; a cell of the whole world is then nine millimetres wide at the equator."""

WORLD = (-180.0, -90.0, 180.0, 90.0)
"""West, south, east, north in degrees: the ground of all files of a collection, so that a row's place on the curve does
not depend on the others of its file."""

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.uint64]

_ONE, _TWO, _THREE = np.uint64(1), np.uint64(2), np.uint64(3)


def middles(boxes: Floats) -> Floats:
    """(N, 2) the middles of (N, 4) boxes."""
    found: Floats = (boxes[:, :2] + boxes[:, 2:]) / 2
    return found


def hilbert_places(points: Floats, bounds: Sequence[float]) -> Places:
    """How far along the curve points lie.

    Args:
        points: (N, 2).
        bounds: Of the ground that the curve fills, as x and y of its low and its high corner; what lies beyond counts
            as lying on its border.

    Returns:
        (N,) from 0 to 2⁶⁴ - 1.
    """
    low, high = np.array(bounds[:2], np.float64), np.array(bounds[2:], np.float64)
    extent = np.where(high > low, high - low, 1.0)
    last = 2.0**LEVELS - 1
    cells = np.clip((points - low) / extent * last, 0, last).astype(np.uint64)
    x, y = np.ascontiguousarray(cells.T)
    places = np.zeros(len(points), np.uint64)
    for level in range(LEVELS - 1, -1, -1):
        shift = np.uint64(level)
        right, upper = (x >> shift) & _ONE, (y >> shift) & _ONE
        places = (places << _TWO) | ((_THREE * right) ^ upper)
        lower = upper ^ _ONE
        turned = np.negative(lower & right)  # all bits set where a quarter is run through from its far corner
        x, y = x ^ turned, y ^ turned
        swapped = (x ^ y) & np.negative(lower)
        x, y = x ^ swapped, y ^ swapped
    return places


def hilbert_order(points: Floats, bounds: Sequence[float]) -> npt.NDArray[np.int64]:
    """(N,) indices of points along the curve; those in one cell stay in their order."""
    return np.argsort(hilbert_places(points, bounds), kind="stable")
