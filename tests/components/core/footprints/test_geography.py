"""True areas, and reprojecting that leaves polygons valid."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine

from components.core.errors import DataError
from components.core.footprints.geography import Grid, areas_m2, common_crs, mended, reprojected
from components.core.geometry import Size
from components.core.project import ImageRef, Item

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
    degrees = Grid("EPSG:4326", Affine(1e-5, 0, 16, 0, -1e-5, 60))
    assert degrees.pixel_m(SIZE) == pytest.approx(1.1132 * np.sqrt(0.5), rel=0.01)


def test_rings_run_counter_clockwise_however_the_grid_is_turned() -> None:
    pixel = polygons(shapely.box(0, 0, 1, 1))
    for transform in (Affine.scale(1, -1), Affine.scale(-1, -1), Affine.scale(1, 1), Affine.rotation(30)):
        assert Grid("EPSG:32633", transform).to_map(pixel)[0].exterior.is_ccw


def test_one_crs_is_kept_and_several_become_wgs84() -> None:
    wkt = pyproj.CRS("EPSG:32633").to_wkt()
    assert common_crs(["EPSG:32633", wkt]) == "EPSG:32633"
    assert common_crs(["EPSG:32633", "EPSG:32634"]) == "EPSG:4326"
    assert common_crs([]) == "EPSG:4326"


def test_an_image_without_crs_or_transform_has_no_grid() -> None:
    assert Grid.of_item(item(None, Affine.identity())) is None
    assert Grid.of_item(item("EPSG:32633", None)) is None
    assert Grid.of_item(Item("ds", "austin1", SIZE)) is None


@pytest.mark.parametrize(
    ("crs", "transform", "message"),
    [
        ("EPSG:999999", Affine.identity(), "ds/austin1: its CRS 'EPSG:999999' is unknown"),
        ('LOCAL_CS["site",UNIT["metre",1]]', Affine.identity(), "is local and lies nowhere on Earth"),
        ("EPSG:32633", Affine.scale(1, 0), "has pixels without area"),
    ],
)
def test_unusable_references_are_explained(crs: str, transform: Affine, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Grid.of_item(item(crs, transform))


def test_places_outside_a_projection_are_explained() -> None:
    with pytest.raises(DataError, match=r"footprints in 'EPSG:32633' cannot be brought to 'EPSG:4326'"):
        reprojected(polygons(shapely.box(1e30, 1e30, 2e30, 2e30)), "EPSG:32633", "EPSG:4326")


def test_rings_that_would_cross_are_mended() -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    (shape, kept) = mended(polygons(bow, shapely.box(0, 0, 1, 1)))
    assert shape.is_valid
    assert shape.area == 2
    assert kept == shapely.box(0, 0, 1, 1)
    # an island whose corner touches a long edge, which is no longer straight in degrees
    touching = shapely.MultiPolygon(
        [shapely.box(0, 0, 900_000, 1000), shapely.Polygon([(450_000, 1000), (460_000, 2000), (440_000, 2000)])]
    )
    (moved,) = reprojected(polygons(touching), "EPSG:3035", "EPSG:4326")
    assert moved.is_valid
