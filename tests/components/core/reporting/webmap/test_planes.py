from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Transformer

from components.core.footprints.geography import PixelGrid
from components.core.geometry import Size
from components.core.reporting.webmap.planes import GroundPlace, PixelPlace, side_by_side

SIZE = Size(200, 300)
HALF_WORLD = math.pi * 6378137


def utm(gsd_m: float = 0.5) -> GroundPlace:
    return GroundPlace(PixelGrid("EPSG:32633", Affine(gsd_m, 0, 500_000, 0, -gsd_m, 5_300_000)), SIZE)


def across() -> GroundPlace:
    """A scene whose middle column is the 180th meridian."""
    return GroundPlace(PixelGrid("EPSG:32601", Affine(0.5, 0, 166_021.44 - 75, 0, -0.5, 100)), SIZE)


def square(left: float, top: float, side: float) -> np.ndarray:
    return np.array([shapely.box(left, top, left + side, top + side)], dtype=object)


def test_outlines_lie_where_web_maps_have_them() -> None:
    corners = shapely.get_coordinates(utm().shapes(square(10, 20, 40)))
    known = Transformer.from_crs("EPSG:32633", "EPSG:3857", always_xy=True)
    on_map = np.array([[50, 20], [50, 60], [10, 60]]) * (0.5, -0.5) + (500_000, 5_300_000)
    assert np.abs(corners[:3] - np.stack(known.transform(*on_map.T), axis=1)).max() < 1e-3


def test_degrees_and_pixels_of_a_building_are_one_place() -> None:
    for place in (utm(), across()):
        pixels = square(200, 20, 40)
        degrees = shapely.transform(
            place.grid.to_map(pixels),
            lambda points, crs=place.grid.crs: np.stack(
                Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*points.T), axis=1
            ),
        )
        assert shapely.hausdorff_distance(place.shapes(pixels), place.shapes_of_degrees(degrees))[0] < 1e-3


def test_a_scene_across_the_180th_meridian_is_in_one_piece() -> None:
    box = across().box
    assert box.width < 200
    assert box.west < -HALF_WORLD < box.east or box.west < HALF_WORLD < box.east


@pytest.mark.parametrize("place", [utm(), across()])
def test_pictures_lie_under_outlines(place: GroundPlace) -> None:
    pixels = np.zeros((SIZE.height, SIZE.width, 4), np.uint8)
    pixels[:, :, 3] = 255
    pixels[60:100, 200:260, 0] = 255

    picture = place.picture(pixels)

    assert picture.box == place.box
    rows, columns = np.nonzero(picture.pixels[:, :, 0] > 127)
    height, width = picture.pixels.shape[:2]
    across_m, down_m = picture.box.width / width, picture.box.height / height
    seen = (
        picture.box.west + columns.min() * across_m,
        picture.box.north - (rows.max() + 1) * down_m,
        picture.box.west + (columns.max() + 1) * across_m,
        picture.box.north - rows.min() * down_m,
    )
    roof = np.array([shapely.box(200, 60, 260, 100)], dtype=object)
    assert np.abs(np.array(seen) - shapely.bounds(place.shapes(roof))[0]).max() < 2 * place.pixel


def test_what_a_turned_scene_does_not_cover_is_clear() -> None:
    turned = GroundPlace(
        PixelGrid("EPSG:32633", Affine.translation(500_000, 5_300_000) @ Affine.rotation(30) @ Affine.scale(0.5, -0.5)),
        SIZE,
    )
    picture = turned.picture(np.full((SIZE.height, SIZE.width, 4), 255, np.uint8))
    assert picture.pixels[0, 0, 3] == 0 and picture.pixels[-1, -1, 3] == 0
    middle = tuple(length // 2 for length in picture.pixels.shape[:2])
    assert picture.pixels[middle].tolist() == [255] * 4


def test_a_scene_near_a_pole_is_on_no_web_map() -> None:
    polar = GroundPlace(PixelGrid("EPSG:3995", Affine(10, 0, -1000, 0, -10, 1000)), SIZE)
    assert not polar.is_on_map and utm().is_on_map and across().is_on_map


def test_scenes_without_a_place_stand_side_by_side_and_apart() -> None:
    sizes = [Size(100, 100), Size(40, 300), Size(256, 256), Size(10, 10), Size(256, 256)]
    places = side_by_side(sizes)
    boxes = [place.box for place in places]
    assert [(box.height, box.width) for box in boxes] == [(size.height, size.width) for size in sizes]
    assert not any(one.meets(other, 1) for index, one in enumerate(boxes) for other in boxes[:index])
    assert side_by_side([]) == []


def test_on_the_plane_of_pixels_rows_count_down() -> None:
    place = PixelPlace(100, -50, SIZE)
    assert shapely.bounds(place.shapes(square(10, 20, 40)))[0].tolist() == [110, -110, 150, -70]
