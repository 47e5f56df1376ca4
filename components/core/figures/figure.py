"""What every figure can do, whatever its shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from enum import StrEnum
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from components.core.geometry import FlipAxis, Size, Window

Vertices = npt.NDArray[np.float64]
"""(N, 2) float64 (row, column) in pixels; pixel corners lie at whole numbers; read-only."""


class Shape(StrEnum):
    """The kinds of figure a class may hold."""

    BITMAP = "bitmap"
    POLYGON = "polygon"
    LINE = "line"
    RECTANGLE = "rectangle"
    POINT = "point"


AREA_SHAPES = (Shape.BITMAP, Shape.POLYGON, Shape.RECTANGLE)
"""Of classes whose objects cover an area."""


class Figure(ABC):
    """Something drawn on an image; immutable; coordinates in pixels of that image, row first."""

    shape: ClassVar[Shape]

    @property
    @abstractmethod
    def area(self) -> float:
        """Area in pixels: a bitmap's set pixels, a polygon's exterior (holes counted), 0 for lines and points."""

    @abstractmethod
    def crop(self, window: Window) -> list[Figure]:
        """The parts inside `window`, in the window's coordinates; none, one or several."""

    @abstractmethod
    def flip(self, axis: FlipAxis, size: Size) -> Figure:
        """The figure on the mirrored image of `size`: masks by pixels, vectors by `side - x`."""

    @abstractmethod
    def normalise(self, size: Size) -> list[Figure]:
        """The figure brought into form for an image of `size`: clipped where the format asks, else dropped."""

    @abstractmethod
    def draw(self, canvas: npt.NDArray[np.uint8], value: int) -> None:
        """Set the figure's pixels on `canvas`, (H, W) uint8, to `value`."""

    @abstractmethod
    def key(self) -> Hashable:
        """A hashable form of the geometry: equal keys are equal figures."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Figure) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash((self.shape, self.key()))


def vertices(points: object) -> Vertices:
    """A read-only (N, 2) float64 array of (row, column) from any sequence of pairs."""
    array = np.array(points, dtype=np.float64).reshape(-1, 2)
    array.flags.writeable = False
    return array


def mirrored(points: Vertices, axis: FlipAxis, size: Size) -> Vertices:
    """The vertices on the mirrored image: row → height - row, or column → width - column."""
    result = points.copy()
    side = size.width if axis is FlipAxis.LEFT_RIGHT else size.height
    result[:, axis.array_axis] = side - result[:, axis.array_axis]
    result.flags.writeable = False
    return result


def pixel_vertices(points: Vertices) -> npt.NDArray[np.int32]:
    """(N, 1, 2) int32 (x, y) for OpenCV's drawing; halves round to even."""
    return np.rint(points[:, ::-1]).astype(np.int32).reshape(-1, 1, 2)
