"""How exact outlines become those that are published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from components.core.footprints.geography import Geometries, PixelGrid, reprojected
from components.core.footprints.regularize import regularised
from components.core.footprints.rings import Integers
from components.core.footprints.simplify import simplified
from components.core.footprints.status import Status
from components.core.footprints.together import Block, simplified_together
from components.core.footprints.validity import is_broken, is_intricate
from components.core.footprints.walls import Walls
from components.core.geometry import Size

LEAST_REGULARISED_PX = 1.0
"""With a smaller tolerance it would be the pixels' own edges that give a building its direction."""

Floats = npt.NDArray[np.float64]


class DrawnWalls(NamedTuple):
    """Walls that an outline shares with others.

    Attributes:
        exact: Each (K, 2) along the pixels.
        drawn: Each (K, 2) as it is published.
    """

    exact: Sequence[Floats]
    drawn: Sequence[Floats]


NO_WALLS = DrawnWalls((), ())


class Drawn(NamedTuple):
    """Outlines as they are published, in (column, row) of a scene.

    Attributes:
        shapes: (N,) of them.
        status: Of each, what regularisation did; None where it was not asked for.
        walls: Of each, what it shares with those that it touches.
    """

    shapes: Geometries
    status: list[Status | None]
    walls: list[DrawnWalls]


@dataclass(frozen=True, slots=True)
class Generalization:
    """How outlines are drawn.

    Attributes:
        tolerance_px: Of simplification.
        regularise: Whether outlines that nearly have them get right angles and ones of 45°, or become circles.
    """

    tolerance_px: float
    regularise: bool = False

    def drawn(
        self,
        exact: Geometries,
        ground: Floats,
        groups: Sequence[Sequence[int]] | None = None,
        given: Sequence[DrawnWalls] | None = None,
        border: Size | None = None,
    ) -> Drawn:
        """Outlines as they are published; those too intricate for that stay as they are.

        Args:
            exact: (N,) of exact outlines in (column, row) of a scene.
            ground: (2, 2) how the scene's pixels lie on the ground; see `PixelGrid.ground`.
            groups: The indices of those that hang together by touching, each in at most one; none where it is None.
            given: Of each outline, walls that are drawn already.
            border: Size of the scene, if neighbours' walls are to end at its border where the pixels do, so that they
                meet what lies beyond.
        """
        result = Drawn(exact.copy(), [None] * len(exact), [NO_WALLS] * len(exact))
        is_exact = self._tolerance_px == 0  # what is along the pixels has its common walls already
        together = [] if is_exact else [list(group) for group in groups or () if len(group) > 1]
        grouped = {index for group in together for index in group}
        known = {index for index, walls in enumerate(given or ()) if walls.exact and not is_exact} - grouped
        alone = [index for index in range(len(exact)) if index not in grouped and index not in known]
        self._draw_alone(result, np.array(alone, np.int64), ground)
        if together:
            self._draw_groups(result, together, ground, border)
        for index in sorted(known):
            self._draw_with(result, index, (given or ())[index], ground)
        return result

    def _draw_alone(self, result: Drawn, index: Integers, ground: Floats) -> None:
        exact = result.shapes[index]
        plain = ~is_intricate(exact)
        simple = exact.copy()
        simple[plain] = simplified(exact[plain], self._tolerance_px)
        if self.regularise and len(index):
            block = Block.of(exact, list(np.arange(len(index))[:, None]), Walls.of(exact, shared=False), {})
            _, simple, status = regularised(block, (block.walls.corners, simple), self._tolerance_px, _units(ground))
            for place, found in zip(index.tolist(), status, strict=True):
                result.status[place] = found
        result.shapes[index] = simple

    def _draw_groups(self, result: Drawn, groups: Sequence[Sequence[int]], ground: Floats, border: Size | None) -> None:
        index = np.concatenate([np.array(group, np.int64) for group in groups])
        bounds = np.cumsum([len(group) for group in groups])[:-1]
        exact = result.shapes[index]
        walls = Walls.of(exact, shared=True)
        block = Block.of(exact, np.split(np.arange(len(index)), bounds), walls, {})
        if border is not None:
            at_border = ((walls.nodes <= 0) | (walls.nodes >= (border.width, border.height))).any(axis=1)
            block = replace(block, fixed=block.fixed | set(np.flatnonzero(at_border).tolist()))
        lines = self._draw_block(result, index, block, ground)
        for wall, owners in enumerate(walls.owners):
            if len(owners) > 1:
                for owner in owners:
                    known = result.walls[index[owner]]
                    result.walls[index[owner]] = DrawnWalls(
                        (*known.exact, walls.corners[wall]), (*known.drawn, lines[wall])
                    )

    def _draw_with(self, result: Drawn, index: int, known: DrawnWalls, ground: Floats) -> None:
        """Draw an outline of which some walls are drawn already."""
        exact = result.shapes[index : index + 1]
        ends = np.concatenate([line[[0, -1]] for line in known.exact])
        walls = Walls.of(exact, shared=False, marks=ends)
        block = Block.of(exact, [np.zeros(1, np.int64)], walls, walls.found(known.exact, known.drawn))
        self._draw_block(result, np.array([index], np.int64), block, ground)

    def _draw_block(self, result: Drawn, index: Integers, block: Block, ground: Floats) -> Sequence[Floats]:
        lines, shapes = simplified_together(block, self._tolerance_px)
        if self.regularise:
            lines, shapes, status = regularised(block, (lines, shapes), self._tolerance_px, _units(ground))
            for place, found in zip(index.tolist(), status, strict=True):
                result.status[place] = found
        result.shapes[index] = shapes
        return lines

    @property
    def _tolerance_px(self) -> float:
        return max(self.tolerance_px, LEAST_REGULARISED_PX) if self.regularise else self.tolerance_px


def _units(ground: Floats) -> Floats:
    """The same in units of a pixel's side."""
    scaled: Floats = ground / np.sqrt(abs(np.linalg.det(ground)))
    return scaled


def to_map(exact: Geometries, drawn: Geometries, grid: PixelGrid, crs: str) -> Geometries:
    """Drawn outlines on the map; the exact one where a drawn one is broken there.

    Args:
        exact: (N,) of exact outlines in (column, row) of a scene.
        drawn: (N,) of the same, as they are published.
        grid: Of the scene.
        crs: Of the result, "EPSG:…" or WKT.
    """
    shapes = grid.to_map(drawn)
    broken = is_broken(shapes)  # rings that touch may cross by a rounding error
    shapes[broken] = grid.to_map(exact[broken])
    return reprojected(shapes, grid.crs, crs)
