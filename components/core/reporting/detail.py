"""A large scene is shown whole and small, and one part of it large."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from components.core.geometry import Window
from components.core.reporting.encode import Pixels
from components.core.reporting.view import View

DETAIL_PX = 768
"""Longer side of the part; a scene that is not a larger is shown whole."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a scene: (h, w, 3) uint8 RGB, and its caption."""

    caption: str
    pixels: Pixels


def busiest_window(mask: npt.NDArray[np.bool_], view: View) -> Window:
    """The part of a scene, `DETAIL_PX` a side at most, that holds the most outlines; the first of equals.

    Args:
        mask: (h, w) bool of `view`.
        view: The whole scene made small.

    Returns:
        A window of the scene.
    """
    scene = view.window
    height, width = min(DETAIL_PX, scene.height), min(DETAIL_PX, scene.width)
    small_height = max(1, height * view.size.height // scene.height)
    small_width = max(1, width * view.size.width // scene.width)
    edges = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    sums = cv2.integral(edges)
    counts = (
        sums[small_height:, small_width:]
        - sums[:-small_height, small_width:]
        - sums[small_height:, :-small_width]
        + sums[:-small_height, :-small_width]
    )
    row, column = np.unravel_index(int(np.argmax(counts)), counts.shape)
    top = min(int(view.rows[row]), scene.bottom - height)
    left = min(int(view.columns[column]), scene.right - width)
    return Window(top, left, height, width)
