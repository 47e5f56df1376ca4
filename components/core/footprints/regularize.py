"""Right angles and ones of 45°, and circles, for outlines that nearly have them; neighbours keep their common walls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.circles import circles
from components.core.footprints.edge_lines import Line, crossing
from components.core.footprints.geography import Geometries
from components.core.footprints.joints import Joints
from components.core.footprints.rings import Integers
from components.core.footprints.shapes import ShapeRings
from components.core.footprints.slivers import are_slivers, corner_angles
from components.core.footprints.status import Status
from components.core.footprints.together import Block, overlapping
from components.core.footprints.validity import is_intricate, ring_counts
from components.core.footprints.wall_lines import LEVELS, WallLines
from components.core.footprints.walls import NO_NODE

LEAST_OVERLAP = 0.7
"""Intersection over union of the regular with the exact outline: with less the outline is kept."""

MOST_AREA_ERROR = 0.1
"""Of the exact area: what a regular outline differs by at most."""

MOST_ROUNDS = 30
"""How often a group is drawn, with those kept that would not do; then all of it is."""

STRAY = 1.0
"""In degrees, from a multiple of 45°: with more a corner is not regular."""

Floats = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


def regularised(
    block: Block, simple: tuple[Sequence[Floats], Geometries], tolerance_px: float, ground: Floats
) -> tuple[list[Floats], Geometries, list[Status]]:
    """Give outlines regular angles.

    Walls become lines at multiples of 45° to the main direction of the outline, which neighbours share where theirs
    are nearly the same; a long line that fits none keeps its direction. Each line lies in the mean of the pixel edges
    that it stands for, so that areas stay. Where walls meet at a node, lines are moved by least squares until they meet
    in one point. An outline that comes out invalid, over a neighbour, or differs too much from the exact one is kept
    simplified, and its group drawn again with its walls as they are: no gap or overlap comes into being between
    outlines that touch. A round outline that touches no other becomes a circle where that covers it better.

    Args:
        block: N exact outlines and their walls.
        simple: Of each wall, and of each outline, what is drawn where it is kept.
        tolerance_px: Of the simplification, 1 at least; edges below `LEAST_EDGE` times it are taken out.
        ground: (2, 2) from (column, row) to coordinates that keep angles, in units of a pixel.

    Returns:
        Of each wall (K, 2) in pixels; (N,) of valid polygons in pixels, and what was done to each.
    """
    return _Regularisation(block, simple, tolerance_px, ground).result()


class _Regularisation:
    def __init__(
        self, block: Block, simple: tuple[Sequence[Floats], Geometries], tolerance_px: float, ground: Floats
    ) -> None:
        self._block = block
        self._simple, self._simple_shapes = simple
        self._ground = ground
        count = len(block.exact)
        self._lines = WallLines(block.walls, ground, tolerance_px, count)
        self._level = np.zeros(count, np.int64)
        self._status = np.full(count, Status.REGULAR, dtype=object)
        self._status[~self._lines.is_clear] = Status.NO_DIRECTION
        self._status[is_intricate(block.exact)] = Status.INTRICATE
        self._is_exempt = self._status == Status.INTRICATE  # whose walls stay as they are, and so do their nodes
        self._areas = shapely.area(block.exact)

    def result(self) -> tuple[list[Floats], Geometries, list[Status]]:
        drawn = list(self._simple)
        shapes: Geometries = self._simple_shapes.copy()
        groups = [group for group in self._block.groups if self._is_regular[group].any()]
        for _ in range(MOST_ROUNDS):
            if not groups:
                break
            again = []
            chosen = np.zeros(len(shapes), np.bool_)
            chosen[np.concatenate(groups)] = True
            self._draw(drawn, chosen)
            made = self._block.walls.shapes(drawn, chosen)
            good = self._judge(made, groups, chosen & ~self._is_exempt)
            for group in groups:
                if good[group].all():
                    new = group[~self._is_exempt[group]]
                    shapes[new] = made[new]
                elif self._is_regular[group].any():
                    again.append(group)
                else:
                    self._give_up(group, drawn)
            groups = again
        for group in groups:
            self._give_up(group, drawn)
        self._round(shapes)
        return drawn, shapes, self._told(shapes)

    @property
    def _is_regular(self) -> Bool:
        """(N,) which outlines are still to be regular."""
        found: Bool = self._status == Status.REGULAR
        return found

    def _give_up(self, group: Integers, drawn: list[Floats]) -> None:
        """Leave a group as it was."""
        self._status[group[self._is_regular[group]]] = Status.NEIGHBOUR
        members = set(group.tolist())
        for wall, owners in enumerate(self._block.walls.owners):
            if owners[0] in members:
                drawn[wall] = self._simple[wall]

    def _draw(self, drawn: list[Floats], chosen: Bool) -> None:
        """Draw the walls of chosen outlines: regular, if one of both sides is; as they were, if one is exempt."""
        walls, block = self._block.walls, self._block
        is_regular = self._is_regular
        fixed = set(block.fixed)
        own, between = [], []
        for wall, owners in enumerate(walls.owners):
            if not chosen[owners[0]]:
                continue
            if wall in block.given or self._is_exempt[list(owners)].any():
                drawn[wall] = self._simple[wall]
                fixed.update(walls.ends[wall].tolist())
            elif not is_regular[list(owners)].any():
                drawn[wall] = self._simple[wall]
                between.append(wall)
            elif walls.ends[wall, 0] == NO_NODE:
                drawn[wall] = self._to_pixels(_closed(self._chain(wall)))
            else:
                own.append(wall)
        if own:
            nodes = self._draw_between_nodes(drawn, own, fixed)
            for wall in between:
                if walls.ends[wall, 0] != NO_NODE:
                    drawn[wall] = np.concatenate(
                        [nodes[walls.ends[wall, :1]], drawn[wall][1:-1], nodes[walls.ends[wall, 1:]]]
                    )

    def _draw_between_nodes(self, drawn: list[Floats], own: Sequence[int], fixed: set[int]) -> Floats:
        """Draw walls, and give (P, 2) where the nodes are then."""
        walls = self._block.walls
        lines = list(chain.from_iterable(self._chain(wall) for wall in own))
        starts = np.cumsum([0, *(len(self._chain(wall)) for wall in own)]).tolist()
        meetings: defaultdict[int, list[int]] = defaultdict(list)
        for (begin, end), wall in zip(pairwise(starts), own, strict=True):
            first, last = walls.ends[wall].tolist()
            meetings[first].append(begin)
            meetings[last].append(end - 1)
        placed = np.stack([self._block.places @ row for row in self._ground], axis=1)
        joints = Joints(lines, meetings, placed, fixed)
        nodes = self._block.places.copy()
        moved = [node for node in meetings if node not in fixed]
        if moved:
            nodes[moved] = self._to_pixels(np.stack([joints.node(node) for node in moved]))
        for (begin, end), wall in zip(pairwise(starts), own, strict=True):
            inner = _crossings([joints.line(index) for index in range(begin, end)])
            first, last = walls.ends[wall].tolist()
            drawn[wall] = np.concatenate([nodes[first : first + 1], self._to_pixels(inner), nodes[last : last + 1]])
        return nodes

    def _chain(self, wall: int) -> list[Line]:
        return self._lines.of(wall, int(self._level[list(self._block.walls.owners[wall])].max()))

    def _to_pixels(self, points: Floats) -> Floats:
        inverse = np.linalg.inv(self._ground)
        return np.stack([points @ row for row in inverse], axis=1)

    def _judge(self, made: Geometries, groups: Sequence[Integers], tried: Bool) -> Bool:
        """(N,) which outlines are good; the others will be drawn finer, then kept, then be exempt."""
        exact, is_regular = self._block.exact, self._is_regular
        reasons = np.full(len(exact), None, dtype=object)
        index = np.flatnonzero(tried)
        sound = shapely.is_valid(made[index]) & (ring_counts(made[index]) == ring_counts(exact[index]))
        taken = ShapeRings.of(made[index])
        sound[taken.owners[taken.parts[are_slivers(taken.rings)]]] = False
        reasons[index[~sound]] = Status.INVALID
        index = index[sound]
        areas = shapely.area(made[index])
        common = shapely.area(shapely.intersection(made[index], exact[index]))
        far = np.abs(areas - self._areas[index]) > MOST_AREA_ERROR * self._areas[index]
        far |= common < LEAST_OVERLAP * (areas + self._areas[index] - common)
        reasons[index[far]] = Status.AREA
        bad = np.array([reason is not None for reason in reasons], np.bool_)
        compared = (tried | self._is_exempt) & (self._status != Status.INTRICATE) & ~bad
        over = overlapping(made, groups, compared) & ~self._is_exempt
        first = over & is_regular
        for group in groups:  # what is kept gives way where nothing regular does
            if not first[group].any():
                first[group] = over[group]
        reasons[first] = Status.NEIGHBOUR
        bad |= first
        self._is_exempt |= bad & ~is_regular
        self._level[bad & is_regular] += 1
        kept = bad & is_regular & (self._level == len(LEVELS))
        self._level[kept] = 0
        self._status[kept] = reasons[kept]
        return ~bad

    def _round(self, shapes: Geometries) -> None:
        """Make circles of round outlines that touch no other."""
        alone = np.array([group[0] for group in self._block.groups if len(group) == 1], np.int64)
        alone = alone[self._status[alone] != Status.INTRICATE]
        given = {owner for wall in self._block.given for owner in self._block.walls.owners[wall]}
        alone = np.array([index for index in alone.tolist() if index not in given], np.int64)
        if not len(alone):
            return
        exact = self._block.exact[alone]
        inverse = np.linalg.inv(self._ground)
        found = circles(shapely.transform(exact, lambda points: points @ self._ground.T))
        for index, circle in zip(alone.tolist(), found, strict=True):
            if circle is None:
                continue
            circle = shapely.transform(circle, lambda points: points @ inverse.T)
            if not self._is_regular[index] or _overlap(circle, self._block.exact[index]) > _overlap(
                shapes[index], self._block.exact[index]
            ):
                shapes[index] = circle
                self._status[index] = Status.CIRCLE

    def _told(self, shapes: Geometries) -> list[Status]:
        index = np.flatnonzero(self._status == Status.REGULAR)
        taken = ShapeRings.of(shapes[index])
        rings = shapely.transform(taken.rings, lambda points: points @ self._ground.T)
        angles, ring = corner_angles(rings)
        stray = np.abs((angles + 22.5) % 45 - 22.5) > STRAY
        owners = taken.owners[taken.parts[ring[stray]]]
        self._status[index[np.unique(owners)]] = Status.PARTLY_REGULAR
        return list(self._status)


def _closed(lines: Sequence[Line]) -> Floats:
    """Where the lines of a closed wall meet, from the last and the first on; a point where they do not."""
    points = _crossings([lines[-1], *lines]) if len(lines) > 2 else np.zeros((0, 2))
    return np.concatenate([points, points[:1]]) if len(points) else np.zeros((1, 2))


def _crossings(lines: Sequence[Line]) -> Floats:
    """(L - 1, 2) where consecutive lines meet; one less for each two that are parallel."""
    points = [crossing(one, other) for one, other in pairwise(lines)]
    return np.array([point for point in points if point is not None], np.float64).reshape(-1, 2)


def _overlap(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Intersection over union."""
    common = one.intersection(other).area
    return float(common / (one.area + other.area - common))
