"""Boundary IoU: how well outlines agree, whatever the size of the objects.

Formula: with G and P the truth's and the prediction's mask, and G_d, P_d their pixels within distance d of their own
contour, Boundary IoU = |G_d ∩ P_d| / |G_d ∪ P_d|. Here d is in pixels and distance is the larger of the row and column
distances (a mask less its erosion by a square of side 2d + 1); what lies outside the scene counts as background.
Counts are pooled over the pixels of a group.

Source: Cheng, Girshick, Dollár, Berg, Kirillov, "Boundary IoU: Improving Object-Centric Image Segmentation
Evaluation", CVPR 2021.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from components.core.figures.mask import BoolPixels
from components.evaluate.counts import BoundaryCounts


def near_contour(padded: BoolPixels, distance_px: int) -> npt.NDArray[np.bool_]:
    """Pixels of a mask within a distance of its contour.

    Args:
        padded: (d + H + d, W) bool: a band of the mask with a halo of `distance_px` rows above and below.
        distance_px: d, at least 1.

    Returns:
        (H, W) bool of the band.
    """
    square = np.ones((2 * distance_px + 1, 2 * distance_px + 1), np.uint8)
    inner = cv2.erode(padded.view(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    band = slice(distance_px, len(padded) - distance_px)
    near: npt.NDArray[np.bool_] = padded[band] & (inner[band] == 0)
    return near


def boundary_counts(
    truth: BoolPixels, predicted: BoolPixels, distance_px: int, ignored: BoolPixels | None = None
) -> BoundaryCounts:
    """Count one band; the masks as `near_contour` takes them, and (H, W) bool of pixels that do not count."""
    first, second = near_contour(truth, distance_px), near_contour(predicted, distance_px)
    if ignored is not None:
        first, second = first & ~ignored, second & ~ignored
    return BoundaryCounts(int(np.count_nonzero(first & second)), int(np.count_nonzero(first | second)))
