"""What hypothesis draws for geometry."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from components.core.figures import Bitmap, Figure, Line, Point, Polygon, Rectangle, vertices
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.recipe import Crop, Flip, Step

axes = st.sampled_from(FlipAxis)


def sizes(largest: int = 24) -> st.SearchStrategy[Size]:
    """Sizes of at least one pixel."""
    side = st.integers(1, largest)
    return st.builds(Size, side, side)


@st.composite
def windows(draw: st.DrawFn, size: Size) -> Window:
    """Windows inside a raster of `size`."""
    top, left = draw(st.integers(0, size.height - 1)), draw(st.integers(0, size.width - 1))
    bottom, right = draw(st.integers(top + 1, size.height)), draw(st.integers(left + 1, size.width))
    return Window.of_bounds(top, left, bottom, right)


@st.composite
def steps(draw: st.DrawFn, size: Size, most: int = 6) -> list[Step]:
    """Chains of crops and flips that may be done to a raster of `size`."""
    chain: list[Step] = []
    for _ in range(draw(st.integers(0, most))):
        step = draw(st.one_of(st.builds(Flip, axes), st.builds(Crop, windows(size))))
        chain.append(step)
        size = step.window.size if isinstance(step, Crop) else size
    return chain


def masks(size: Size) -> st.SearchStrategy[np.ndarray]:
    """(H, W) bool, empty ones too."""
    return hnp.arrays(np.bool_, (size.height, size.width))


@st.composite
def figures(draw: st.DrawFn, size: Size) -> Figure:
    """Figures of every shape inside an image of `size`, vectors at halves of a pixel."""
    row = st.integers(0, 2 * size.height).map(lambda value: value / 2)
    column = st.integers(0, 2 * size.width).map(lambda value: value / 2)
    point = st.tuples(row, column)
    ring = st.lists(point, min_size=3, max_size=6, unique=True)
    (top, left), (bottom, right) = draw(point), draw(point)
    bitmap = Bitmap.of_pixels(draw(masks(size)))
    kinds = [
        st.builds(lambda exterior, hole: Polygon(vertices(exterior), (vertices(hole),)), ring, ring),
        st.builds(lambda points: Line(vertices(points)), st.lists(point, min_size=2, max_size=6)),
        st.just(Rectangle(min(top, bottom), min(left, right), max(top, bottom), max(left, right))),
        st.just(Point(top, left)),
    ]
    return draw(st.one_of(*kinds, *([st.just(bitmap)] if bitmap else [])))
