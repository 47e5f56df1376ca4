"""A town of houses that are known, labels of it that are spoilt on purpose, and a network that saw it well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from affine import Affine

from components.core.figures import Bitmap, Shape, vertices
from components.core.figures.vector import Polygon
from components.core.geometry import Size, Window
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, write_manifest
from components.core.project.item import ATTRIBUTES
from tests.builders import CLASS, CRS, TRANSFORM, bitmap_meta, noise, write_tiled
from tests.components.evaluate.probable import TITLE, likely, objects_of, predicted_item, true_mask

SIZE = Size(300, 420)

STEP = 60
"""Houses stand in a grid, so many pixels of 0.3 m apart."""

HOUSES = [
    Window(row * STEP + 14 + (3 * column) % 7, column * STEP + 12 + (5 * row) % 9, 24 + (row * 7) % 9, 22 + column * 2)
    for row in range(5)
    for column in range(7)
]


def polygon(house: Window) -> Polygon:
    """Its walls, along pixels."""
    corners = [
        (house.top, house.left),
        (house.top, house.right),
        (house.bottom, house.right),
        (house.bottom, house.left),
    ]
    return Polygon(vertices(corners), by_centres=True)


def drawn(houses: list[Window]) -> np.ndarray:
    """(H, W) bool."""
    mask = np.zeros((SIZE.height, SIZE.width), np.bool_)
    for house in houses:
        seen = house.intersection(Window.of_size(SIZE))
        if seen is not None:
            mask[seen.slices] = True
    return mask


def scene(root: Path, name: str, number: int = 0, crs: str | None = CRS) -> Item:
    """A scene without labels, `number` scenes east of the first."""
    transform = TRANSFORM @ Affine.translation(number * SIZE.width, 0)
    place = {"crs": crs, "transform": transform if crs else None}
    uri = write_tiled(root / f"images/{name}.tif", noise(SIZE, number), **place)
    return Item("ds", name, SIZE, ImageRef.whole(uri, SIZE, **place))


def with_polygons(item: Item, houses: list[Window]) -> Item:
    """Labelled by polygons with attributes."""
    objects = [
        Object(CLASS, polygon(house), extra={ATTRIBUTES: {"number": number}}) for number, house in enumerate(houses)
    ]
    return item.with_objects(objects)


def with_mask(item: Item, houses: list[Window]) -> Item:
    """Labelled by one mask."""
    bitmap = Bitmap.of_pixels(drawn(houses))
    return item.with_objects([] if bitmap is None else [Object(CLASS, bitmap)])


def seen(root: Path, item: Item, houses: list[Window], probabilities: bool = True) -> Item:
    """What the network finds in it."""
    if not probabilities:
        return replace(item, dataset="inf", objects=tuple(objects_of(drawn(houses))))
    return predicted_item(root, item, likely(drawn(houses), 0, noise=0.5))


def write(root: Path, labelled: list[Item], found: list[Item]) -> tuple[Path, Path]:
    """Both projects: predictions and truth."""
    shape = Shape.POLYGON if any(isinstance(entry.figure, Polygon) for entry in labelled[0].objects) else Shape.BITMAP
    write_manifest(root / "truth", ProjectMeta("INRIA", (ClassInfo.with_own_color(CLASS, shape),)), labelled)
    write_manifest(root / "found", bitmap_meta("inf_splitted", TITLE, "bg_dl"), found)
    return root / "found", root / "truth"


__all__ = ["HOUSES", "SIZE", "true_mask"]
