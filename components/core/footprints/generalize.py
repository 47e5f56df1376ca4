"""How exact outlines become those that are published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.core.footprints.geography import Geometries, PixelGrid, reprojected
from components.core.footprints.regularize import regularised
from components.core.footprints.simplify import simplified
from components.core.footprints.validity import is_broken, is_intricate

LEAST_REGULARISED_PX = 1.0
"""With a smaller tolerance it would be the pixels' own edges that give a building its direction."""


@dataclass(frozen=True, slots=True)
class Generalization:
    """How outlines are drawn.

    Attributes:
        tolerance_px: Of simplification.
        regularise: Whether outlines that are nearly rectangular get right angles.
    """

    tolerance_px: float
    regularise: bool = False

    def drawn(self, exact: Geometries, ground: npt.NDArray[np.float64]) -> Geometries:
        """Outlines as they are published; those too intricate for that stay as they are.

        Args:
            exact: (N,) of exact outlines in (column, row) of a scene.
            ground: (2, 2) how the scene's pixels lie on the ground; see `PixelGrid.ground`.

        Returns:
            (N,) in the same pixels.
        """
        result = exact.copy()
        plain = ~is_intricate(exact)
        result[plain] = self._plain(exact[plain], ground)
        return result

    def _plain(self, exact: Geometries, ground: npt.NDArray[np.float64]) -> Geometries:
        if not self.regularise:
            return simplified(exact, self.tolerance_px)
        tolerance = max(self.tolerance_px, LEAST_REGULARISED_PX)
        side = float(np.sqrt(abs(np.linalg.det(ground))))
        return regularised(exact, simplified(exact, tolerance), tolerance * side, ground)


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
