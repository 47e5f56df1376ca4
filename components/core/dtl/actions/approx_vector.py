"""`approx_vector`: polygons and lines lose vertices that hardly matter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from components.core.dtl.action import ActionSettings
from components.core.dtl.object_action import ClassesAction, ClassesSettings
from components.core.figures import Figure, Line, Polygon, Shape, Vertices, vertices
from components.core.project import Item, Object

LEAST_OF_RING, LEAST_OF_LINE = 3, 2
"""Vertices."""


class ApproxVectorSettings(ClassesSettings):
    """Settings of `approx_vector`."""

    epsilon: float = Field(gt=0, allow_inf_nan=False)
    """Largest distance between old and new course, in pixels."""


class ApproxVector(ClassesAction):
    """Polygons and lines of the listed classes keep as few vertices as lie within `epsilon` of the old course
    (Douglas-Peucker, as OpenCV has it); coordinates are cut to whole numbers first. A hole left with fewer than three
    vertices goes, and so does a polygon whose exterior is, or a line left with one. A bitmap, rectangle or point makes
    its image fail. Tags and descriptions stay, and so does the image.
    """

    name: ClassVar[str] = "approx_vector"
    settings_model: ClassVar[type[ActionSettings]] = ApproxVectorSettings
    takes: ClassVar[frozenset[Shape]] = frozenset({Shape.POLYGON, Shape.LINE})

    def change(self, entry: Object, item: Item) -> Iterable[Object]:
        """The object with its simpler figure, if one is left."""
        figure = approximated(entry.figure, self.settings.epsilon)
        return [] if figure is None else [entry.with_figure(figure)]

    def summary(self) -> str:
        """Classes and epsilon."""
        return f"{super().summary()}, epsilon {self.settings.epsilon:g} px"


def approximated(figure: Figure, epsilon: float) -> Figure | None:
    """A polygon or line of fewer vertices; None where too few are left."""
    if isinstance(figure, Polygon):
        exterior, *holes = (_course(ring, epsilon, True) for ring in (figure.exterior, *figure.interiors))
        kept = tuple(hole for hole in holes if len(hole) >= LEAST_OF_RING)
        return replace(figure, exterior=exterior, interiors=kept) if len(exterior) >= LEAST_OF_RING else None
    if isinstance(figure, Line):
        points = _course(figure.points, epsilon, False)
        return Line(points) if len(points) >= LEAST_OF_LINE else None
    raise TypeError(f"a {figure.shape} has no course")


def _course(points: Vertices, epsilon: float, closed: bool) -> Vertices:
    import cv2

    if not len(points):
        return points
    whole = np.trunc(points[:, ::-1]).astype(np.int32).reshape(-1, 1, 2)
    return vertices(cv2.approxPolyDP(whole, epsilon, closed)[:, 0, ::-1])
