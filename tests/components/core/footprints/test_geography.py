"""True areas, and reprojecting that leaves polygons valid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.footprints.geography import PixelGrid, areas_m2, common_crs, fixed, on_globe, reprojected
from components.core.geometry import Size
from components.core.imagery.reading import describe
from components.core.project import ImageRef, Item
from tests.builders import noise, write_tiled

SIZE = Size(100, 100)


def polygons(*shapes: shapely.Geometry) -> np.ndarray:
    return np.array(shapes, dtype=object)


def item(crs: str | None, transform: Affine | None) -> Item:
    return Item("ds", "austin1", SIZE, ImageRef.whole("austin1.tif", SIZE, crs, transform))


def test_areas_are_true_whatever_the_crs() -> None:
    square = polygons(shapely.orient_polygons(shapely.box(500_000, 5_300_000, 500_030, 5_300_020)))
    expected = 30 * 20 / 0.9996**2  # UTM's scale on its central meridian
    for crs in ("EPSG:32633", "EPSG:3857", "EPSG:4326", "EPSG:25833"):
        assert areas_m2(reprojected(square, "EPSG:32633", crs), crs)[0] == pytest.approx(expected, rel=1e-4)
    mercator = reprojected(square, "EPSG:32633", "EPSG:3857")[0]
    assert mercator.area > 2 * expected  # what must not be published


def test_holes_are_not_area() -> None:
    ring = shapely.box(500_000, 0, 500_100, 100).difference(shapely.box(500_010, 10, 500_030, 30))
    assert areas_m2(polygons(shapely.orient_polygons(ring)), "EPSG:32633")[0] == pytest.approx(9600, rel=1e-3)


def test_a_pixel_has_the_side_that_it_has_on_the_ground() -> None:
    degrees = PixelGrid("EPSG:4326", Affine(1e-5, 0, 16, 0, -1e-5, 60))
    assert degrees.pixel_m(SIZE) == pytest.approx(1.1132 * np.sqrt(0.5), rel=0.01)


def test_rings_run_counter_clockwise_however_the_grid_is_turned() -> None:
    pixel = polygons(shapely.box(0, 0, 1, 1))
    for transform in (Affine.scale(1, -1), Affine.scale(-1, -1), Affine.scale(1, 1), Affine.rotation(30)):
        assert PixelGrid("EPSG:32633", transform).to_map(pixel)[0].exterior.is_ccw


def test_one_crs_is_kept_and_several_become_wgs84() -> None:
    wkt = pyproj.CRS("EPSG:32633").to_wkt()
    assert common_crs(["EPSG:32633", wkt]) == "EPSG:32633"
    assert common_crs(["EPSG:32633", "EPSG:32634"]) == "EPSG:4326"
    assert common_crs([]) == "EPSG:4326"


def test_an_image_without_crs_or_transform_has_no_grid() -> None:
    assert PixelGrid.of_item(item(None, Affine.identity())) is None
    assert PixelGrid.of_item(item("EPSG:32633", None)) is None
    assert PixelGrid.of_item(Item("ds", "austin1", SIZE)) is None


@pytest.mark.parametrize(
    ("crs", "transform", "message"),
    [
        ("EPSG:999999", Affine.identity(), "ds/austin1: its CRS 'EPSG:999999' is unknown"),
        ('LOCAL_CS["site",UNIT["metre",1]]', Affine.identity(), "is local, with no place on Earth"),
        ("EPSG:32633", Affine.scale(1, 0), "has pixels without area"),
    ],
)
def test_unusable_references_are_explained(crs: str, transform: Affine, message: str) -> None:
    with pytest.raises(DataError, match=message):
        PixelGrid.of_item(item(crs, transform))


def test_places_outside_a_projection_are_explained() -> None:
    with pytest.raises(DataError, match=r"footprints in 'EPSG:32633' cannot be brought to 'EPSG:4326'"):
        reprojected(polygons(shapely.box(1e30, 1e30, 2e30, 2e30)), "EPSG:32633", "EPSG:4326")


def test_rings_that_would_cross_are_mended() -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    (shape, kept) = fixed(polygons(bow, shapely.box(0, 0, 1, 1)))
    assert shape.is_valid
    assert shape.area == 2
    assert kept == shapely.box(0, 0, 1, 1)
    # an island whose corner touches a long edge, which is no longer straight in degrees
    touching = shapely.MultiPolygon(
        [shapely.box(0, 0, 900_000, 1000), shapely.Polygon([(450_000, 1000), (460_000, 2000), (440_000, 2000)])]
    )
    (moved,) = reprojected(polygons(touching), "EPSG:3035", "EPSG:4326")
    assert moved.is_valid


def test_a_crs_without_a_transform_is_no_place(tmp_path: Path) -> None:
    write_tiled(tmp_path / "a.tif", noise(SIZE), crs="EPSG:32633", transform=Affine.identity())
    info = describe(str(tmp_path / "a.tif"))
    assert (info.crs, info.transform) == ("EPSG:32633", None)
    assert PixelGrid.of_item(item(info.crs, info.transform)) is None


@pytest.mark.parametrize("turn", [-360, 0, 360])
@pytest.mark.parametrize(
    ("west", "east", "sides"),
    [
        (179.5, 180.25, [(179.5, 180.0), (-180.0, -179.75)]),
        (-180.25, -179.5, [(179.75, 180.0), (-180.0, -179.5)]),
        (179.5, 180.0, [(179.5, 180.0)]),
        (180.0, 180.5, [(-180.0, -179.5)]),
        (200.0, 200.5, [(-160.0, -159.5)]),
        (10.0, 10.5, [(10.0, 10.5)]),
    ],
)
def test_polygons_are_cut_at_the_antimeridian(
    turn: int, west: float, east: float, sides: list[tuple[float, float]]
) -> None:
    (shape,) = on_globe(polygons(shapely.box(west + turn, 10, east + turn, 11)))
    assert shape.is_valid
    assert {part.bounds for part in shapely.get_parts(shape)} == {(left, 10, right, 11) for left, right in sides}
    assert all(part.exterior.is_ccw for part in shapely.get_parts(shape))
    assert (shape.geom_type == "MultiPolygon") == (len(sides) > 1)


@given(st.floats(-200, 200), st.floats(1e-4, 2), st.floats(1e-4, 0.45), st.integers(0, 3))
def test_cutting_keeps_area_and_holes(west: float, width: float, inset: float, others: int) -> None:
    outer = shapely.box(west, 50, west + width, 50.5)
    hole = shapely.box(west + inset * width, 50.1, west + (1 - inset) * width, 50.2)
    shape = shapely.orient_polygons(outer.difference(hole))
    wrapped = shapely.transform(shape, lambda points: np.stack([(points[:, 0] + 180) % 360 - 180, points[:, 1]], 1))
    before = polygons(*[shapely.box(5, 5, 6, 6)] * others, shape)
    for given_shape in (shape, wrapped):  # as a projection gives it, longitudes jump where they pass the meridian
        *same, cut = on_globe(polygons(*before[:-1], given_shape))
        assert same == list(before[:-1])
        assert cut.is_valid
        assert cut.bounds[0] >= -180 and cut.bounds[2] <= 180
        assert shapely.area(cut) == pytest.approx(shape.area, rel=1e-6, abs=1e-9)
        assert areas_m2(polygons(cut), "EPSG:4326") == pytest.approx(areas_m2(polygons(shape), "EPSG:4326"), rel=1e-3)


def test_a_scene_across_the_antimeridian_gives_narrow_polygons_and_gets_them_back() -> None:
    east, north = pyproj.Transformer.from_crs(4326, 32601, always_xy=True).transform(180.0, 52.0)
    for grid in (
        PixelGrid("EPSG:32601", Affine(0.5, 0, east - 25, 0, -0.5, north + 25)),
        PixelGrid("EPSG:4326", Affine(5e-6, 0, 180 - 2.5e-4, 0, -5e-6, 52)),
        PixelGrid("EPSG:4326", Affine(5e-6, 0, -180 - 2.5e-4, 0, -5e-6, 52)),
    ):
        squares = polygons(*(shapely.box(column, 40, column + 30, 60) for column in (0, 35, 65)))
        placed = reprojected(grid.to_map(squares), grid.crs, "EPSG:4326")
        assert [shape.geom_type for shape in placed] == ["Polygon", "MultiPolygon", "Polygon"]
        parts = shapely.get_parts(placed)
        assert (shapely.bounds(parts)[:, 2] - shapely.bounds(parts)[:, 0]).max() < 0.001
        assert areas_m2(placed, "EPSG:4326") == pytest.approx(areas_m2(grid.to_map(squares), grid.crs), rel=1e-6)
        back = grid.to_pixels(placed, "EPSG:4326", SIZE)
        assert shapely.area(shapely.intersection(fixed(back), squares)) == pytest.approx(600, rel=1e-3)
