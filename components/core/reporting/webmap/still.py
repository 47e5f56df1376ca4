"""A still picture of a part of a map, for where no script runs."""

from __future__ import annotations

from dataclasses import astuple

import cv2
import numpy as np
import numpy.typing as npt
import shapely

from components.core.reporting.encode import Pixels
from components.core.reporting.palette import rgb
from components.core.reporting.webmap.content import MapContent
from components.core.reporting.webmap.planes import Box, PlacedPicture

SIDE_PX = 900
GROUND = "#e6eaee"

_BITS = 4
_STEPS = 1 << _BITS


def still_picture(content: MapContent, box: Box) -> Pixels:
    """Draw what a map shows within a box.

    Args:
        content: The map.
        box: Of its plane.

    Returns:
        (H, W, 3) uint8 RGB, its longer side `SIDE_PX`.
    """
    scale = SIDE_PX / max(box.width, box.height)
    width, height = max(1, round(box.width * scale)), max(1, round(box.height * scale))
    drawn = np.full((height, width, 3), rgb(GROUND).as_array(), np.uint8)
    for scene in content.scenes:
        if scene.picture is not None and scene.picture.box.meets(box, 0):
            _lay(drawn, scene.picture, box, scale)
    for kind in content.kinds:
        color = astuple(rgb(kind.color))
        shapes = [entry.shapes for scene in content.scenes for entry in scene.buildings if entry.kind == kind.key]
        for polygon in shapely.get_parts(np.concatenate(shapes)) if shapes else ():
            rings = [_placed(shapely.get_coordinates(ring), box, scale) for ring in shapely.get_rings(polygon)]
            cv2.polylines(drawn, rings, True, color, 2, cv2.LINE_AA, _BITS)
    return drawn


def _lay(drawn: Pixels, picture: PlacedPicture, box: Box, scale: float) -> None:
    height, width = picture.pixels.shape[:2]
    across, down = picture.box.width * scale / width, picture.box.height * scale / height
    left, top = (picture.box.west - box.west) * scale, (box.north - picture.box.north) * scale
    shrunk = (max(1, round(width * min(1.0, across))), max(1, round(height * min(1.0, down))))
    small = cv2.resize(picture.pixels, shrunk, interpolation=cv2.INTER_AREA)
    matrix = np.array(((across * width / shrunk[0], 0, left), (0, down * height / shrunk[1], top)))
    matrix[:, 2] += (np.diag(matrix[:, :2]) - 1) / 2  # OpenCV counts from the middles of pixels
    laid = cv2.warpAffine(small, matrix, (drawn.shape[1], drawn.shape[0]), flags=cv2.INTER_LINEAR)
    covered = laid[:, :, 3] > 127
    drawn[covered] = laid[covered][:, :3]


def _placed(points: npt.NDArray[np.float64], box: Box, scale: float) -> npt.NDArray[np.int32]:
    """Pixel edges lie at whole numbers on the plane, and pixel centres in OpenCV."""
    moved = (points - (box.west, box.north)) * (scale, -scale) - 0.5
    placed: npt.NDArray[np.int32] = np.round(np.clip(moved, -1e6, 1e6) * _STEPS).astype(np.int32)
    return placed
