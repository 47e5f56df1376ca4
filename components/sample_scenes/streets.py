"""The street lattice of a scene: crossings, streets and the blocks between them, each found from its own keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from components.sample_scenes.clutter import car
from components.sample_scenes.scene import Scene
from components.sample_scenes.scenery import (
    Frame,
    Layer,
    Material,
    Patch,
    Points,
    Scenery,
    box,
    disc,
    strip,
    tinted,
)

REACH_M = 45.0
"""How far anything of a block, its shadow included, may stand out of the block."""

BEND_WAVE_M = 640.0


@dataclass(frozen=True)
class Block:
    """Ground between four streets, the longer side first.

    Attributes:
        row: lattice row.
        col: lattice column.
        outline: (4, 2) metres, middle lines of the four streets.
        plot: (4, 2) metres, inside the sidewalks; corner 0 → 1 is a long side.
    """

    row: int
    col: int
    outline: Points
    plot: Points

    def at(self, along: float, across: float) -> Points:
        """Point of the plot by its shares of the long and the short side: (2,) metres."""
        first = self.plot[0] + (self.plot[1] - self.plot[0]) * along
        second = self.plot[3] + (self.plot[2] - self.plot[3]) * along
        return np.asarray(first + (second - first) * across, dtype=np.float64)

    def quad(self, along: tuple[float, float], across: tuple[float, float]) -> Points:
        """Part of the plot between shares of its sides: (4, 2) metres."""
        return np.stack(
            [
                self.at(along[0], across[0]),
                self.at(along[1], across[0]),
                self.at(along[1], across[1]),
                self.at(along[0], across[1]),
            ]
        )

    @property
    def length_m(self) -> float:
        """Mean length of the long sides."""
        return float(np.hypot(*(self.at(1, 0.5) - self.at(0, 0.5))))

    @property
    def breadth_m(self) -> float:
        """Mean length of the short sides."""
        return float(np.hypot(*(self.at(0.5, 1) - self.at(0.5, 0))))


class Lattice:
    """Streets and blocks of one scene; cheap to make, and asked for one cell at a time."""

    def __init__(self, scene: Scene) -> None:
        """Take the scene's turn and bend from its keys."""
        self.scene = scene
        self.streets = scene.town.streets
        turn = np.radians(self.streets.turn_deg * (2 * scene.uniform("turn") - 1))
        self._rotation = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
        self._shift = np.array([scene.uniform("shift", "x"), scene.uniform("shift", "y")])
        self._phase = np.array([scene.uniform("phase", str(index)) for index in range(4)]) * 2 * np.pi
        self.node = lru_cache(maxsize=4096)(self._node)
        self.width_m = lru_cache(maxsize=4096)(self._width_m)

    def _node(self, row: int, col: int) -> Points:
        """Crossing of two lattice lines, (2,) metres."""
        height, width = self.streets.block_m
        jitter = self.streets.jitter
        x = (col + self._shift[0] + jitter * (2 * self.scene.uniform("node x", str(row), str(col)) - 1)) * width
        y = (row + self._shift[1] + jitter * (2 * self.scene.uniform("node y", str(row), str(col)) - 1)) * height
        wave = 2 * np.pi / BEND_WAVE_M
        bend = self.streets.bend_m * np.array(
            [
                np.sin(y * wave + self._phase[0]) + 0.4 * np.sin(2.3 * x * wave + self._phase[1]),
                np.sin(x * wave + self._phase[2]) + 0.4 * np.sin(2.3 * y * wave + self._phase[3]),
            ]
        )
        return np.asarray((np.array([x, y]) + bend) @ self._rotation, dtype=np.float64)

    def _width_m(self, kind: str, row: int, col: int) -> float:
        """Carriageway of the edge that leaves a crossing east (`h`) or south (`v`); 0 where there is no street."""
        line = str(row if kind == "h" else col)
        if self.scene.uniform("avenue", kind, line) < self.streets.avenues:
            return self.streets.width_m * 1.7
        if self.scene.uniform("street", kind, str(row), str(col)) >= self.streets.present:
            return 0.0
        return self.streets.width_m

    def cells(self, left: float, top: float, right: float, bottom: float) -> Iterator[tuple[int, int]]:
        """Row and column of every lattice cell whose block may reach into a rectangle of metres, row-major."""
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) @ self._rotation.T
        height, width = self.streets.block_m
        stray = 1.4 * self.streets.bend_m + REACH_M
        low, high = corners.min(axis=0) - stray, corners.max(axis=0) + stray
        first_col, last_col = (int(np.floor(v / width - self._shift[0])) for v in (low[0], high[0]))
        first_row, last_row = (int(np.floor(v / height - self._shift[1])) for v in (low[1], high[1]))
        for row in range(first_row - 1, last_row + 2):
            for col in range(first_col - 1, last_col + 2):
                nodes = self.outline(row, col)
                (x0, y0), (x1, y1) = nodes.min(axis=0) - REACH_M, nodes.max(axis=0) + REACH_M
                if x0 < right and left < x1 and y0 < bottom and top < y1:
                    yield row, col

    def outline(self, row: int, col: int) -> Points:
        """Four crossings around a cell, clockwise from the north-west: (4, 2) metres."""
        return np.stack(
            [self.node(row, col), self.node(row, col + 1), self.node(row + 1, col + 1), self.node(row + 1, col)]
        )

    def block(self, row: int, col: int) -> Block:
        """Block of a lattice cell."""
        outline = self.outline(row, col)
        widths = (
            self.width_m("h", row, col),
            self.width_m("v", row, col + 1),
            self.width_m("h", row + 1, col),
            self.width_m("v", row, col),
        )
        margins = [width / 2 + self.streets.sidewalk_m + 0.4 if width else 1.0 for width in widths]
        plot = inset(outline, margins)
        if np.hypot(*(plot[1] - plot[0])) < np.hypot(*(plot[2] - plot[1])):
            plot = np.roll(plot, -1, axis=0)
        return Block(row, col, outline, plot)

    def street_scenery(self, row: int, col: int) -> Scenery:
        """The two streets that leave a crossing east and south, and the crossing itself."""
        scenery = Scenery()
        start = self.node(row, col)
        widths = [
            self.width_m("h", row, col),
            self.width_m("v", row, col),
            self.width_m("h", row, col - 1),
            self.width_m("v", row - 1, col),
        ]
        for kind, end, width in (("h", self.node(row, col + 1), widths[0]), ("v", self.node(row + 1, col), widths[1])):
            if width:
                self._street(scenery, start, end, width, self.scene.generator("street", kind, str(row), str(col)))
        if max(widths):
            self._surface(
                scenery, disc(max(widths) / 2 + self.streets.sidewalk_m, *start), disc(max(widths) / 2, *start)
            )
        return scenery

    def _surface(self, scenery: Scenery, walk: Points, road: Points) -> None:
        if self.streets.sidewalk_m:
            concrete = self.scene.town.palette.concrete
            scenery.patches.append(Patch(walk, concrete, Material.CONCRETE, Layer.SIDEWALK))
        scenery.patches.append(Patch(road, self.streets.color, Material.ASPHALT, Layer.ROAD))

    def _street(self, scenery: Scenery, start: Points, end: Points, width: float, rng: np.random.Generator) -> None:
        self._surface(scenery, strip(start, end, width + 2 * self.streets.sidewalk_m), strip(start, end, width))
        length = float(np.hypot(*(end - start)))
        along = (end - start) / max(length, 1e-9)
        frame = Frame(start, along, np.array([-along[1], along[0]]))
        worn = tinted(self.streets.color, 0.93)
        for lane in (-width / 4, width / 4):
            patch = frame.points(box(length, 1.0, length / 2, lane))
            scenery.patches.append(Patch(patch, worn, Material.ASPHALT, Layer.ROAD))
        avenue = width > 1.5 * self.streets.width_m
        if avenue or width > 8.5:
            _markings(scenery, frame, length, width, avenue, rng)
        margin = width / 2 + 3
        side_parking = width / 2 - 1.4
        position = margin + float(rng.exponential(9))
        while position < length - margin and width >= 7:
            side = 1 if rng.random() < 0.5 else -1
            lane = side_parking if rng.random() < 0.75 else width / 4
            scenery.solids.append(car(frame.moved(position, side * lane), self.scene.sun, rng))
            position += 5.5 + float(rng.exponential(16))


def _markings(
    scenery: Scenery, frame: Frame, length: float, width: float, avenue: bool, rng: np.random.Generator
) -> None:
    """Dashed or solid middle line, and zebra crossings at some ends."""
    clear = width * 0.7 + 2
    paint = (214, 214, 206)
    if avenue:
        for y in (-0.3, 0.3):
            line = frame.points(
                [(clear, y - 0.09), (length - clear, y - 0.09), (length - clear, y + 0.09), (clear, y + 0.09)]
            )
            scenery.patches.append(Patch(line, (206, 182, 96), Material.SMOOTH, Layer.MARKING))
    lanes = (-width / 4, width / 4) if avenue else (0.0,)
    for lane in lanes:
        for x in np.arange(clear, length - clear - 3, 9.0):
            dash = frame.points(box(3, 0.2, x + 1.5, lane))
            scenery.patches.append(Patch(dash, paint, Material.SMOOTH, Layer.MARKING))
    if rng.random() < 0.5:
        x = clear - 2.2
        for y in np.arange(-width / 2 + 0.7, width / 2 - 0.4, 1.2):
            bar = frame.points(box(2.4, 0.6, x + 1.2, y))
            scenery.patches.append(Patch(bar, paint, Material.SMOOTH, Layer.MARKING))


def inset(corners: Points, margins: list[float]) -> Points:
    """Convex polygon with every side moved inwards.

    Args:
        corners: (N, 2) metres, clockwise as seen on the image.
        margins: how far side i (corner i → i + 1) moves.

    Returns:
        (N, 2) metres, corner i between sides i - 1 and i.
    """
    following = np.roll(corners, -1, axis=0)
    along = following - corners
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    starts = corners + np.stack([-along[:, 1], along[:, 0]], axis=1) * np.asarray(margins)[:, None]
    result = np.empty_like(corners)
    for index in range(len(corners)):
        before = index - 1
        matrix = np.stack([along[before], -along[index]], axis=1)
        steps = np.linalg.solve(matrix, starts[index] - starts[before])
        result[index] = starts[before] + steps[0] * along[before]
    return result
