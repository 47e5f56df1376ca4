"""Scenes that lie somewhere on the Earth, and those that do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.footprints.geography import PixelGrid
from components.core.footprints.georeference import placed
from components.core.geometry import Size
from components.core.project import ImageRef, Item

SIZE = Size(300, 320)
WGS84 = "EPSG:4326"
NAN = math.nan


def grid(crs: str | None, transform: Affine | None, size: Size = SIZE) -> PixelGrid | None:
    return placed(Item("ds", "a", size, ImageRef.whole("a.tif", size, crs, transform)), "images/a.tif")


@pytest.mark.parametrize(
    ("crs", "transform", "size"),
    [
        ("EPSG:32633", Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000), SIZE),
        ("EPSG:32633", Affine(0.5, 0, 500_000, 0, 0.5, 5_300_000), SIZE),
        ("EPSG:32633", Affine(0.3, 0.2, 500_000, 0.2, -0.3, 5_300_000), SIZE),
        ("EPSG:25833", Affine(0.2, 0, 1_070_000, 0, -0.2, 7_920_000), SIZE),
        ("EPSG:3857", Affine(0.5, 0, 20_037_400, 0, -0.5, 6_100_000), Size(800, 800)),
        ("EPSG:3031", Affine(10, 0, -2000, 0, -10, 2000), Size(400, 400)),
        ("EPSG:2263", Affine(0.5, 0, 980_000, 0, -0.5, 200_000), SIZE),
        (WGS84, Affine(3e-6, 0, 16.3, 0, -3e-6, 48.2), SIZE),
        (WGS84, Affine(3e-6, 0, 190.5, 0, -3e-6, -17.0), SIZE),
        (WGS84, Affine(0.5, 0, -180, 0, -0.5, 90), Size(360, 720)),
        (WGS84, Affine(1, 0, -180.5, 0, -1, 90.5), Size(181, 361)),
        (WGS84, Affine(3e-6, 0, 16.3, 0, -3e-6, 48.2), Size(1, 1)),
    ],
)
def test_scenes_of_the_world_are_placed(crs: str, transform: Affine, size: Size) -> None:
    found = grid(crs, transform, size)
    assert found is not None and found.crs == crs


def test_a_scene_without_a_georeference_has_no_place() -> None:
    assert grid(None, None) is grid(None, Affine.scale(0.5)) is grid(WGS84, None) is None


@pytest.mark.parametrize(
    ("crs", "transform", "told"),
    [
        (
            WGS84,
            Affine(3e-6, 0, 30.5, 0, -3e-6, 114.3),
            r"latitudes reach 114\.3°; are latitude and longitude swapped\?",
        ),
        (WGS84, Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000), r"latitudes reach 5\.3e\+06°"),
        (WGS84, Affine(3e-6, 0, 700, 0, -3e-6, 14.3), r"longitudes reach 700"),
        (WGS84, Affine(NAN, 0, 30.5, 0, -3e-6, 14.3), "are not numbers"),
        (WGS84, Affine(3e-6, 0, 30.5, 0, -math.inf, 14.3), "are not numbers"),
        ("EPSG:32633", Affine(0.5, 0, NAN, 0, -0.5, 5_300_000), "are not numbers"),
        ("EPSG:32633", Affine(0.5, 0, 500_000, 0, 0, 5_300_000), "pixels without area"),
        ("EPSG:32633", Affine(0.5, 0.5, 500_000, -0.5, -0.5, 5_300_000), "pixels without area"),
        ("EPSG:32633", Affine(0.5, 0, 1e8, 0, -0.5, 1e9), "outside the range of WGS 84 / UTM zone 33N"),
        ("EPSG:32633", Affine(0.5, 0, 5_300_000, 0, -0.5, 500_000), "far from the area of use of .* swapped"),
        ("EPSG:32633", Affine(5e-6, 0, 500_000, 0, -5e-6, 5_300_000), "5e-06 m wide .* units of its CRS"),
        (WGS84, Affine(3e-6, 0, 30.5, 0, -3e-15, 14.3), "m high"),
    ],
)
def test_scenes_that_lie_nowhere_are_refused(crs: str, transform: Affine, told: str) -> None:
    with pytest.raises(DataError, match=rf"images/a\.tif: .*{told}.*georeference it again, or remove its CRS"):
        grid(crs, transform)


numbers = (
    st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1e7, 1e7) | st.sampled_from([0.0, 0.5, -0.5, 3e-6])
)


@given(st.lists(numbers, min_size=6, max_size=6), st.sampled_from([WGS84, "EPSG:32633", "EPSG:3857", "EPSG:3035"]))
def test_what_is_placed_has_an_area_of_numbers(entries: list[float], crs: str) -> None:
    try:
        found = grid(crs, Affine(*entries))
    except DataError:
        return
    assert found is not None
    assert np.isfinite(found.pixel_m(SIZE)) and found.pixel_m(SIZE) > 0
