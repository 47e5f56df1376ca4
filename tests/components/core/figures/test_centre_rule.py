"""Polygons whose pixels are those with their centres inside."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from components.core.figures import Bitmap, Polygon, vertices
from components.core.figures import drawing as drawing_module
from components.core.figures.centre_rule import Rings, holding_centres
from components.core.figures.drawing import drawn
from components.core.figures.vector import fill_by_centres
from components.core.geometry import FlipAxis, Size, Window

SIZE = Size(30, 40)


def polygon_of(shape: shapely.Polygon) -> Polygon:
    """With x to the right and y down."""
    exterior, *holes = (
        vertices(shapely.get_coordinates(ring)[:-1, ::-1]) for ring in (shape.exterior, *shape.interiors)
    )
    return Polygon(exterior, tuple(holes), by_centres=True)


def pixels(*polygons: Polygon, size: Size = SIZE) -> np.ndarray:
    canvas = np.zeros((size.height, size.width), np.uint8)
    fill_by_centres(polygons, canvas, 1)
    return canvas.astype(np.bool_)


def by_containment(shape: shapely.Geometry, size: Size = SIZE) -> np.ndarray:
    rows, columns = np.mgrid[: size.height, : size.width] + 0.5
    return np.asarray(shapely.contains_xy(shape, columns, rows))


def star(seed: int, centre: tuple[float, float] = (20, 15), reach: float = 18) -> shapely.Polygon:
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, 12))
    radii = random.uniform(2, reach, 12)
    ring = np.stack([centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)], axis=1)
    return shapely.Polygon(ring)


@pytest.mark.parametrize("seed", range(30))
def test_a_pixel_belongs_to_the_polygon_that_holds_its_centre(seed: int) -> None:
    shape = star(seed)
    hole = shapely.make_valid(star(seed + 100, reach=5))
    shape = shapely.difference(shapely.make_valid(shape), hole)
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    found = pixels(*map(polygon_of, parts))
    assert (found == by_containment(shape)).all()
    assert (found == rasterize([shape], out_shape=found.shape, transform=Affine.identity()).astype(np.bool_)).all()


def test_a_centre_on_a_common_outline_belongs_to_one_of_two_neighbours() -> None:
    left = polygon_of(shapely.Polygon([(0.5, 0.5), (10.5, 0.5), (14.5, 20.5), (0.5, 20.5)]))
    right = polygon_of(shapely.Polygon([(30.5, 20.5), (30.5, 0.5), (10.5, 0.5), (14.5, 20.5)]))
    assert not (pixels(left) & pixels(right)).any()
    whole = pixels(polygon_of(shapely.box(0.5, 0.5, 30.5, 20.5)))
    assert ((pixels(left) | pixels(right)) == whole).all()
    assert whole.sum() == 30 * 20


def test_overlapping_polygons_join_whatever_their_direction() -> None:
    one, other = shapely.box(2, 2, 20, 20), shapely.box(10, 10, 30, 28)
    reversed_one = Polygon(vertices(polygon_of(one).exterior[::-1]), by_centres=True)
    for first in (polygon_of(one), reversed_one):
        assert (pixels(first, polygon_of(other)) == by_containment(shapely.union(one, other))).all()


def test_what_lies_outside_the_canvas_is_left_out() -> None:
    assert pixels(polygon_of(shapely.box(-10, -10, 100, 100))).all()
    for away in (shapely.box(-9, 2, -1, 9), shapely.box(50, 2, 60, 9), shapely.box(2, 40, 9, 50)):
        assert not pixels(polygon_of(away)).any()
    assert not pixels().any()
    assert not pixels(polygon_of(shapely.box(3.6, 3.6, 4.4, 4.4))).any()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(0, 20),
    st.integers(0, 25),
    st.integers(1, 30),
    st.integers(1, 40),
    st.booleans(),
)
def test_crops_and_mirror_images_keep_the_pixels(
    seed: int, top: int, left: int, height: int, width: int, flipped: bool
) -> None:
    window = Window.of_bounds(top, left, min(top + height, SIZE.height), min(left + width, SIZE.width))
    figure = polygon_of(star(seed))
    parts = [part for part in figure.crop(window) if isinstance(part, Polygon)]
    expected = pixels(figure)[window.slices]
    if flipped:
        parts = [part.flip(FlipAxis.LEFT_RIGHT, window.size) for part in parts]
        expected = expected[:, ::-1]
    assert all(part.by_centres for part in parts)
    assert (pixels(*parts, size=window.size) == expected).all()
    assert (holding_centres([Rings(figure.exterior)], window) == pixels(figure)[window.slices]).all()


def test_a_polygon_inside_a_window_is_moved_exactly() -> None:
    figure = polygon_of(star(3, reach=6))
    (part,) = figure.crop(Window(5, 7, 25, 33))
    assert isinstance(part, Polygon)
    assert (part.exterior == figure.exterior - (5, 7)).all()
    assert figure.crop(Window(0, 0, 2, 2)) == []


def test_the_two_rules_are_two_figures() -> None:
    ring = vertices([(1, 1), (1, 5), (5, 5), (5, 1)])
    outlined, centred = Polygon(ring), Polygon(ring, by_centres=True)
    assert outlined != centred
    canvases = [np.zeros((8, 8), np.uint8) for _ in range(2)]
    for figure, canvas in zip((outlined, centred), canvases, strict=True):
        figure.draw(canvas, 1)
    assert [int(canvas.sum()) for canvas in canvases] == [25, 16]


@pytest.mark.parametrize("most", [0, 1 << 24])
def test_a_large_polygon_is_drawn_when_it_is_read(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing_module, "MOST_DRAWN_PIXELS", most)
    figure = polygon_of(shapely.difference(shapely.box(3.2, 4.7, 60, 22.4), shapely.box(8, 8, 12, 15)))
    bitmap = drawn(figure, SIZE)
    assert isinstance(bitmap, Bitmap)
    expected = Bitmap.of_pixels(pixels(figure))
    assert bitmap == expected
    assert bitmap.area == pixels(figure).sum()
    window = Window(6, 2, 10, 20)
    assert bitmap.crop(window) == expected.crop(window)
    assert bitmap.flip(FlipAxis.UP_DOWN, SIZE) == expected.flip(FlipAxis.UP_DOWN, SIZE)
    assert drawn(polygon_of(shapely.box(3.6, 3.6, 4.4, 4.4)), SIZE) is None
