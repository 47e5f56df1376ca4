"""One wall as straight lines in a few directions, without the short ones.

Source: the squaring of polygons whose edges are moved, not their vertices, follows Lokhat, Touya, "Enhancing building
footprints with squaring operations", Journal of Spatial Information Science 13, 2016; the order in which edges go,
shortest first, Haunert, Wolff, "Optimal and topologically safe simplification of building footprints", ACM SIGSPATIAL
GIS 2010.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

DIRECTIONS = 4
"""At multiples of 45°; a line has no sense."""

RIGHT_ANGLE = 2
"""In directions."""

PARALLEL = math.sin(math.radians(10))
"""Sine of the angle between lines that are taken for one, where both run in directions of their own."""

LEAST_CLOSED, LEAST_LOOP, LEAST_OPEN = 4, 3, 1
"""Lines that are left of a wall: one without a node, one from a node back to it, one between two nodes."""

Point = tuple[float, float]
Key = tuple[int, int]


@dataclass(slots=True)
class Line:
    """A straight piece of a wall.

    Attributes:
        key: Lines of one key are parallel: the frame and the direction in it, or a number of its own and -1.
        angle: Of the line, in radians; the same for lines of one key.
        along: 1 or -1: which way the wall passes it.
        middle: A point that it goes through.
        weight: Its length as it was measured, by which lines that become one are averaged.
        is_minor: Whether it runs at 45° to the main directions, or in a direction of its own.
    """

    key: Key
    angle: float
    along: int
    middle: Point
    weight: float
    is_minor: bool

    @property
    def is_free(self) -> bool:
        """Whether it runs in a direction of its own."""
        return self.key[1] < 0

    @property
    def offset(self) -> float:
        """Its distance from the origin, with a sign."""
        return math.cos(self.angle) * self.middle[1] - math.sin(self.angle) * self.middle[0]


def crossing(one: Line, other: Line) -> Point | None:
    """Where two lines meet; None for parallel ones."""
    sine = math.sin(other.angle - one.angle)
    if one.key == other.key or abs(sine) < 1e-9:
        return None
    a, b = one.offset, other.offset
    x = (a * math.cos(other.angle) - b * math.cos(one.angle)) / sine
    y = (a * math.sin(other.angle) - b * math.sin(one.angle)) / sine
    return x, y


def footing(line: Line, point: Point) -> Point:
    """The point of a line that is next to another point."""
    cosine, sine = math.cos(line.angle), math.sin(line.angle)
    along = cosine * (point[0] - line.middle[0]) + sine * (point[1] - line.middle[1])
    return line.middle[0] + along * cosine, line.middle[1] + along * sine


def joined_lines(lines: Sequence[Line], corners: Sequence[Point], is_closed: bool, least_step: float) -> list[Line]:
    """Make consecutive lines of one direction one; where they are too far apart, a line across stands between.

    Args:
        lines: In the wall's order.
        corners: Where each begins.
        is_closed: Whether the last is followed by the first.
        least_step: How far apart lines must be to stay two.
    """
    if is_closed and len(lines) > 1:
        start = next((k for k in range(len(lines)) if not _are_alike(lines[k - 1], lines[k])), 0)
        lines, corners = [*lines[start:], *lines[:start]], [*corners[start:], *corners[:start]]
    found: list[Line] = []
    for line, corner in zip(lines, corners, strict=True):
        if not found or not _are_alike(found[-1], line):
            found.append(line)
        elif line.is_free or abs(line.offset - found[-1].offset) < least_step:
            found[-1] = _merged(found[-1], line)
        else:
            found += [_across(found[-1], line, corner), line]
    return found


def _are_alike(one: Line, other: Line) -> bool:
    if one.is_free and other.is_free:
        return abs(math.sin(one.angle - other.angle)) < PARALLEL
    return one.key == other.key


def _merged(one: Line, other: Line) -> Line:
    """Of two lines that are alike one on their mean; of two in directions of their own in the heavier one's."""
    weight = one.weight + other.weight
    share = other.weight / weight if weight > 0 else 0.5
    middle = tuple(a + share * (b - a) for a, b in zip(one.middle, other.middle, strict=True))
    first = one if one.weight >= other.weight else other
    return Line(first.key, first.angle, first.along, (middle[0], middle[1]), weight, first.is_minor)


def _across(one: Line, other: Line, corner: Point) -> Line:
    direction = (one.key[1] + RIGHT_ANGLE) % DIRECTIONS
    turn = (direction - one.key[1]) * math.pi / DIRECTIONS
    rises = other.offset > one.offset  # along the normal, a right angle onwards
    return Line((one.key[0], direction), one.angle + turn, 1 if rises == (turn > 0) else -1, corner, 0.0, one.is_minor)


class Chain:
    """The lines of one wall, of which short ones are taken out.

    Args:
        lines: At least one; consecutive ones are not alike.
        ends: Places of the nodes at both ends; None for a closed wall.
        least_edge: Length below which a line goes.
        least_minor: The same of a line that `is_minor`.
    """

    def __init__(
        self, lines: Sequence[Line], ends: tuple[Point, Point] | None, least_edge: float, least_minor: float
    ) -> None:
        count = len(lines)
        self._lines = list(lines)
        self._ends = ends
        self._least = (least_edge, least_minor)
        self._next: list[int | None] = [*range(1, count), 0 if ends is None else None]
        self._previous: list[int | None] = [count - 1 if ends is None else None, *range(count - 1)]
        self._is_there = [True] * count
        self._count = count
        is_loop = ends is not None and ends[0] == ends[1]
        self._fewest = LEAST_CLOSED if ends is None else LEAST_LOOP if is_loop else LEAST_OPEN

    def shortened(self) -> list[Line]:
        """The lines that are left, in order."""
        waiting = [(self._shortness(index), index) for index in range(self._count)]
        heapq.heapify(waiting)
        while waiting and self._count > self._fewest:
            shortness, index = heapq.heappop(waiting)
            if shortness >= 1:
                break
            if self._is_there[index] and shortness == self._shortness(index):
                for changed in self._drop(index):
                    heapq.heappush(waiting, (self._shortness(changed), changed))
        index = self._is_there.index(True)
        found = []
        for _ in range(self._count):
            found.append(self._lines[index])
            following = self._next[index]
            if following is None:
                break
            index = following
        return found

    def _shortness(self, index: int) -> float:
        """A line's length, negative where it is turned round, by what it should be at least."""
        line = self._lines[index]
        begin, end = self._corner(self._previous[index], index, 0), self._corner(index, self._next[index], 1)
        if begin is None or end is None:
            return 0.0
        cosine, sine = line.along * math.cos(line.angle), line.along * math.sin(line.angle)
        length = cosine * (end[0] - begin[0]) + sine * (end[1] - begin[1])
        return length / self._least[line.is_minor]

    def _corner(self, one: int | None, other: int | None, end: int) -> Point | None:
        if one is not None and other is not None:
            return crossing(self._lines[one], self._lines[other])
        line = self._lines[other if one is None else one]  # type: ignore[index]
        return None if self._ends is None else footing(line, self._ends[end])

    def _drop(self, index: int) -> list[int]:
        """Take a line out, and make its neighbours one if they are alike; gives whose length has changed."""
        before, after = self._previous[index], self._next[index]
        self._is_there[index] = False
        self._count -= 1
        self._tie(before, after)
        if before is not None and after is not None and before != after:
            after = self._made_one(before, after)
        near = {before, after}
        near |= {self._previous[k] for k in near if k is not None} | {self._next[k] for k in near if k is not None}
        return sorted(k for k in near if k is not None)

    def _made_one(self, before: int, after: int) -> int | None:
        """Make consecutive lines one if they are alike; gives what follows the first of them then."""
        if self._count == 1 or not _are_alike(self._lines[before], self._lines[after]):
            return after
        self._lines[before] = _merged(self._lines[before], self._lines[after])
        self._is_there[after] = False
        self._count -= 1
        following = self._next[after]
        self._tie(before, following)
        return following

    def _tie(self, before: int | None, after: int | None) -> None:
        if before is not None:
            self._next[before] = after
        if after is not None:
            self._previous[after] = before
