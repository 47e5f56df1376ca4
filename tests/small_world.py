"""A small project of images with figures of every shape, for queries over all actions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.core.figures import Bitmap, Figure, Line, Point, Polygon, Rectangle, Shape, vertices
from components.core.geometry import Size
from components.core.project import ClassInfo, ImageRef, Item, Object, ProjectMeta, write_manifest
from tests.builders import CRS, TRANSFORM, block_mask, mask_object, noise, write_tiled

SHAPES = {
    "house": Shape.BITMAP,
    "shed": Shape.BITMAP,
    "field": Shape.POLYGON,
    "road": Shape.LINE,
    "car": Shape.RECTANGLE,
    "tree": Shape.POINT,
}
META = ProjectMeta("WORLD", tuple(ClassInfo.with_own_color(title, shape) for title, shape in SHAPES.items()), ("old",))

DATASETS = ("one", "two")

SIZES = {"a1": Size(40, 60), "b": Size(33, 21), "c": Size(1, 9)}


def figures_of(size: Size) -> list[tuple[str, Figure]]:
    """Figures of every shape that fit into an image, with holes, in pieces, at its borders and at halves of a pixel."""
    height, width = size.height, size.width
    blocks = block_mask(size, 1, 3)
    blocks[height // 3 : height // 2, width // 4 : width // 2] = False
    specks = np.zeros((height, width), np.bool_)
    specks[::7, ::5] = True
    ring = [(0, 0), (0, width), (height, width), (height, 0)]
    hole = [(height / 4, width / 4), (height / 4, width / 2), (height / 2, width / 2), (height / 2, width / 4)]
    triangle = [(height * 0.9, 1.5), (height * 0.5, width * 0.9), (height, width * 0.95)]
    zigzag = [(0.5, 0.5), (height - 0.5, width / 3), (0.5, width / 2), (height / 2, width)]
    found: list[tuple[str, Figure | None]] = [
        ("house", Bitmap.of_pixels(blocks)),
        ("shed", Bitmap.of_pixels(specks)),
        ("field", Polygon(vertices(ring), (vertices(hole),))),
        ("field", Polygon(vertices(triangle))),
        ("road", Line(vertices(zigzag))),
        ("road", Line(vertices([(height / 2, 0), (height / 2, width)]))),
        ("car", Rectangle(0.0, 0.0, height / 2, width / 3)),
        ("tree", Point(height / 2, width / 2)),
        ("tree", Point(float(height), float(width))),
    ]
    return [(title, part) for title, figure in found if figure is not None for part in figure.normalise(size)]


def write_world(root: Path) -> Path:
    """Write its images, a mask in a raster among them, and its manifest; gives the project's folder."""
    items = []
    for number, (name, size) in enumerate(SIZES.items()):
        uri = write_tiled(root / "images" / f"{name}.tif", noise(size, number), tile=16)
        image = ImageRef.whole(uri, size, CRS, TRANSFORM) if number else ImageRef.whole(uri, size)
        objects = [Object(title, figure) for title, figure in figures_of(size)]
        if number == 0:
            mask = block_mask(size, 5)
            file = write_tiled(root / "masks" / f"{name}.tif", mask.view(np.uint8) * np.uint8(255), tile=16)
            objects.append(mask_object(file, mask, "house"))
        tags = ("old",) if number % 2 else ()
        items.append(Item(DATASETS[number % 2], name, size, image, tags, objects=tuple(objects)))
    items.append(Item("two", "bare", Size(20, 30)))
    write_manifest(root / META.name, META, items)
    return root / META.name
