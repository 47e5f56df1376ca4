"""What stands in a scene: frozen nouns in metres, x to the east and y to the south of the scene's top left corner."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(N, 2) float64 metres: (x east, y south)."""

RGB = tuple[int, int, int]


class Material(IntEnum):
    """Surface whose texture a pixel takes; `textures.TEXTURES` has one row for each."""

    SMOOTH = 0
    GRASS = 1
    SOIL = 2
    ASPHALT = 3
    CONCRETE = 4
    SHINGLE = 5
    TILE = 6
    GRAVEL = 7
    METAL = 8
    CROP = 9
    WATER = 10
    FOREST = 11
    SNOW = 12


class Layer(IntEnum):
    """Order in which flat patches are painted."""

    GROUND = 0
    YARD = 1
    SIDEWALK = 2
    ROAD = 3
    MARKING = 4
    TOP = 5
    DETAIL = 6


@dataclass(frozen=True, slots=True)
class Patch:
    """Flat painted polygon, (N, 2) metres."""

    points: Points
    color: RGB
    material: Material
    layer: Layer


@dataclass(frozen=True, slots=True)
class Face:
    """Painted polygon of a solid's top, (N, 2) metres, already shaded by the sun."""

    points: Points
    color: RGB
    material: Material


@dataclass(frozen=True)
class Solid:
    """Thing with a height that casts a shadow: a building, or clutter that may look like one.

    Attributes:
        parts: convex polygons whose union is the footprint.
        faces: polygons of the top, painted in order.
        height_m: height of the top above the ground.
        is_building: whether the footprint belongs in the building mask.
    """

    parts: tuple[Points, ...]
    faces: tuple[Face, ...]
    height_m: float
    is_building: bool

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the footprint in metres."""
        points = np.concatenate(self.parts)
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


@dataclass(frozen=True, slots=True)
class Tree:
    """Crown seen from above; `species` names a row of `trees.SPECIES`."""

    x: float
    y: float
    radius_m: float
    height_m: float
    species: str
    variant: int


@dataclass(slots=True)
class Scenery:
    """Collector of everything that one block or street contributes."""

    patches: list[Patch] = field(default_factory=list)
    solids: list[Solid] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frame:
    """Local axes on the ground: an origin and two unit vectors, all (2,) float64."""

    origin: Points
    x_axis: Points
    y_axis: Points

    def points(self, local: Points | list[tuple[float, float]]) -> Points:
        """Local (N, 2) metres to scene metres."""
        local = np.asarray(local, dtype=np.float64)
        return self.origin + local[:, :1] * self.x_axis + local[:, 1:] * self.y_axis

    def direction(self, local: tuple[float, float]) -> Points:
        """Local direction to a (2,) scene direction."""
        return local[0] * self.x_axis + local[1] * self.y_axis

    def moved(self, x: float, y: float) -> Frame:
        """Frame of the same axes with its origin at local (x, y)."""
        return Frame(self.origin + self.direction((x, y)), self.x_axis, self.y_axis)

    def turned(self, degrees: float) -> Frame:
        """Frame of the same origin with axes turned by an angle."""
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return Frame(self.origin, cos * self.x_axis + sin * self.y_axis, -sin * self.x_axis + cos * self.y_axis)


def box(width: float, depth: float, x: float = 0.0, y: float = 0.0) -> Points:
    """Rectangle of `width` by `depth` metres centred on local (x, y): (4, 2)."""
    half_width, half_depth = width / 2, depth / 2
    return np.array(
        [
            (x - half_width, y - half_depth),
            (x + half_width, y - half_depth),
            (x + half_width, y + half_depth),
            (x - half_width, y + half_depth),
        ]
    )


def disc(radius: float, x: float = 0.0, y: float = 0.0, sides: int = 14) -> Points:
    """Regular polygon of `sides` corners around (x, y): (sides, 2)."""
    angles = np.arange(sides) * (2 * np.pi / sides)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def strip(start: Points, end: Points, width: float) -> Points:
    """Rectangle of a given width around the segment from `start` to `end`, each (2,): (4, 2)."""
    along = end - start
    across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9) * (width / 2)
    return np.stack([start + across, end + across, end - across, start - across])


def tinted(color: RGB, factor: float) -> RGB:
    """Colour with its brightness multiplied, within uint8."""
    red, green, blue = (min(255, max(0, round(channel * factor))) for channel in color)
    return red, green, blue
