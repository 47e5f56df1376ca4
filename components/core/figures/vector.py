"""Figures made of vertices: polygon, line, rectangle and point."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from components.core.figures.centre_rule import Rings, box_of_centres, holding_centres
from components.core.figures.figure import (
    Figure,
    Shape,
    Vertices,
    mirrored,
    pixel_vertices,
    vertices,
)
from components.core.geometry import FlipAxis, Size, Window

if TYPE_CHECKING:  # shapely and OpenCV are imported by those who cut or draw: most projects hold bitmaps alone
    from shapely.geometry.base import BaseGeometry


def _box(window: Window) -> BaseGeometry:
    import shapely

    return shapely.box(window.top, window.left, window.bottom, window.right)


def _parts(geometry: BaseGeometry, kind: str) -> Iterable[BaseGeometry]:
    """The parts of one geometry type; touching leftovers of lower dimension are ignored."""
    return (part for part in getattr(geometry, "geoms", [geometry]) if part.geom_type == kind and not part.is_empty)


@dataclass(frozen=True, eq=False)
class Polygon(Figure):
    """An area bounded by one exterior ring, with holes; rings do not repeat their first vertex.

    Attributes:
        exterior: Its ring.
        interiors: Rings of its holes.
        by_centres: Whether the pixels are its own whose centres it holds, as geographic data have it; else its rounded
            outline is drawn along, too, as the 2018 engine did.
    """

    shape: ClassVar[Shape] = Shape.POLYGON
    exterior: Vertices
    interiors: tuple[Vertices, ...] = ()
    by_centres: bool = False

    @property
    def rings(self) -> Rings:
        """The rings alone."""
        return Rings(self.exterior, self.interiors)

    @cached_property
    def _sides(self) -> tuple[float, float, float, float]:
        """Top, left, bottom and right: asked for by every window of a scene."""
        (top, left), (bottom, right) = self.exterior.min(axis=0).tolist(), self.exterior.max(axis=0).tolist()
        return top, left, bottom, right

    def _place(self, window: Window) -> _Place:
        if not len(self.exterior):
            return _Place.OUTSIDE
        top, left, bottom, right = self._sides
        if top >= window.bottom or left >= window.right or bottom <= window.top or right <= window.left:
            return _Place.OUTSIDE
        inside = top >= window.top and left >= window.left and bottom <= window.bottom and right <= window.right
        return _Place.INSIDE if inside else _Place.ACROSS

    def moved(self, move: Callable[[Vertices], Vertices]) -> Polygon:
        """The polygon with its vertices moved."""
        return replace(self, exterior=move(self.exterior), interiors=tuple(map(move, self.interiors)))

    @property
    def area(self) -> float:
        """Area of the exterior ring in pixels, holes counted (shoelace formula)."""
        rows, columns = self.exterior[:, 0], self.exterior[:, 1]
        return float(abs(np.dot(rows, np.roll(columns, 1)) - np.dot(columns, np.roll(rows, 1))) / 2)

    def crop(self, window: Window) -> list[Figure]:
        """The pieces inside the window; what only touches it is left out."""
        if self.by_centres:
            place = self._place(window)
            if place is not _Place.ACROSS:
                return [self.moved(lambda ring: _shifted(ring, window))] if place is _Place.INSIDE else []
        import shapely

        area = shapely.Polygon(self.exterior, self.interiors)
        if not area.is_valid:
            area = shapely.make_valid(area)
        return [
            replace(
                self,
                exterior=_ring(part.exterior, window),
                interiors=tuple(_ring(hole, window) for hole in part.interiors),
            )
            for part in _parts(area.intersection(_box(window)), "Polygon")
        ]

    def flip(self, axis: FlipAxis, size: Size) -> Polygon:
        """Mirrored by `side - x`."""
        return self.moved(lambda ring: mirrored(ring, axis, size))

    def normalise(self, size: Size) -> list[Figure]:
        """Rings of fewer than three vertices go; a polygon is not clipped on reading."""
        if len(self.exterior) < 3:
            return []
        return [replace(self, interiors=tuple(hole for hole in self.interiors if len(hole) >= 3))]

    def draw(self, canvas: npt.NDArray[np.uint8], value: int) -> None:
        """Filled: by centres, or with the outlines of the exterior and of the holes, where halves round to even."""
        if self.by_centres:
            fill_by_centres([self], canvas, value)
            return
        import cv2

        cv2.fillPoly(canvas, [pixel_vertices(ring) for ring in (self.exterior, *self.interiors)], value)

    def key(self) -> Hashable:
        """The rings' bytes, and the rule."""
        return self.exterior.tobytes(), tuple(hole.tobytes() for hole in self.interiors), self.by_centres


def fill_by_centres(polygons: Sequence[Polygon], canvas: npt.NDArray[np.uint8], value: int) -> None:
    """Set the pixels of a canvas whose centres lie in one of some polygons; faster than one after the other.

    Args:
        polygons: In pixels of the canvas.
        canvas: (H, W) uint8.
        value: To set.
    """
    areas = [polygon.rings for polygon in polygons]
    box = box_of_centres(areas, Window(0, 0, *canvas.shape))
    if box is not None:
        np.copyto(canvas[box.slices], np.uint8(value), where=holding_centres(areas, box))


class _Place(Enum):
    """Where a polygon lies with respect to a window."""

    INSIDE = auto()
    OUTSIDE = auto()
    ACROSS = auto()


def _shifted(ring: Vertices, window: Window) -> Vertices:
    return vertices(ring - (window.top, window.left))


def _ring(ring: BaseGeometry, window: Window) -> Vertices:
    import shapely

    return vertices(shapely.get_coordinates(ring)[:-1] - (window.top, window.left))


@dataclass(frozen=True, eq=False)
class Line(Figure):
    """An open path of at least two vertices."""

    shape: ClassVar[Shape] = Shape.LINE
    points: Vertices

    @property
    def area(self) -> float:
        """0: a line has no area."""
        return 0.0

    def crop(self, window: Window) -> list[Figure]:
        """The pieces inside the window or on its border; a line that lies inside stays as it is, loops and all."""
        import shapely

        if len(self.points) < 2:
            return []
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        inner = (low >= (window.top, window.left)).all() and (high <= (window.bottom, window.right)).all()
        if inner and (low != high).any():
            return [Line(vertices(self.points - (window.top, window.left)))]
        inside = shapely.LineString(self.points).intersection(_box(window))
        merged = shapely.line_merge(inside) if inside.geom_type == "MultiLineString" else inside
        return [
            Line(vertices(shapely.get_coordinates(part) - (window.top, window.left)))
            for part in _parts(merged, "LineString")
        ]

    def flip(self, axis: FlipAxis, size: Size) -> Line:
        """Mirrored by `side - x`."""
        return Line(mirrored(self.points, axis, size))

    def normalise(self, size: Size) -> list[Figure]:
        """Clipped to the image; falls apart where it leaves and comes back."""
        return self.crop(Window.of_size(size))

    def draw(self, canvas: npt.NDArray[np.uint8], value: int) -> None:
        """One pixel wide; halves round to even."""
        import cv2

        cv2.polylines(canvas, [pixel_vertices(self.points)], isClosed=False, color=value)

    def key(self) -> Hashable:
        """The vertices' bytes."""
        return self.points.tobytes()


@dataclass(frozen=True, eq=False)
class Rectangle(Figure):
    """An axis-parallel rectangle between two corners."""

    shape: ClassVar[Shape] = Shape.RECTANGLE
    top: float
    left: float
    bottom: float
    right: float

    @classmethod
    def of_corners(cls, points: Vertices) -> Rectangle:
        """From any two opposite corners."""
        (top, left), (bottom, right) = points.min(axis=0), points.max(axis=0)
        return cls(float(top), float(left), float(bottom), float(right))

    @property
    def pixel_sides(self) -> tuple[int, int, int, int]:
        """First row, first column, last row and last column of its drawing; halves round up."""
        top, left, bottom, right = (math.floor(side + 0.5) for side in (self.top, self.left, self.bottom, self.right))
        return top, left, bottom, right

    @property
    def area(self) -> float:
        """Width times height, in pixels."""
        return (self.bottom - self.top) * (self.right - self.left)

    def crop(self, window: Window) -> list[Figure]:
        """The common rectangle; one that only touches the window is left out."""
        top, bottom = max(self.top, window.top) - window.top, min(self.bottom, window.bottom) - window.top
        left, right = max(self.left, window.left) - window.left, min(self.right, window.right) - window.left
        return [Rectangle(top, left, bottom, right)] if top < bottom and left < right else []

    def flip(self, axis: FlipAxis, size: Size) -> Rectangle:
        """Mirrored by `side - x`."""
        if axis is FlipAxis.LEFT_RIGHT:
            return Rectangle(self.top, size.width - self.right, self.bottom, size.width - self.left)
        return Rectangle(size.height - self.bottom, self.left, size.height - self.top, self.right)

    def normalise(self, size: Size) -> list[Figure]:
        """Clipped to the image; one without area goes."""
        return self.crop(Window.of_size(size))

    def draw(self, canvas: npt.NDArray[np.uint8], value: int) -> None:
        """Filled, both corners included: a box of width w covers w + 1 columns; halves round up."""
        top, left, bottom, right = self.pixel_sides
        canvas[max(top, 0) : max(bottom + 1, 0), max(left, 0) : max(right + 1, 0)] = value

    def key(self) -> Hashable:
        """The four sides."""
        return self.top, self.left, self.bottom, self.right


@dataclass(frozen=True, eq=False)
class Point(Figure):
    """A single place."""

    shape: ClassVar[Shape] = Shape.POINT
    row: float
    column: float

    @property
    def area(self) -> float:
        """0: a point has no area."""
        return 0.0

    def crop(self, window: Window) -> list[Figure]:
        """Kept inside the window and on all four of its borders."""
        if window.top <= self.row <= window.bottom and window.left <= self.column <= window.right:
            return [Point(self.row - window.top, self.column - window.left)]
        return []

    def flip(self, axis: FlipAxis, size: Size) -> Point:
        """Mirrored by `side - x`."""
        if axis is FlipAxis.LEFT_RIGHT:
            return Point(self.row, size.width - self.column)
        return Point(size.height - self.row, self.column)

    def normalise(self, size: Size) -> list[Figure]:
        """Kept inside the image and on its borders."""
        return self.crop(Window.of_size(size))

    def draw(self, canvas: npt.NDArray[np.uint8], value: int) -> None:
        """One pixel, none on the far border; halves round to even."""
        row, column = round(self.row), round(self.column)
        if 0 <= row < canvas.shape[0] and 0 <= column < canvas.shape[1]:
            canvas[row, column] = value

    def key(self) -> Hashable:
        """Row and column."""
        return self.row, self.column
