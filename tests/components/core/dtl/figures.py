"""Projects with figures of every shape, and what one layer makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.core.figures import Figure, Line, Point, Polygon, Rectangle, Shape, vertices
from components.core.project import ClassInfo, Item, Object, ProjectMeta
from tests.components.core.dtl.projects import item, meta_after, run, write
from tests.queries import data, layer, save

SHAPES = {
    "house": Shape.BITMAP,
    "shed": Shape.BITMAP,
    "area": Shape.POLYGON,
    "road": Shape.LINE,
    "car": Shape.RECTANGLE,
    "well": Shape.POINT,
}

META = ProjectMeta("INRIA", tuple(ClassInfo(title, shape, "#d59fa5") for title, shape in SHAPES.items()), ("old",))


def polygon(*points: tuple[float, float], holes: Sequence[Sequence[tuple[float, float]]] = (), **more: Any) -> Object:
    """An `area` of (row, column) points."""
    return Object("area", Polygon(vertices(points), tuple(map(vertices, holes))), **more)


def line(*points: tuple[float, float], **more: Any) -> Object:
    """A `road` of (row, column) points."""
    return Object("road", Line(vertices(points)), **more)


def box(top: float, left: float, bottom: float, right: float, **more: Any) -> Object:
    """A `car`."""
    return Object("car", Rectangle(top, left, bottom, right), **more)


def point(row: float, column: float, **more: Any) -> Object:
    """A `well`."""
    return Object("well", Point(row, column), **more)


def project_of(root: Path, *objects: Object, **more: Any) -> Path:
    """A project with one item, `a`, of 40×60 px."""
    return write(root, [item("a", *objects, **more)], meta=META)


def result(root: Path, action: str, *objects: Object, seed: int = 0, **settings: Any) -> Item:
    """What one layer makes of the item `a` with these objects."""
    (found,), _ = run(layers_of(action, **settings), project_of(root, *objects), seed=seed)
    return found


def figures_after(root: Path, action: str, *objects: Object, **settings: Any) -> list[tuple[str, Figure]]:
    """Classes and figures that one layer makes of objects."""
    return [(entry.class_title, entry.figure) for entry in result(root, action, *objects, **settings).objects]


def classes_after(root: Path, action: str, **settings: Any) -> dict[str, Shape]:
    """The classes after one layer."""
    meta = meta_after(layers_of(action, **settings), project_of(root))
    return {known.title: known.shape for known in meta.classes}


def layers_of(action: str, /, **settings: Any) -> list[dict[str, Any]]:
    """A query of one layer."""
    return [data(), layer(action, "$all", "$1", **settings), save("$1")]


def picture_of(figure: Figure, height: int = 40, width: int = 60) -> list[str]:
    """A figure's drawing, `#` where it is set, without empty rows and columns around."""
    canvas = np.zeros((height, width), np.uint8)
    figure.draw(canvas, 1)
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    tight = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return ["".join(".#"[value] for value in row) for row in tight]
