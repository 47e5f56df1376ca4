"""Objects coloured so that neighbours differ."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from components.core.reporting.palette import rgb

OBJECT_COLORS = (
    "#4269d0",
    "#efb118",
    "#ff725c",
    "#3ca951",
    "#a463f2",
    "#6cc5b0",
    "#ff8ab7",
    "#9c6b4e",
    "#97bbf5",
    "#c6d93b",
)
"""One after another they are easy to distinguish; neighbours never share one while ten suffice."""

NEIGHBOUR_PX = 8.0
"""Objects with less room than this between them are neighbours."""


def object_colors(labels: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Give every object a colour that its neighbours do not have.

    Objects are taken in order of their labels; each gets the first colour, counted from its own place in the
    palette, that no neighbour has yet; where neighbours hold all of them, its own place decides.

    Args:
        labels: (H, W) int32, 0 for the background.

    Returns:
        (H, W, 3) uint8 RGB; black where there is no object.
    """
    neighbours = _neighbours(labels)
    count = len(OBJECT_COLORS)
    chosen = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    given: set[int] = set()
    for place, label in enumerate(np.unique(labels[labels > 0]).tolist()):
        taken = {int(chosen[other]) for other in neighbours.get(label, ()) if other in given}
        wheel = [(place + step) % count for step in range(count)]
        chosen[label] = next((color for color in wheel if color not in taken), wheel[0])
        given.add(label)
    table = np.array([(c.red, c.green, c.blue) for c in map(rgb, OBJECT_COLORS)], np.uint8)
    colors = table[chosen[labels]]
    colors[labels == 0] = 0
    return colors


def _neighbours(labels: npt.NDArray[np.int32]) -> dict[int, set[int]]:
    """Which objects come closer than `NEIGHBOUR_PX` to each other, by their nearest-object regions."""
    if not labels.any():
        return {}
    ground = (labels == 0).astype(np.uint8)
    distance, nearest = cv2.distanceTransformWithLabels(ground, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    label_of = np.zeros(int(nearest.max()) + 1, np.int32)
    label_of[nearest[ground == 0]] = labels[ground == 0]
    regions = label_of[nearest]
    found: dict[int, set[int]] = {}
    for first, second in _touching(regions, distance):
        found.setdefault(first, set()).add(second)
        found.setdefault(second, set()).add(first)
    return found


def _touching(regions: npt.NDArray[np.int32], distance: npt.NDArray[np.float32]) -> Iterable[tuple[int, int]]:
    height, width = regions.shape
    pairs: set[tuple[int, int]] = set()
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, height - down), slice(max(-right, 0), width - max(right, 0)))
        there = (slice(down, height), slice(max(right, 0), width + min(right, 0)))
        borders = (regions[here] != regions[there]) & (distance[here] + distance[there] < NEIGHBOUR_PX)
        pairs.update(zip(regions[here][borders].tolist(), regions[there][borders].tolist(), strict=True))
    return sorted(pairs)
