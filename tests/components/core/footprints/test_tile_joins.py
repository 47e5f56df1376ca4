"""Buildings that the borders of tiles cut look as if the tiles were one image."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.errors import DataError
from components.core.figures import InlineMask
from components.core.figures.connected_components import connected_components
from components.core.footprints.geography import PixelGrid
from components.core.footprints.records import OUTLINE, TOUCHES_EDGE, FootprintRules, scene_schema
from components.core.footprints.tile_joins import CutFootprints, buildings, joined_rows
from components.core.footprints.tiles import Seam, Tile, seams
from components.core.footprints.tolerance import Tolerance
from components.core.footprints.vectorize import scene_footprints
from components.core.geometry import Size, Window
from components.core.project import ImageRef, Item, Object
from tests.builders import CRS

SIZE = Size(60, 70)
CUTS = (20, 40), (30, 50)

NORTH = Affine(0.3, 0, 500_000, 0, -0.3, 5_300_000)
GRIDS = {
    "metres": (CRS, NORTH),
    "degrees": ("EPSG:4326", Affine(4e-6, 0, 16.0, 0, -2.7e-6, 48.0)),
    "turned": (CRS, Affine.translation(500_000, 5_300_000) @ Affine.rotation(30) @ Affine.scale(0.3, -0.3)),
    "south-up": (CRS, Affine(0.3, 0, 500_000, 0, 0.3, 5_300_000)),
    "across the 180th meridian": ("EPSG:4326", Affine(4e-6, 0, 180 - 1.6e-4, 0, -4e-6, -17.0)),
    "feet": ("EPSG:2263", Affine(1, 0, 1_000_000, 0, -1, 200_000)),
}


def rows_of(
    mask: np.ndarray, name: str, grid: PixelGrid, rules: FootprintRules, window: Window
) -> tuple[pa.Table, Tile, CutFootprints]:
    place = grid.transform @ Affine.translation(window.left, window.top)
    objects = tuple(Object("untitled_dl", one) for one in connected_components(InlineMask(mask[window.slices].copy())))
    image = ImageRef.whole(f"{name}.tif", window.size, grid.crs, place)
    made = scene_footprints([Item("ds", name, window.size, image, objects=objects)], name, rules, "EPSG:4326")
    rows = pa.concat_tables([scene_schema(True).empty_table(), *made])
    tile = Tile(PixelGrid(grid.crs, place), window.size)
    halves = rows.filter(rows[TOUCHES_EDGE]).combine_chunks()
    return rows, tile, CutFootprints(halves, tile, made.drawing, "EPSG:4326")


def windows(cuts: tuple[tuple[int, ...], tuple[int, ...]] = CUTS) -> dict[str, Window]:
    rows, columns = (0, *cuts[0], SIZE.height), (0, *cuts[1], SIZE.width)
    return {
        f"{top:02}-{left:02}": Window.of_bounds(top, left, bottom, right)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    }


def cut(
    mask: np.ndarray, tolerance: str = "1 px", grid: str = "metres", regularise: bool = False
) -> tuple[pa.Table, pa.Table]:
    """The footprints of a mask as one image, and as tiles that are joined; by area in pixels."""
    rules = FootprintRules(tolerance=Tolerance.parse(tolerance), regularise=regularise)
    made = {
        name: rows_of(mask, name, PixelGrid(*GRIDS[grid]), rules, window)
        for name, window in windows().items()
        if mask[window.slices].any()
    }
    halves = {name: found for name, (_, _, found) in made.items()}
    found = buildings(halves, seams({name: tile for name, (_, tile, _) in made.items()}))
    gone = {half for building in found for half in building.halves}
    left = []
    for name, (rows, _, own) in made.items():
        ids = {own.rows["id"][half.row].as_py() for half in gone if half.tile == name}
        left.append(rows.filter(pa.array([one not in ids for one in rows["id"].to_pylist()])).drop_columns([OUTLINE]))
    whole, _, _ = rows_of(mask, "whole", PixelGrid(*GRIDS[grid]), rules, Window.of_size(SIZE))
    whole = whole.drop_columns([OUTLINE])
    joined = pa.concat_tables([whole.slice(0, 0), *left, *([joined_rows(found, halves)] if found else [])])
    return tuple(rows.sort_by([("area_px", "ascending"), ("area_m2", "ascending")]) for rows in (whole, joined))  # type: ignore[return-value]


def shapes_of(rows: pa.Table) -> np.ndarray:
    return np.asarray(shapely.from_wkb(rows["geometry"].to_numpy()))


def houses(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A mask of houses, as (top, left, height, width)."""
    mask = np.zeros((SIZE.height, SIZE.width), np.bool_)
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = True
    return mask


def turned_house(middle: tuple[float, float], sides: tuple[float, float], degrees: float) -> np.ndarray:
    rows, columns = np.mgrid[: SIZE.height, : SIZE.width] + 0.5
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    y, x = rows - middle[0], columns - middle[1]
    return (np.abs(cosine * x + sine * y) <= sides[0] / 2) & (np.abs(cosine * y - sine * x) <= sides[1] / 2)


COURTYARD = houses((8, 15, 26, 32)) & ~houses((14, 22, 12, 18))
"""Round the corner of four tiles, which lies in the courtyard."""
FORK = houses((5, 20, 24, 8), (5, 20, 4, 20), (25, 20, 4, 20))
"""Crosses an upright border twice."""
CASES = {
    "a courtyard round a corner": COURTYARD,
    "a fork": FORK,
    "a turned house": turned_house((20, 30), (25, 14), 33),
    "a sliver beyond the border": houses((5, 10, 12, 21)),
    "a street over three tiles": houses((10, 4, 3, 62)),
    "a thin wall along the border": houses((2, 29, 16, 2)),
    "one that ends at a border": houses((5, 12, 10, 18)),
    "stairs of pixels": np.eye(SIZE.height, SIZE.width, 12, np.bool_) | np.eye(SIZE.height, SIZE.width, 13, np.bool_),
}


@pytest.mark.parametrize("tolerance", ["0", "1 px", "6 px", "0.5 m"])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("case", CASES)
def test_joined_tiles_look_as_if_they_were_one_image(case: str, grid: str, tolerance: str) -> None:
    whole, joined = cut(CASES[case], tolerance, grid)
    assert joined["area_px"].to_pylist() == whole["area_px"].to_pylist()
    assert joined["area_m2"].to_numpy() == pytest.approx(whole["area_m2"].to_numpy(), abs=0.005)
    assert shapely.is_valid(shapes_of(joined)).all()
    away = shapely.hausdorff_distance(shapes_of(joined), shapes_of(whole))
    assert away.max() < 1e-9, "degrees"


@pytest.mark.parametrize("tolerance", ["0", "1 px", "3 px"])
def test_right_angles_are_those_of_the_whole_building(tolerance: str) -> None:
    whole, joined = cut(turned_house((20, 30), (25, 14), 33), tolerance, regularise=True)
    assert joined.num_rows == 1
    assert shapely.get_num_coordinates(shapes_of(joined)).tolist() == [5]
    assert shapely.hausdorff_distance(shapes_of(joined), shapes_of(whole)).max() < 1e-9


@pytest.mark.parametrize("regularise", [False, True])
@pytest.mark.parametrize("degrees", [0, 33, 70])
def test_neighbours_of_joined_buildings_keep_their_common_walls(degrees: int, regularise: bool) -> None:
    """Houses on both sides of a wall across the border of two tiles, and one beside them that no border cuts."""
    size, cut_at = Size(60, 100), 50
    rows, columns = np.mgrid[: size.height, : size.width] + 0.5
    turn = np.radians(degrees / 10)
    along = np.cos(turn) * (columns - 50) + np.sin(turn) * (rows - 30)
    across = np.cos(turn) * (rows - 30) - np.sin(turn) * (columns - 50)
    labels = np.where((np.abs(along) < 25) & (np.abs(across) < 20), 1 + (across > 0), 0)
    labels[(along < -25) & (along > -43) & (np.abs(across) < 12)] = 3
    rules = FootprintRules(tolerance=Tolerance.parse("1 px"), regularise=regularise)
    made = {}
    for name, left, right in (("west", 0, cut_at), ("east", cut_at, size.width)):
        place = NORTH @ Affine.translation(left, 0)
        objects = tuple(
            Object("untitled_dl", one)
            for number in (1, 2, 3)
            for one in connected_components(InlineMask(labels[:, left:right] == number))
        )
        tile = Tile(PixelGrid(CRS, place), Size(size.height, right - left))
        image = ImageRef.whole(f"{name}.tif", tile.size, CRS, place)
        found = scene_footprints([Item("ds", name, tile.size, image, objects=objects)], name, rules, CRS)
        made[name] = pa.concat_tables(list(found)), tile, found.drawing
    halves = {
        name: CutFootprints(rows.filter(rows[TOUCHES_EDGE]).combine_chunks(), tile, drawing, CRS)
        for name, (rows, tile, drawing) in made.items()
    }
    joined = joined_rows(buildings(halves, seams({name: tile for name, (_, tile, _) in made.items()})), halves)
    alone = made["west"][0]
    alone = alone.filter(pa.array(np.logical_not(alone[TOUCHES_EDGE].to_numpy())))
    upper, lower = shapes_of(joined)
    (beside,) = shapes_of(alone)
    pixel = 0.3
    for one, other, wall in ((upper, lower, 50), (beside, upper, 12), (beside, lower, 12)):
        assert one.intersection(other).area < 1e-6
        assert (one.buffer(1e-6) & other.buffer(1e-6)).length / 2 > 0.8 * wall * pixel
    strip = shapely.union_all([upper, lower, beside])
    assert not shapely.get_num_interior_rings(strip.buffer(1e-6))
    assert all(shape.is_valid for shape in (upper, lower, beside))
    if regularise:
        assert all(status in ("regular", "partly regular") for status in joined["status"].to_pylist())


def test_buildings_that_meet_across_a_border_by_a_corner_alone_stay_apart() -> None:
    mask = houses((4, 22, 6, 8), (10, 30, 6, 8))
    whole, joined = cut(mask)
    assert (whole.num_rows, joined["area_px"].to_pylist()) == (1, [48, 48])


def test_a_large_tolerance_joins_nothing_that_only_lies_near_a_border() -> None:
    mask = houses((0, 12, 18, 14), (20, 12, 10, 14), (4, 28, 6, 2), (11, 30, 6, 8))
    assert cut(mask, "8 px")[1]["area_px"].to_pylist() == [12, 48, 140, 252]


@settings(max_examples=60)
@given(st.data(), st.sampled_from(["0", "1 px", "4 px"]))
def test_any_mask_gives_the_same_buildings_as_the_whole(data: st.DataObject, tolerance: str) -> None:
    mask = houses()
    for _ in range(data.draw(st.integers(1, 6))):
        middle = data.draw(st.tuples(st.floats(0, SIZE.height), st.floats(0, SIZE.width)))
        sides = data.draw(st.tuples(st.floats(2, 40), st.floats(2, 40)))
        mask ^= turned_house(middle, sides, data.draw(st.floats(0, 90)))
    whole, joined = cut(mask, tolerance)
    assert shapely.is_valid(shapes_of(joined)).all()
    assert sum(joined["area_px"].to_pylist()) == sum(whole["area_px"].to_pylist())
    corners = {tuple(point) for point in np.argwhere(_diagonal(mask)).tolist()}
    at_borders = {(row, column) for row, column in corners if row in CUTS[0] or column in CUTS[1]}
    if not at_borders:  # within an image, what meets by a corner is one
        assert joined["area_px"].to_pylist() == whole["area_px"].to_pylist()
    if tolerance == "0" and mask.any():
        difference = shapely.symmetric_difference(*(shapely.union_all(shapes_of(rows)) for rows in (whole, joined)))
        assert difference.area < 1e-15


def _diagonal(mask: np.ndarray) -> np.ndarray:
    """Corners at which pixels meet that have no side in common."""
    padded = np.pad(mask, 1)
    a, b, c, d = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]
    return (a & d & ~b & ~c) | (b & c & ~a & ~d)


def two_tiles(first: PixelGrid, second: PixelGrid) -> list[Seam]:
    size = Size(100, 1000)
    return seams({"first": Tile(first, size), "second": Tile(second, size)})


@pytest.mark.parametrize("pixel", [1e-6, 2.7e-6, 9e-6])
def test_rounded_coordinates_make_no_other_grid(pixel: float) -> None:
    decimals = 7
    edges = [round(16.12345678 + 1000 * pixel * number, decimals) for number in range(3)]
    first, second = (Affine((east - west) / 1000, 0, west, 0, -pixel, 48) for west, east in pairwise(edges))
    (seam,) = two_tiles(PixelGrid("EPSG:4326", first), PixelGrid("EPSG:4326", second))
    assert (seam.offset, seam.line, seam.ends) == ((1000, 0), 1000, (0, 100))


def test_tiles_of_other_pixels_or_half_a_pixel_aside_are_of_other_grids() -> None:
    for other in (
        NORTH @ Affine.translation(1000.5, 0),
        NORTH @ Affine.translation(1000, 0.5),
        NORTH @ Affine.translation(1000, 0) @ Affine.scale(1.001, 1),
        NORTH @ Affine.translation(1000, 0) @ Affine.rotation(0.1),
        NORTH @ Affine.translation(1000, 100) @ Affine.scale(1, -1),
    ):
        assert two_tiles(PixelGrid(CRS, NORTH), PixelGrid(CRS, other)) == []
    beside = NORTH @ Affine.translation(1000, 0)
    assert two_tiles(PixelGrid(CRS, NORTH), PixelGrid("EPSG:32632", beside)) == []
    assert len(two_tiles(PixelGrid(CRS, NORTH), PixelGrid(pyproj.CRS(CRS).to_wkt(), beside))) == 1


@pytest.mark.parametrize("west", [179.996, -180.004, 539.996])
@pytest.mark.parametrize("east", [-180.0, 180.0])
def test_tiles_that_meet_at_the_180th_meridian_are_neighbours(west: float, east: float) -> None:
    first, second = (PixelGrid("EPSG:4326", Affine(4e-6, 0, longitude, 0, -4e-6, -17)) for longitude in (west, east))
    (seam,) = two_tiles(first, second)
    assert (seam.offset, seam.side) == ((1000, 0), 2)


def test_a_broken_outline_is_named() -> None:
    _, _, halves = rows_of(FORK, "west", PixelGrid(*GRIDS["metres"]), FootprintRules(), windows()["00-00"])
    broken = halves.rows.set_column(
        halves.rows.schema.get_field_index(OUTLINE), OUTLINE, pa.array([b"x"] * halves.rows.num_rows)
    )
    with pytest.raises(DataError, match="outline_px: is not valid WKB"):
        replace(halves, rows=broken).outlines  # noqa: B018
