"""Shapes in metres, x to the east and y to the south of a scene's top left corner, and the sun that shines on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
"""(N, 2) float64 metres."""

RGB = tuple[int, int, int]

Material = Literal[
    "smooth", "grass", "soil", "asphalt", "concrete", "shingle", "tile", "gravel", "metal", "crop", "water", "forest",
    "snow",
]  # fmt: skip
"""Surface, of which `looks.yaml` has the texture."""

Level = Literal["ground", "yard", "sidewalk", "road", "marking", "top", "detail"]
"""Order in which faces on the ground are painted."""


@dataclass(frozen=True, slots=True)
class Face:
    """Painted polygon on the ground, or on top of a solid, where its level means nothing."""

    points: Points
    color: RGB
    material: Material = "smooth"
    level: Level = "ground"


@dataclass(frozen=True)
class Solid:
    """Thing with a height that casts a shadow: a building, or clutter that may look like one."""

    parts: tuple[Points, ...]  # convex polygons whose union is the footprint
    faces: tuple[Face, ...]  # polygons of the top, painted in order, already shaded by the sun
    height_m: float
    is_building: bool = False  # whether the footprint belongs in the building mask

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the footprint in metres."""
        points = np.concatenate(self.parts)
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Tree:
    """Crown seen from above; `species` names one of `towns.SPECIES`."""

    x: float
    y: float
    radius_m: float
    height_m: float
    species: str
    variant: int


@dataclass(frozen=True, slots=True)
class Scenery:
    """Everything that one block and its streets contribute."""

    ground: list[Face] = field(default_factory=list)
    solids: list[Solid] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LocalAxes:
    """Local axes on the ground: an origin and two unit vectors, all (2,) float64."""

    origin: Points
    x_axis: Points
    y_axis: Points

    @classmethod
    def along(cls, start: Points, end: Points) -> LocalAxes:
        """Frame with its origin at `start` and x towards `end`."""
        x_axis = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
        return cls(start, x_axis, np.array([-x_axis[1], x_axis[0]]))

    def points(self, local: ArrayLike) -> Points:
        """Local (N, 2) metres to scene metres."""
        local = np.asarray(local, dtype=np.float64)
        return self.origin + local[:, :1] * self.x_axis + local[:, 1:] * self.y_axis

    def box(self, width: float, depth: float, x: float = 0.0, y: float = 0.0) -> Points:
        """Rectangle centred on local (x, y), in scene metres."""
        return self.points(box(width, depth, x, y))

    def direction(self, x: float, y: float) -> Points:
        """Local direction to a (2,) scene direction."""
        return x * self.x_axis + y * self.y_axis

    def at(self, origin: Points) -> LocalAxes:
        """Frame of the same axes with another origin."""
        return LocalAxes(origin, self.x_axis, self.y_axis)

    def moved(self, x: float, y: float) -> LocalAxes:
        """Frame of the same axes with its origin at local (x, y)."""
        return self.at(self.origin + self.direction(x, y))

    def turned(self, degrees: float) -> LocalAxes:
        """Frame of the same origin with axes turned by an angle."""
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return LocalAxes(self.origin, cos * self.x_axis + sin * self.y_axis, -sin * self.x_axis + cos * self.y_axis)


@dataclass(frozen=True)
class Sun:
    """Sun by compass azimuth (clockwise from north) and elevation above the horizon, in degrees."""

    azimuth_deg: float
    elevation_deg: float

    @cached_property
    def towards(self) -> Points:
        """(2,) unit vector on the ground towards the sun."""
        azimuth = np.radians(self.azimuth_deg)
        return np.array([np.sin(azimuth), -np.cos(azimuth)], dtype=np.float64)

    @cached_property
    def shadow_per_m(self) -> Points:
        """(2,) displacement in metres of the shadow of a point one metre above the ground."""
        return np.asarray(-self.towards / np.tan(np.radians(self.elevation_deg)), dtype=np.float64)

    def shade(self, color: RGB, downhill: Points, pitch_deg: float) -> RGB:
        """Colour of a slope that falls `downhill`, a (2,) unit vector, where level ground keeps its own.

        By Lambert's cosine law over ambient light.
        """
        pitch, elevation = np.radians(pitch_deg), np.radians(self.elevation_deg)
        facing = np.sin(pitch) * np.cos(elevation) * float(downhill @ self.towards) + np.cos(pitch) * np.sin(elevation)
        return tinted(color, 0.42 + 0.58 * max(0.0, float(facing)) / float(np.sin(elevation)))


def tinted(color: RGB, factor: float) -> RGB:
    """Colour with its brightness multiplied, within uint8."""
    red, green, blue = (min(255, max(0, round(channel * factor))) for channel in color)
    return red, green, blue


def box(width: float, depth: float, x: float = 0.0, y: float = 0.0) -> Points:
    """Rectangle of `width` by `depth` metres centred on (x, y): (4, 2)."""
    w, d = width / 2, depth / 2
    return np.array([(x - w, y - d), (x + w, y - d), (x + w, y + d), (x - w, y + d)])


def disc(radius: float, x: float = 0.0, y: float = 0.0, sides: int = 14) -> Points:
    """Regular polygon of `sides` corners around (x, y): (sides, 2)."""
    angles = np.arange(sides) * (2 * np.pi / sides)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def strip(start: Points, end: Points, width: float) -> Points:
    """Rectangle of a given width around the segment from `start` to `end`, each (2,): (4, 2)."""
    across = LocalAxes.along(start, end).y_axis * (width / 2)
    return np.stack([start + across, end + across, end - across, start - across])


def inset(corners: Points, margins: ArrayLike) -> Points:
    """Convex polygon, clockwise as seen on the image, whose side i (corner i → i + 1) is moved inwards by margin i."""
    along = np.roll(corners, -1, axis=0) - corners
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    starts = corners + np.stack([-along[:, 1], along[:, 0]], axis=1) * np.asarray(margins)[:, None]
    before, before_along = np.roll(starts, 1, axis=0), np.roll(along, 1, axis=0)
    steps = np.linalg.solve(np.stack([before_along, -along], axis=2), (starts - before)[:, :, None])
    return np.asarray(before + steps[:, 0] * before_along)
