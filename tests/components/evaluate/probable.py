"""Predictions with probabilities beside them, as inference and the plain split leave them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from components.core.figures import Bitmap, InlineMask
from components.core.figures.connected_components import connected_components
from components.core.project import Item, Object
from components.core.project.predicted_classes import predicted_classes, with_predicted
from components.core.project.predictions import PROBABILITY_ROLE
from components.core.project.probabilities import HALF, UNKNOWN, lowest_value
from tests.builders import write_tiled

TITLE, GROUND = "untitled_dl", "bg_dl"


def true_mask(item: Item) -> np.ndarray:
    """(H, W) bool: the item's objects."""
    canvas = np.zeros((item.size.height, item.size.width), np.uint8)
    for entry in item.objects:
        entry.figure.draw(canvas, 1)
    return canvas > 0


def likely(mask: np.ndarray, seed: int, noise: float = 1.5) -> np.ndarray:
    """(H, W) uint8: probabilities of a network that is somewhat unsure of a mask, more so at outlines."""
    near = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)
    random = np.random.default_rng(seed).normal(size=mask.shape).astype(np.float32)
    smooth = cv2.GaussianBlur(random, (0, 0), 2)
    logits = 9 * (near - 0.4) + noise * smooth / smooth.std()
    return np.ceil(254 / (1 + np.exp(-logits))).astype(np.uint8)


def objects_of(mask: np.ndarray, title: str = TITLE) -> list[Object]:
    """The mask's 8-connected components."""
    return [Object(title, part) for part in connected_components(InlineMask(mask.copy()))] if mask.any() else []


def predicted_item(folder: Path, item: Item, values: np.ndarray, threshold: float | None = None) -> Item:
    """A prediction of an item.

    Args:
        folder: Where the raster goes.
        item: Of the truth.
        values: (H, W) or (C, H, W) uint8 probabilities.
        threshold: Above which pixels are of the class; None for a half, or the most probable class.
    """
    uri = write_tiled(folder / f"{item.name}-probability.tif", values, compress="zstd", nodata=UNKNOWN)
    bands = values.reshape(-1, *values.shape[-2:])
    lowest = HALF if threshold is None else lowest_value(threshold)
    mask = bands.argmax(0) == 1 if len(bands) > 1 else bands[0] >= lowest
    classes = predicted_classes({0: GROUND, 1: TITLE}, max(len(bands), 2), () if threshold is None else (threshold,))
    shown = replace(item, dataset="inf", objects=tuple(objects_of(mask & (bands[0] != UNKNOWN))))
    return with_predicted(replace(shown, rasters={PROBABILITY_ROLE: uri}), classes)


def bitmap_of(mask: np.ndarray, title: str) -> list[Object]:
    """One object of all of a mask; none where it is empty."""
    bitmap = Bitmap.of_pixels(mask)
    return [] if bitmap is None else [Object(title, bitmap)]
