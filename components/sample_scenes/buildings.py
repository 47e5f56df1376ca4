"""Buildings of a town in the light of a sun: footprints, shaded roofs and what stands on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from components.sample_scenes.shapes import (
    RGB,
    Face,
    Level,
    LocalAxes,
    Material,
    Points,
    Scenery,
    Solid,
    Sun,
    box,
    inset,
    tinted,
)
from components.sample_scenes.towns import Dice, Town, choose

Slope = tuple[Points, tuple[float, float]]
"""Face before shading: local metres, and the local direction in which it falls."""


class Cover(NamedTuple):
    """How a roof is covered, and the height of the building."""

    color: RGB
    material: Material
    pitch_deg: float
    height_m: float


def main_roof(width: float, depth: float, hipped: bool) -> list[Slope]:
    """Two slopes that meet in a ridge along x, or, hipped, four with a ridge along the longer axis."""
    if hipped and width < depth:
        return [(points[:, ::-1], (y, x)) for points, (x, y) in main_roof(depth, width, hipped)]
    w, d = width / 2, depth / 2
    ridge = w - d if hipped else w
    slopes: list[Slope] = [
        (np.array([(-w, -d), (w, -d), (ridge, 0), (-ridge, 0)]), (0, -1)),
        (np.array([(-ridge, 0), (ridge, 0), (w, d), (-w, d)]), (0, 1)),
    ]
    if hipped:
        slopes += [(np.array([(s * w, -d), (s * ridge, 0), (s * w, d)]), (s, 0)) for s in (-1, 1)]
    return slopes


def wing_roof(x: float, half_width: float, eaves: float, reach: float, hipped: bool) -> list[Slope]:
    """Slopes of a wing that leaves the main roof at `x` and stands out beyond its eaves, cut into it along valleys."""
    end = eaves + reach
    top, valley = end - (half_width if hipped else 0), eaves - half_width
    left, right = x - half_width, x + half_width
    slopes: list[Slope] = [
        (np.array([(edge, end), (x, top), (x, valley), (edge, eaves)]), (side, 0))
        for edge, side in ((left, -1), (right, 1))
    ]
    return [*slopes, (np.array([(left, end), (x, top), (right, end)]), (0, 1))] if hipped else slopes


@dataclass(frozen=True)
class Builder:
    """Draws the buildings and trees of a piece of a town into its scenery."""

    town: Town
    sun: Sun
    dice: Dice
    scenery: Scenery

    def paint(self, points: Points, color: RGB, material: Material = "smooth", level: Level = "yard") -> None:
        """Paint a piece of the ground."""
        self.scenery.ground.append(Face(points, color, material, level))

    def pitched(self, height_m: float) -> Cover:
        """Cover of a pitched roof."""
        material: Material = "metal" if self.dice.chance(0.1) else self.town.roofing
        return Cover(self.dice.tone(*self.town.pitched), material, self.dice.uniform(*self.town.pitch_deg), height_m)

    def level(self, height_m: float) -> Cover:
        """Cover of a flat roof."""
        return Cover(self.dice.tone(*self.town.flat), "gravel", 0.0, height_m)

    def detached(self, frame: LocalAxes, width: float, depth: float, flat_share: float) -> Solid:
        """Detached house centred on the frame."""
        height = self.dice.uniform(3.6, 7.5)
        if self.dice.chance(flat_share):
            return self.flat(frame, [box(width, depth)], self.level(height), 1.2)
        cover = self.pitched(height)
        return self.house(frame, choose(self.town.shapes, self.dice.random()), width, depth, cover)

    def house(self, frame: LocalAxes, shape: str, width: float, depth: float, cover: Cover) -> Solid:
        """Pitched building centred on the frame, `width` along x: one of `gable hip L T U`.

        The wings of L, T and U stay inside `depth`, towards +y.
        """
        dice, middles, hipped = self.dice, [], shape == "hip"
        if shape in "LTU":
            whole, depth = depth, depth * dice.uniform(0.52, 0.64)
            reach = whole - depth
            half_wing = min(depth * 0.45, width * 0.22)
            hipped = dice.chance(0.5)
            frame = frame.moved(0, -reach / 2)
            edge = width / 2 - half_wing
            side = dice.side()
            middles = {"L": [side * edge], "T": [dice.uniform(-0.2, 0.2) * width], "U": [-edge, edge]}[shape]
        parts, slopes = [box(width, depth)], main_roof(width, depth, hipped)
        for middle in middles:
            slopes += wing_roof(middle, half_wing, depth / 2, reach, hipped)
            parts.append(box(2 * half_wing, reach + 0.4, middle, depth / 2 + reach / 2 - 0.2))
        faces = [self._slope(frame.points(points), frame.direction(*downhill), cover) for points, downhill in slopes]
        faces += self._on_pitched(frame, width, depth, cover)
        return Solid(tuple(map(frame.points, parts)), tuple(faces), cover.height_m, is_building=True)

    def flat(self, frame: LocalAxes, parts: list[Points], cover: Cover, units_per_100_m2: float) -> Solid:
        """Flat building of rectangular local parts: parapets, stains, roof units, skylights."""
        parapet = tinted(cover.color, self.dice.uniform(1.12, 1.3))
        faces = [Face(frame.points(part), parapet, cover.material) for part in parts]
        for part in parts:
            low, high = part.min(axis=0), part.max(axis=0)
            if (high - low).min() < 3:
                continue
            inner = box(*(high - low - 1.0), *((high + low) / 2))
            faces.append(Face(frame.points(inner), cover.color, cover.material))
            faces += self._parapet_shadow(frame, inner, cover)
            faces += self._on_flat(frame, low + 1.2, high - 1.2, cover, units_per_100_m2)
        return Solid(tuple(map(frame.points, parts)), tuple(faces), cover.height_m, is_building=True)

    def town_house(self, quad: Points, height: float) -> Solid:
        """Terraced house on a quadrilateral, street side first, its ridge along the street."""
        frame = LocalAxes.along(quad[0], quad[1])
        outwards = -frame.y_axis
        left, right = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
        if self.dice.chance(0.14):
            color = self.dice.tone(*self.town.flat)
            faces = [
                Face(quad, tinted(color, 1.2), "gravel"),
                Face(inset(quad, [0.6] * 4), color, "gravel"),
            ]
        else:
            cover, across = self.pitched(height), outwards * 0.2
            faces = [
                self._slope(np.stack([quad[0], quad[1], right, left]), outwards, cover),
                self._slope(np.stack([left, right, quad[2], quad[3]]), -outwards, cover),
                Face(
                    np.stack([left - across, right - across, right + across, left + across]), tinted(cover.color, 1.1)
                ),
            ]
        for _ in self.dice.count(3.0):
            faces += self._dormer(quad, frame)
        shift = frame.x_axis * 0.5
        faces.append(Face(np.stack([quad[1], quad[2], quad[2] - shift, quad[1] - shift]), (176, 168, 160)))
        return Solid((quad,), tuple(faces), height, is_building=True)

    def _slope(self, points: Points, downhill: Points, cover: Cover) -> Face:
        return Face(points, self.sun.shade(cover.color, downhill, cover.pitch_deg), cover.material)

    def _dormer(self, quad: Points, frame: LocalAxes) -> list[Face]:
        """Dormer or skylight somewhere on a town house, with its shadow."""
        along, across = self.dice.uniform(0.12, 0.88), self.dice.pick((0.22, 0.3, 0.7, 0.78))
        front, back = quad[0] + (quad[1] - quad[0]) * along, quad[3] + (quad[2] - quad[3]) * along
        middle = LocalAxes(front + (back - front) * across, frame.x_axis, -frame.y_axis)
        window = middle.box(2 * self.dice.uniform(0.5, 0.9), 1.4)
        color = (190, 200, 206) if self.dice.chance(0.5) else (112, 100, 94)
        return [Face(window + self.sun.shadow_per_m * 0.5, (70, 60, 56)), Face(window, color)]

    def _parapet_shadow(self, frame: LocalAxes, inner: Points, cover: Cover) -> list[Face]:
        """Dark seams inside the two parapets on the sun's side."""
        faces, middle = [], inner.mean(axis=0)
        for start, end in zip(inner, np.roll(inner, -1, axis=0), strict=True):
            outwards = (start + end) / 2 - middle
            length = float(np.hypot(*outwards))
            if float(frame.direction(*outwards) @ self.sun.towards) > 0.2 * length:
                share = 0.7 / max(length, 0.7)
                seam = np.stack([start, end, end + (middle - end) * share, start + (middle - start) * share])
                faces.append(Face(frame.points(seam), tinted(cover.color, 0.55), cover.material))
        return faces

    def _on_flat(
        self, frame: LocalAxes, low: Points, high: Points, cover: Cover, units_per_100_m2: float
    ) -> list[Face]:
        """Stains, seams and roof units within local bounds."""
        dice, size, faces = self.dice, high - low, list[Face]()
        if size.min() < 1.5:
            return faces
        area = float(size.prod())

        def anywhere(least: float, most: float) -> Points:
            extent = np.minimum(dice.uniform(least, most, 2), size)
            return frame.box(*extent, *(low + extent / 2 + dice.random(2) * (size - extent)))

        for _ in dice.count(area / 220):
            faces.append(Face(anywhere(2, 9), tinted(cover.color, dice.uniform(0.86, 1.1)), cover.material))
        if area > 600:
            faces += self._seams(frame, low, high, cover)
        for _ in dice.count(area / 100 * units_per_100_m2)[:60]:
            unit = anywhere(0.9, 2.6)
            faces.append(Face(unit + self.sun.shadow_per_m * 0.9, tinted(cover.color, 0.5)))
            gray = int(dice.integers(120, 235))
            faces.append(Face(unit, (gray, gray, gray)))
        return faces

    def _seams(self, frame: LocalAxes, low: Points, high: Points, cover: Cover) -> list[Face]:
        """Joints or rows of skylights across a large roof."""
        size, middle = high - low, (low + high) / 2
        along = 0 if size[0] >= size[1] else 1
        pitch = self.dice.uniform(5, 11)
        width, share, color = 0.35, 1.0, tinted(cover.color, 0.88)
        if self.dice.chance(0.35):
            width, share, color = 1.2, 0.6, (206, 216, 220)
        extent = size * share
        extent[along] = width
        faces = []
        for position in np.arange(low[along] + pitch / 2, high[along] - 1, pitch):
            middle[along] = position
            faces.append(Face(frame.box(*extent, *middle), color))
        return faces

    def _on_pitched(self, frame: LocalAxes, width: float, depth: float, cover: Cover) -> list[Face]:
        """Ridge cap, chimney, skylights and now and then solar panels."""
        dice = self.dice
        ridge = max(width, depth) - (min(width, depth) if width < 2 * depth else 0)
        cap = (max(ridge, 1.0), 0.3) if width >= depth else (0.3, max(ridge, 1.0))
        faces = [Face(frame.box(*cap), tinted(cover.color, 1.12))]
        if dice.chance(0.55):
            x, y = dice.uniform(-0.3, 0.3) * width, dice.uniform(-0.15, 0.15) * depth
            faces.append(Face(frame.box(1.5, 0.9, x + 0.5, y + 0.4), tinted(cover.color, 0.5)))
            faces.append(Face(frame.box(0.9, 0.8, x, y), (150, 120, 108)))
        for _ in dice.count(0.5):
            x, y = dice.uniform(-0.35, 0.35) * width, dice.pick((-0.25, 0.25)) * depth
            faces.append(Face(frame.box(0.9, 1.2, x, y), (186, 200, 210)))
        if dice.chance(0.07) and min(width, depth) > 7:
            x, y = dice.uniform(-0.15, 0.15) * width, dice.pick((-0.25, 0.25)) * depth
            faces.append(Face(frame.box(width * 0.4, depth * 0.28, x, y), (38, 46, 70)))
        return faces
