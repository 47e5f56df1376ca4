"""Outlines that touch, simplified together: what is left of a common wall is the same for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from components.core.footprints.geography import Geometries
from components.core.footprints.rings import Integers
from components.core.footprints.simplify import ATTEMPTS, are_sound
from components.core.footprints.validity import is_intricate
from components.core.footprints.walls import NO_NODE, Walls

Floats = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """Outlines, some of which touch, and what is given of their walls.

    Attributes:
        exact: (N,) of outlines in pixels.
        groups: The indices of those that hang together by touching, each outline in one.
        walls: Theirs.
        given: Walls that are drawn already, in pixels, by index.
        places: (P, 2) of the nodes: where given walls end, else exact.
        fixed: Nodes that stay at their places.
    """

    exact: Geometries
    groups: Sequence[Integers]
    walls: Walls
    given: Mapping[int, Floats]
    places: Floats
    fixed: frozenset[int]

    @classmethod
    def of(cls, exact: Geometries, groups: Sequence[Integers], walls: Walls, given: Mapping[int, Floats]) -> Block:
        """With the nodes where given walls end."""
        places = walls.nodes.copy()
        fixed = set()
        for wall, line in given.items():
            for node, place in zip(walls.ends[wall].tolist(), line[[0, -1]], strict=True):
                if node != NO_NODE:
                    places[node] = place
                    fixed.add(node)
        return cls(exact, groups, walls, given, places, frozenset(fixed))

    def with_ends(self, wall: int, line: Floats) -> Floats:
        """A wall that ends at its nodes' places."""
        ends = self.walls.ends[wall]
        if ends[0] == NO_NODE:
            return line
        return np.concatenate([self.places[ends[:1]], line[1:-1], self.places[ends[1:]]])


def overlapping(shapes: Geometries, groups: Sequence[Integers], chosen: Bool) -> Bool:
    """(N,) which of the chosen outlines lie over another chosen one of their group, or do not meet it."""
    found = np.zeros(len(shapes), np.bool_)
    for group in groups:
        members = group[chosen[group]]
        if len(members) > 1 and not shapely.coverage_is_valid(shapes[members]):
            found[members] = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes[members]))
    return found


def simplified_together(block: Block, tolerance_px: float) -> tuple[list[Floats], Geometries]:
    """Simplify walls, each once.

    Douglas-Peucker between nodes, which stay where they are. Where an outline comes out invalid, short of a ring, with
    a sliver, too much changed in area or over a neighbour, its walls are drawn again with half the tolerance, and
    along the pixels at last.

    Returns:
        Of each wall (K, 2) in pixels, and (N,) of the outlines that they make.
    """
    walls, exact = block.walls, block.exact
    plain = ~is_intricate(exact)
    tolerances = np.full(len(walls.corners), tolerance_px)
    tolerances[_walls_of(walls, ~plain)] = 0
    waiting = np.ones(len(walls.corners), np.bool_)
    drawn = list(walls.corners)
    shapes: Geometries = exact.copy()
    chosen = np.ones(len(exact), np.bool_)
    for attempt in range(ATTEMPTS + 2):
        for wall, line in zip(np.flatnonzero(waiting).tolist(), _simplified(walls, waiting, tolerances), strict=True):
            drawn[wall] = block.given[wall] if wall in block.given else block.with_ends(wall, line)
        shapes[chosen] = walls.shapes(drawn, chosen)[chosen]
        bad = np.zeros(len(exact), np.bool_)
        tried = chosen & plain
        bad[tried] = ~are_sound(shapes[tried], exact[tried])
        bad |= overlapping(shapes, block.groups, tried & ~bad)
        if not bad.any() or attempt > ATTEMPTS:
            break
        waiting = _walls_of(walls, bad)
        tolerances[waiting] = tolerances[waiting] / 2 if attempt < ATTEMPTS else 0
        chosen = np.zeros(len(exact), np.bool_)
        for group in block.groups:
            chosen[group] = bad[group].any()
    shapes[bad] = exact[bad]  # such as what lies over others already
    return drawn, shapes


def _walls_of(walls: Walls, chosen: Bool) -> Bool:
    return np.array([any(chosen[owner] for owner in owners) for owners in walls.owners], np.bool_)


def _simplified(walls: Walls, chosen: Bool, tolerances: Floats) -> list[Floats]:
    """Of each chosen wall the corners that are left."""
    numbers = np.flatnonzero(chosen)
    if not len(numbers):
        return []
    corners = [walls.corners[number] for number in numbers.tolist()]
    index = np.repeat(np.arange(len(corners)), [len(line) for line in corners])
    lines = shapely.simplify(
        shapely.linestrings(np.concatenate(corners), indices=index), tolerances[numbers], preserve_topology=False
    )
    points, owner = shapely.get_coordinates(lines, return_index=True)
    return np.split(points, np.flatnonzero(np.diff(owner)) + 1)
