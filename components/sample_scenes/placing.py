"""Helpers that every kind of block shares: lots, free ground, trees, choices by weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from components.sample_scenes.light import Sun
from components.sample_scenes.roofs import Cover, flat, house
from components.sample_scenes.scenery import RGB, Frame, Material, Points, Scenery, Solid, Tree, box
from components.sample_scenes.streets import Block
from components.sample_scenes.towns import Palette, Town
from components.sample_scenes.trees import SPECIES, VARIANTS


@dataclass(frozen=True)
class Site:
    """What is needed to furnish one block: its ground, the town's style, the light and the block's own randomness."""

    block: Block
    town: Town
    sun: Sun
    rng: np.random.Generator

    @cached_property
    def frame(self) -> Frame:
        """Axes in the middle of the largest upright rectangle of the plot, x along the long side."""
        middle = (self._reach[0] + self._reach[1]) / 2
        return self._plain_frame.moved(float(middle[0]), float(middle[1]))

    @cached_property
    def extent(self) -> tuple[float, float]:
        """Length and breadth of that rectangle in metres."""
        length, breadth = self._reach[1] - self._reach[0]
        return max(1.0, float(length)), max(1.0, float(breadth))

    @cached_property
    def _plain_frame(self) -> Frame:
        along = self.block.at(1, 0.5) - self.block.at(0, 0.5)
        along = along / np.hypot(*along)
        return Frame(self.block.at(0.5, 0.5), along, np.array([-along[1], along[0]]))

    @cached_property
    def _reach(self) -> tuple[Points, Points]:
        """Least and greatest local (x, y) of the rectangle: between the inner corners of the plot."""
        frame = self._plain_frame
        x, y = np.stack([frame.x_axis, frame.y_axis]) @ (self.block.plot - frame.origin).T
        low = np.array([max(x[0], x[3]), max(y[0], y[1])])
        high = np.array([min(x[1], x[2]), min(y[2], y[3])])
        return low, high

    def spot(self, spread: float) -> Frame:
        """Random place within a share of the rectangle's half length and breadth around its middle."""
        x, y = self.rng.uniform(-spread / 2, spread / 2, 2) * self.extent
        return self.frame.moved(float(x), float(y))


@dataclass(frozen=True)
class Lot:
    """Piece of a block with a front on a street.

    Attributes:
        frame: origin in the middle of the front, x along the front, y into the lot.
        width_m: length of the front.
        depth_m: from the front to the back.
        quad: (4, 2) metres, front first.
    """

    frame: Frame
    width_m: float
    depth_m: float
    quad: Points


def choose(weights: Mapping[str, float], share: float) -> str:
    """Name on which a share in [0, 1) of all weights falls."""
    goal = share * sum(weights.values())
    for name, weight in weights.items():
        goal -= weight
        if goal < 0:
            return name
    return list(weights)[-1]


def pick(colors: tuple[RGB, ...], rng: np.random.Generator) -> RGB:
    """One of the colours, with a little brightness and hue of its own."""
    color = np.asarray(colors[int(rng.integers(len(colors)))]) * rng.normal(1, 0.07) + rng.normal(0, 3, 3)
    red, green, blue = (int(channel) for channel in np.clip(color, 0, 255))
    return red, green, blue


def between(limits: tuple[float, float], rng: np.random.Generator) -> float:
    """Uniform number within limits."""
    return float(rng.uniform(*limits))


def lots(block: Block, front_m: tuple[float, float], rng: np.random.Generator, middle_m: float = 0.0) -> Iterator[Lot]:
    """Lots along both long sides of a block, back to back with a strip of `middle_m` metres between them."""
    half = 0.5 - middle_m / 2 / max(block.breadth_m, 1e-6)
    for across in ((0.0, half), (1.0, 1.0 - half)):
        start = 0.0
        while start < 1:
            share = between(front_m, rng) / max(block.length_m, 1e-6)
            end = 1.0 if start + 1.6 * share > 1 else start + share
            quad = block.quad((start, end), across)
            along = quad[1] - quad[0]
            width = float(np.hypot(*along))
            along = along / max(width, 1e-9)
            inwards = np.array([-along[1], along[0]]) * (1 if across[0] == 0.0 else -1)
            front = (quad[0] + quad[1]) / 2
            depth = float(((quad[2] + quad[3]) / 2 - front) @ inwards)
            yield Lot(Frame(front, along, inwards), width, depth, quad)
            start = end


def is_free(scenery: Scenery, parts: tuple[Points, ...], gap_m: float = 0.0) -> bool:
    """Whether convex parts stay clear of every solid of the scenery, grown by a gap."""
    for part in parts:
        middle = part.mean(axis=0)
        reach = np.linalg.norm(part - middle, axis=1, keepdims=True)
        grown = (middle + (part - middle) * (1 + gap_m / np.maximum(reach, 1e-6))).astype(np.float32)
        low, high = grown.min(axis=0), grown.max(axis=0)
        for solid in scenery.solids:
            left, top, right, bottom = solid.bounds
            if left > high[0] or right < low[0] or top > high[1] or bottom < low[1]:
                continue
            for other in solid.parts:
                if cv2.intersectConvexConvex(grown, other.astype(np.float32))[0] > 0.01:
                    return False
    return True


def put(scenery: Scenery, site: Site, solid: Solid, gap_m: float = 0.6) -> bool:
    """Add a solid where its ground is free and inside the plot; tell whether it was."""
    plot = site.block.plot.astype(np.float32)
    corners = (tuple(map(float, corner)) for part in solid.parts for corner in part)
    if all(cv2.pointPolygonTest(plot, corner, False) >= 0 for corner in corners) and is_free(
        scenery, solid.parts, gap_m
    ):
        scenery.solids.append(solid)
        return True
    return False


def detached(site: Site, frame: Frame, width: float, depth: float, flat_share: float) -> Solid:
    """Detached house of the town's style centred on the frame."""
    rng, palette = site.rng, site.town.palette
    height = float(rng.uniform(3.6, 7.5))
    if rng.random() < flat_share:
        return flat(frame, [box(width, depth)], flat_cover(palette, height, rng), site.sun, rng, 1.2)
    cover = pitched_cover(palette, height, rng)
    return house(frame, choose(site.town.shapes, float(rng.random())), width, depth, cover, site.sun, rng)


def pitched_cover(palette: Palette, height_m: float, rng: np.random.Generator) -> Cover:
    """Cover of a pitched roof of the town."""
    material = Material.METAL if rng.random() < 0.1 else palette.pitched_material
    return Cover(pick(palette.pitched, rng), material, between(palette.pitch_deg, rng), height_m)


def flat_cover(palette: Palette, height_m: float, rng: np.random.Generator) -> Cover:
    """Cover of a flat roof of the town."""
    return Cover(pick(palette.flat, rng), Material.GRAVEL, 0.0, height_m)


def plant(
    scenery: Scenery, site: Site, quad: Points, count: float, species: str | None = None, overhang: float = 0.45
) -> None:
    """Scatter trees over a quadrilateral, clear of the solids that stand there.

    Args:
        scenery: gets the trees, and holds the solids to keep clear of.
        site: the block.
        quad: (4, 2) metres.
        count: mean number of trees.
        species: one species, or None for the town's mixture.
        overhang: share of a crown's radius that may hang over a roof.
    """
    rng = site.rng
    walls = [part.astype(np.float32) for solid in scenery.solids for part in solid.parts]
    for _ in range(int(rng.poisson(count))):
        along, across = rng.random(2)
        first = quad[0] + (quad[1] - quad[0]) * along
        second = quad[3] + (quad[2] - quad[3]) * along
        x, y = (float(v) for v in first + (second - first) * across)
        add_tree(scenery, site, x, y, species, walls, overhang)


def add_tree(
    scenery: Scenery,
    site: Site,
    x: float,
    y: float,
    species: str | None,
    walls: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]],
    overhang: float = 0.45,
) -> None:
    """Plant one tree where it stands clear of the walls."""
    rng = site.rng
    name = species or choose(site.town.species, float(rng.random()))
    kind = SPECIES[name]
    radius = between(kind.radius_m, rng)
    clear = radius * (1 - overhang)
    if any(cv2.pointPolygonTest(wall, (x, y), True) > -clear for wall in walls):
        return
    scenery.trees.append(
        Tree(x, y, radius, radius * kind.slender * float(rng.uniform(0.85, 1.15)), name, int(rng.integers(VARIANTS)))
    )
