"""What must hold of any project that comes out."""

from __future__ import annotations

import numpy as np

from components.core.figures import Bitmap, Figure, Line, Point, Polygon
from components.core.figures.bounds import bounds_of
from components.core.geometry import Size
from components.core.imagery.images import read_image
from components.core.project import Item, Project


def checked_items(project: Project) -> list[Item]:
    """All items of a project that the product wrote or accepted."""
    items = list(project)
    assert len(items) == len(project), "the project says another number of items than it has"
    for item in items:
        assert item.size.height > 0 and item.size.width > 0, f"{item.key} has no pixel"
    return items


def read_all(item: Item) -> None:
    """Read an item's pixels, where it has any; a broken tile of a raster that stayed in place is told only now."""
    if item.image is not None and item.size.area < 1 << 22:
        pixels = read_image(item.image.uri, item.image.recipe)
        assert pixels.shape == (3, item.size.height, item.size.width), f"{item.key}: pixels are {pixels.shape}"


def check_figure(figure: Figure, size: Size) -> None:
    """A figure lies in its image and is not empty."""
    box = bounds_of(figure)
    assert box.top >= -1e-6 and box.left >= -1e-6, f"{figure} begins outside"
    assert box.bottom <= size.height + 1e-6 and box.right <= size.width + 1e-6, f"{figure} ends outside of {size}"
    if isinstance(figure, Bitmap):
        pixels = figure.mask.pixels()
        assert pixels[0].any() and pixels[-1].any() and pixels[:, 0].any() and pixels[:, -1].any(), "not tight"
        assert figure.area == np.count_nonzero(pixels), "says another number of pixels"
    elif isinstance(figure, Polygon):  # the contour of a line has no area
        assert len(figure.exterior) >= 3, f"{figure} is no polygon"
    elif not isinstance(figure, Line | Point):
        assert figure.area > 0, f"{figure} covers nothing"
