"""Areas as pixels by the rule that a pixel belongs to the area that holds its centre.

A centre that lies exactly on an outline belongs to the area on the outline's left, or below where it is level, so that
of two areas with a common border each pixel has one. GDAL's rasterisation has the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.figures.figure import Vertices
from components.core.geometry import Window

HALF = 0.5

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rings:
    """One area: an exterior ring and the rings of its holes, in any direction."""

    exterior: Vertices
    interiors: tuple[Vertices, ...] = ()


def holding_centres(areas: Sequence[Rings], window: Window) -> npt.NDArray[np.bool_]:
    """(H, W) bool: the pixels of a window whose centres lie in one of some areas.

    Each row's crossings with the outlines are counted from the left, with the sign of their direction: the sum is how
    often the areas wind around a centre. The time is that of the outlines' length in the window, however many areas
    there are.

    Args:
        areas: In pixels.
        window: Of the same pixels.
    """
    rows, columns, signs = _crossings(areas, window)
    winding = np.zeros((window.height, window.width + 1), np.int32)
    np.add.at(winding, (rows, columns), signs)
    inside: npt.NDArray[np.bool_] = np.cumsum(winding[:, : window.width], axis=1) != 0
    return inside


def _crossings(areas: Sequence[Rings], window: Window) -> tuple[Integers, Integers, npt.NDArray[np.int32]]:
    """Row, first column behind it, and sign of every crossing of an outline with a row of centres."""
    upper, lower, signs = _edges(areas)
    first = np.clip(np.ceil(upper[:, 0] - HALF), window.top, window.bottom).astype(np.int64)
    last = np.clip(np.ceil(lower[:, 0] - HALF), window.top, window.bottom).astype(np.int64)
    counts = last - first
    edge = np.repeat(np.arange(len(counts)), counts)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    down, right = (lower - upper).T
    slopes = np.divide(right, down, out=np.zeros_like(down), where=down > 0)
    places = upper[edge, 1] + (rows + HALF - upper[edge, 0]) * slopes[edge]
    columns = np.clip(np.floor(places + HALF), window.left, window.right).astype(np.int64)
    return rows - window.top, columns - window.left, signs[edge]


def _edges(areas: Sequence[Rings]) -> tuple[Vertices, Vertices, npt.NDArray[np.int32]]:
    """Upper and lower end of every edge, and which way it winds; neighbours compute the same for a common edge."""
    rings = [ring for area in areas for ring in (area.exterior, *area.interiors)]
    roles = [role for area in areas for role in (1, *(-1 for _ in area.interiors))]
    if not rings:
        return np.empty((0, 2)), np.empty((0, 2)), np.empty(0, np.int32)
    lengths = np.array([len(ring) for ring in rings])
    starts = np.concatenate(rings)
    following = np.arange(1, len(starts) + 1)
    ends_of_rings = np.cumsum(lengths)
    following[ends_of_rings[lengths > 0] - 1] = (ends_of_rings - lengths)[lengths > 0]
    ends = starts[following]
    owner = np.repeat(np.arange(len(rings)), lengths)
    twice = np.bincount(owner, starts[:, 0] * ends[:, 1] - ends[:, 0] * starts[:, 1], len(rings))
    turns = np.where(twice < 0, -1, 1) * np.array(roles)
    descends = ends[:, 0] > starts[:, 0]
    upper = np.where(descends[:, None], starts, ends)
    lower = np.where(descends[:, None], ends, starts)
    return upper, lower, (np.where(descends, 1, -1) * turns[owner]).astype(np.int32)


def box_of_centres(areas: Sequence[Rings], window: Window) -> Window | None:
    """The part of a window that areas may reach; None for none."""
    corners = [area.exterior for area in areas if len(area.exterior)]
    if not corners:
        return None
    points = np.concatenate(corners)
    (top, left), (bottom, right) = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    low, high = (window.top, window.left), (window.bottom, window.right)
    top, left = np.clip((top, left), low, high).astype(np.int64).tolist()
    bottom, right = np.clip((bottom, right), low, high).astype(np.int64).tolist()
    return Window.of_bounds(top, left, bottom, right) if top < bottom and left < right else None
