"""The ground of a block, and how buildings and trees come to stand on it without touching."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from components.sample_scenes.buildings import Builder
from components.sample_scenes.shapes import Level, LocalAxes, Points, Solid, Tree
from components.sample_scenes.towns import SPECIES, choose

VARIANTS = 5
"""Crowns of each species and size that differ."""

Shares = tuple[float, float]


class Lot(NamedTuple):
    """Piece of a block with a front on a street: the frame's x runs along the front, y into the lot."""

    frame: LocalAxes
    width_m: float
    depth_m: float
    quad: Points


@dataclass(frozen=True)
class Site(Builder):
    """A block that is being furnished.

    Attributes:
        outline: (4, 2) metres, middle lines of the four streets.
        plot: (4, 2) metres, inside the sidewalks; corner 0 → 1 is a long side.
    """

    outline: Points
    plot: Points

    def at(self, along: float, across: float) -> Points:
        """Point of the plot by its shares of the long and the short side: (2,) metres."""
        return point_in(self.plot, along, across)

    def quad(self, along: Shares, across: Shares) -> Points:
        """Part of the plot between shares of its sides: (4, 2) metres."""
        return np.stack([self.at(along[x], across[y]) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))])

    @cached_property
    def length_m(self) -> float:
        """Mean length of the long sides."""
        return float(np.hypot(*(self.at(1, 0.5) - self.at(0, 0.5))))

    @cached_property
    def breadth_m(self) -> float:
        """Mean length of the short sides."""
        return float(np.hypot(*(self.at(0.5, 1) - self.at(0.5, 0))))

    @cached_property
    def upright(self) -> tuple[LocalAxes, float, float]:
        """Largest upright rectangle of the plot: axes in its middle, x along the long side, length and breadth."""
        frame = LocalAxes.along(self.at(0, 0.5), self.at(1, 0.5)).at(self.at(0.5, 0.5))
        x, y = np.stack([frame.x_axis, frame.y_axis]) @ (self.plot - frame.origin).T
        low, high = np.array([(max(x[0], x[3]), max(y[0], y[1])), (min(x[1], x[2]), min(y[2], y[3]))])
        length, breadth = np.maximum(high - low, 1.0).tolist()
        return frame.moved(*((low + high) / 2)), length, breadth

    def spot(self, spread: float) -> LocalAxes:
        """Random place within a share of that rectangle's half length and breadth around its middle."""
        frame, *extent = self.upright
        return frame.moved(*(self.dice.uniform(-spread / 2, spread / 2, 2) * extent))

    def lawn(self, points: Points, level: Level = "yard") -> None:
        """Sow grass."""
        self.paint(points, self.dice.tone(*self.town.grass), "grass", level)

    def lots(self, middle_m: float = 0.0) -> list[Lot]:
        """Lots along both long sides of the block, back to back with a strip of `middle_m` metres between them."""
        found = []
        half = 0.5 - middle_m / 2 / max(self.breadth_m, 1e-6)
        for side, across in ((1, (0.0, half)), (-1, (1.0, 1.0 - half))):
            start = 0.0
            while start < 1:
                share = self.dice.uniform(*self.town.front_m) / max(self.length_m, 1e-6)
                end = 1.0 if start + 1.6 * share > 1 else start + share
                quad = self.quad((start, end), across)
                axes = LocalAxes.along(quad[0], quad[1])
                frame = LocalAxes((quad[0] + quad[1]) / 2, axes.x_axis, axes.y_axis * side)
                depth = float(((quad[2] + quad[3]) / 2 - frame.origin) @ frame.y_axis)
                found.append(Lot(frame, float(np.hypot(*(quad[1] - quad[0]))), depth, quad))
                start = end
        return found

    def is_free(self, parts: tuple[Points, ...], gap_m: float = 0.0) -> bool:
        """Whether convex parts stay clear of every solid that stands there, grown by a gap."""
        for part in parts:
            middle = part.mean(axis=0)
            reach = np.linalg.norm(part - middle, axis=1, keepdims=True)
            grown = (middle + (part - middle) * (1 + gap_m / np.maximum(reach, 1e-6))).astype(np.float32)
            (left, top), (right, bottom) = grown.min(axis=0).tolist(), grown.max(axis=0).tolist()
            for solid in self.scenery.solids:
                x0, y0, x1, y1 = solid.bounds
                if x0 > right or x1 < left or y0 > bottom or y1 < top:
                    continue
                if any(cv2.intersectConvexConvex(grown, other.astype(np.float32))[0] > 0.01 for other in solid.parts):
                    return False
        return True

    def put(self, solid: Solid, gap_m: float = 0.6) -> bool:
        """Add a solid where its ground is free and inside the plot; return whether it was."""
        plot, corners = self.plot.astype(np.float32), np.concatenate(solid.parts).tolist()
        fits = all(cv2.pointPolygonTest(plot, corner, False) >= 0 for corner in corners)
        if fits and self.is_free(solid.parts, gap_m):
            self.scenery.solids.append(solid)
            return True
        return False

    def plant(self, quad: Points, count: float, overhang: float = 0.45) -> None:
        """Scatter trees over a quadrilateral, clear of the solids that stand there.

        Args:
            quad: (4, 2) metres.
            count: Mean number of trees.
            overhang: Share of a crown's radius that may hang over a roof.
        """
        dice = self.dice
        walls = [part.astype(np.float32) for solid in self.scenery.solids for part in solid.parts]
        for _ in dice.count(count):
            x, y = point_in(quad, *dice.random(2)).tolist()
            species = SPECIES[choose(self.town.species, dice.random())]
            radius = dice.uniform(*species.radius_m)
            clear = radius * (1 - overhang)
            if all(cv2.pointPolygonTest(wall, (x, y), True) <= -clear for wall in walls):
                height = radius * species.slender * dice.uniform(0.85, 1.15)
                self.scenery.trees.append(Tree(x, y, radius, height, species.name, int(dice.integers(VARIANTS))))


def point_in(quad: Points, along: float, across: float) -> Points:
    """Point of a quadrilateral by its shares of its first and second side: (2,) metres."""
    first = quad[0] + (quad[1] - quad[0]) * along
    second = quad[3] + (quad[2] - quad[3]) * along
    return np.asarray(first + (second - first) * across)
