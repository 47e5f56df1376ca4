"""Masks with as many buildings as an INRIA scene has, for benchmarks."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from components.core.figures import InlineMask
from components.core.figures.connected_components import connected_components
from components.core.geometry import Size
from components.core.project import ImageRef, Item, Object
from tests.builders import CRS, TRANSFORM

CELL_PX = 128


def building_mask(size: Size, seed: int) -> npt.NDArray[np.bool_]:
    """(H, W) bool: one building a cell of 128 px, L-shaped, none touching another; 1 521 on 5000×5000."""
    random = np.random.default_rng(seed)
    mask = np.zeros((size.height, size.width), np.bool_)
    for row in range(0, size.height - CELL_PX + 1, CELL_PX):
        for column in range(0, size.width - CELL_PX + 1, CELL_PX):
            top, left = row + random.integers(1, 40), column + random.integers(1, 40)
            height, width = random.integers(16, 86, 2)
            mask[top : top + height, left : left + width // 2] = True
            mask[top : top + height // 2, left : left + width] = True
    return mask


def rough(mask: npt.NDArray[np.bool_], degrees: float, seed: int) -> npt.NDArray[np.bool_]:
    """The same buildings turned, their outlines as uneven as a network's: some 150 corners each."""
    height, width = mask.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.GaussianBlur(cv2.warpAffine(mask.astype(np.float32), turn, (width, height)), (0, 0), 2)
    noise = np.random.default_rng(seed).normal(size=mask.shape).astype(np.float32)
    return np.asarray(turned + cv2.GaussianBlur(noise, (0, 0), 2) * np.float32(0.5) > 0.5, np.bool_)


def percolating(size: Size, seed: int) -> npt.NDArray[np.bool_]:
    """Noise of a few pixels' size cut near its percolation threshold, as an untrained network's mask."""
    noise = np.random.default_rng(seed).normal(size=(size.height, size.width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.asarray(smooth > -0.05 * smooth.std(), np.bool_)


def confidence(mask: npt.NDArray[np.bool_], seed: int) -> npt.NDArray[np.uint8]:
    """(H, W) uint8 confidence in the buildings: high inside, 0 far away, uneven in between."""
    near = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 4)
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=mask.shape).astype(np.float32), (0, 0), 3)
    return np.asarray(255 / (1 + np.exp(7 - 14 * near - 6 * noise)), np.uint8)


def split_objects(mask: npt.NDArray[np.bool_]) -> list[Object]:
    """The buildings of a mask as objects, as `split_masks` makes them."""
    return [Object("untitled_dl", part) for part in connected_components(InlineMask(mask))]


def scene_item(size: Size) -> Item:
    """A scene on the map, without objects."""
    return Item("ds", "scene", size, ImageRef.whole("scene.tif", size, CRS, TRANSFORM))
