"""The street lattice of a scene: crossings, streets and the blocks between them, each found from its own keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from components.sample_scenes.buildings import Builder
from components.sample_scenes.clutter import car
from components.sample_scenes.shapes import LocalAxes, Points, Scenery, disc, inset, strip, tinted
from components.sample_scenes.site import Site
from components.sample_scenes.towns import SampleScene

REACH_M = 45.0
"""How far anything of a block, its shadow included, may stand out of the block."""

BEND_WAVE_M = 640.0
WHITE, YELLOW = (214, 214, 206), (206, 182, 96)


class Lattice:
    """Streets and blocks of one scene; cheap to make, and asked for one cell at a time."""

    def __init__(self, scene: SampleScene) -> None:
        """Take the scene's turn and bend from its keys."""
        self.scene, self.town = scene, scene.town
        turn = np.radians(self.town.turn_deg * (2 * scene.uniform("turn") - 1))
        self._rotation = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
        self._shift = np.array([scene.uniform("shift", "x"), scene.uniform("shift", "y")])
        self._phase = np.array([scene.uniform("phase", index) for index in range(4)]) * 2 * np.pi
        self.node = lru_cache(maxsize=4096)(self._node)
        self.width_m = lru_cache(maxsize=4096)(self._width_m)

    def _node(self, row: int, col: int) -> Points:
        """Crossing of two lattice lines, (2,) metres."""
        (height, width), jitter = self.town.block_m, self.town.jitter
        x = (col + self._shift[0] + jitter * (2 * self.scene.uniform("node x", row, col) - 1)) * width
        y = (row + self._shift[1] + jitter * (2 * self.scene.uniform("node y", row, col) - 1)) * height
        wave, phase = 2 * np.pi / BEND_WAVE_M, self._phase
        east = np.sin(y * wave + phase[0]) + 0.4 * np.sin(2.3 * x * wave + phase[1])
        south = np.sin(x * wave + phase[2]) + 0.4 * np.sin(2.3 * y * wave + phase[3])
        bend = self.town.bend_m * np.array([east, south])
        return np.asarray((np.array([x, y]) + bend) @ self._rotation, dtype=np.float64)

    def _width_m(self, kind: str, row: int, col: int) -> float:
        """Carriageway of the edge that leaves a crossing east (`h`) or south (`v`); 0 where there is no street."""
        if self.scene.uniform("avenue", kind, row if kind == "h" else col) < self.town.avenues:
            return self.town.street_m * 1.7
        return self.town.street_m if self.scene.uniform("street", kind, row, col) < self.town.present else 0.0

    def cells(self, left: float, top: float, right: float, bottom: float) -> Iterator[tuple[int, int]]:
        """Row and column of every lattice cell whose block may reach into a rectangle of metres, row-major."""
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) @ self._rotation.T
        stray = 1.4 * self.town.bend_m + REACH_M
        ends = np.stack([corners.min(axis=0) - stray, corners.max(axis=0) + stray]) / self.town.block_m[::-1]
        (first_col, first_row), (last_col, last_row) = np.floor(ends - self._shift).astype(int).tolist()
        for row in range(first_row - 1, last_row + 2):
            for col in range(first_col - 1, last_col + 2):
                nodes = self.outline(row, col)
                (x0, y0), (x1, y1) = nodes.min(axis=0) - REACH_M, nodes.max(axis=0) + REACH_M
                if x0 < right and left < x1 and y0 < bottom and top < y1:
                    yield row, col

    def outline(self, row: int, col: int) -> Points:
        """Four crossings around a cell, clockwise from the north-west: (4, 2) metres."""
        return np.stack([self.node(row + y, col + x) for y, x in ((0, 0), (0, 1), (1, 1), (1, 0))])

    def site(self, row: int, col: int) -> Site:
        """Block of a lattice cell, with the streets from its north-west crossing in its scenery."""
        outline = self.outline(row, col)
        edges = (("h", row, col), ("v", row, col + 1), ("h", row + 1, col), ("v", row, col))
        widths = [self.width_m(*edge) for edge in edges]
        plot = inset(outline, [width / 2 + self.town.sidewalk_m + 0.4 if width else 1.0 for width in widths])
        if np.hypot(*(plot[1] - plot[0])) < np.hypot(*(plot[2] - plot[1])):
            plot = np.roll(plot, -1, axis=0)
        scenery = Scenery()
        for kind, end, width in (("h", outline[1], widths[0]), ("v", outline[3], widths[3])):
            if width:
                street = Builder(self.town, self.scene.sun, self.scene.dice("street", kind, row, col), scenery)
                pave(street, strip(outline[0], end, width + 2 * self.town.sidewalk_m), strip(outline[0], end, width))
                furnish_street(street, LocalAxes.along(outline[0], end), float(np.hypot(*(end - outline[0]))), width)
        site = Site(self.town, self.scene.sun, self.scene.dice("block", row, col), scenery, outline, plot)
        widest = max(widths[0], widths[3], self.width_m("h", row, col - 1), self.width_m("v", row - 1, col))
        if widest:
            pave(site, disc(widest / 2 + self.town.sidewalk_m, *outline[0]), disc(widest / 2, *outline[0]))
        return site


def pave(street: Builder, walk: Points, road: Points) -> None:
    """Lay a carriageway, and a sidewalk below it where the town has some."""
    if street.town.sidewalk_m:
        street.paint(walk, street.town.concrete, "concrete", "sidewalk")
    street.paint(road, street.town.asphalt, "asphalt", "road")


def furnish_street(street: Builder, frame: LocalAxes, length: float, width: float) -> None:
    """Worn lanes, dashed or solid middle lines, zebra crossings at some ends, and cars, from the frame on along x."""
    dice, town = street.dice, street.town
    lanes = (-width / 4, width / 4)
    for lane in lanes:
        street.paint(frame.box(length, 1.0, length / 2, lane), tinted(town.asphalt, 0.93), "asphalt", "road")
    avenue = width > 1.5 * town.street_m
    if avenue or width > 8.5:
        clear = width * 0.7 + 2
        for y in (-0.3, 0.3) if avenue else ():
            street.paint(frame.box(length - 2 * clear, 0.18, length / 2, y), YELLOW, level="marking")
        for lane in lanes if avenue else (0.0,):
            for x in np.arange(clear, length - clear - 3, 9.0):
                street.paint(frame.box(3, 0.2, x + 1.5, lane), WHITE, level="marking")
        if dice.chance(0.5):
            for y in np.arange(-width / 2 + 0.7, width / 2 - 0.4, 1.2):
                street.paint(frame.box(2.4, 0.6, clear - 2.2 + 1.2, y), WHITE, level="marking")
    margin = width / 2 + 3
    position = margin + dice.exponential(9)
    while position < length - margin and width >= 7:
        side = dice.side()
        lane = width / 2 - 1.4 if dice.chance(0.75) else width / 4
        street.scenery.solids.append(car(frame.moved(position, side * lane), dice))
        position += 5.5 + dice.exponential(16)
