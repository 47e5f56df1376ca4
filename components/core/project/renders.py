"""Pictures beside the images of written projects: figures laid over an image, or drawn in colours of their own.

As the 2018 engine drew them: later objects over earlier ones, half transparent, a green column before the overlay.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from components.core.figures import Figure, Point, Rectangle
from components.core.project.item import Item
from components.core.project.meta import ProjectMeta

UInt8 = npt.NDArray[np.uint8]

BLACK_DRAWN = (1, 1, 1)
"""What black is drawn as over an image, where it would mean nothing."""

GREEN = (0, 255, 0)


class Color(NamedTuple):
    """Red, green and blue, 0–255."""

    red: int
    green: int
    blue: int

    @classmethod
    def of_hex(cls, text: str) -> Color:
        """From "#rrggbb"."""
        return cls(*bytes.fromhex(text.removeprefix("#")))


def colors_of(meta: ProjectMeta) -> dict[str, Color]:
    """The colour of each class."""
    return {known.title: Color.of_hex(known.color) for known in meta.classes}


@dataclass(frozen=True, slots=True)
class Overlay:
    """The image, a green column, and the image with its figures half transparent.

    Attributes:
        colors: Of the classes that are drawn, by title.
        outlines: Whether rectangles are drawn as outlines, and points as discs of five pixels.
    """

    colors: Mapping[str, Color]
    outlines: bool = False

    def __call__(self, item: Item, image: UInt8) -> UInt8:
        """(H, 2 · W + 1, 3) uint8 RGB, of an item and its image, (H, W, 3) uint8 RGB."""
        drawn = {title: Color(*BLACK_DRAWN) if not any(color) else color for title, color in self.colors.items()}
        canvas = _drawn(item, drawn, self.outlines)
        is_drawn = canvas.any(axis=2, keepdims=True)
        mixed = ((image.astype(np.uint16) + canvas) // 2).astype(np.uint8)
        column = np.full((item.size.height, 1, 3), GREEN, np.uint8)
        return np.concatenate([image, column, np.where(is_drawn, mixed, image)], axis=1)


@dataclass(frozen=True, slots=True)
class ColorMask:
    """The figures in colours on black.

    Attributes:
        colors: Of the classes that are drawn, by title.
    """

    colors: Mapping[str, Color]

    def __call__(self, item: Item, image: UInt8) -> UInt8:
        """(H, W, 3) uint8 RGB."""
        return _drawn(item, self.colors, outlines=False)


Render = Overlay | ColorMask


def _drawn(item: Item, colors: Mapping[str, Color], outlines: bool) -> UInt8:
    """(H, W, 3) uint8 RGB: objects of the listed classes, in order."""
    size = item.size
    result = np.zeros((size.height, size.width, 3), np.uint8)
    for entry in item.objects:
        color = colors.get(entry.class_title)
        if color is not None:
            canvas = np.zeros((size.height, size.width), np.uint8)
            _draw(entry.figure, canvas, outlines)
            result[canvas > 0] = color
    return result


def _draw(figure: Figure, canvas: UInt8, outlines: bool) -> None:
    if isinstance(figure, Rectangle) and outlines:
        sides = figure.top, figure.left, figure.bottom, figure.right
        top, left, bottom, right = (math.floor(side + 0.5) for side in sides)
        cv2.rectangle(canvas, (left, top), (right, bottom), 1)
    elif isinstance(figure, Point) and outlines:
        cv2.circle(canvas, (round(figure.column), round(figure.row)), 1, 1, -1)
    else:
        figure.draw(canvas, 1)
