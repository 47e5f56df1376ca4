"""Layout: roofs cover their footprints, clutter stays out of the mask, blocks and streets keep to their places."""

from dataclasses import replace
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.geometry import Window
from components.sample_scenes.blocks import KINDS, furnish
from components.sample_scenes.buildings import Builder, Cover
from components.sample_scenes.clutter import car, container, parking, truck
from components.sample_scenes.render import Canvas, value_noise
from components.sample_scenes.shapes import LocalAxes, Material, Scenery, Solid, Sun, box, inset
from components.sample_scenes.streets import Lattice
from components.sample_scenes.towns import SPECIES, TEXTURES, TOWNS, Dice, SampleScene, choose

SUN = Sun(150.0, 48.0)
ORIGIN = LocalAxes(np.zeros(2), np.array([1.0, 0.0]), np.array([0.0, 1.0]))
COVER = Cover((120, 100, 90), "shingle", 30.0, 5.0)


def builder(seed: int = 0) -> Builder:
    return Builder(TOWNS["vienna"], SUN, Dice(seed), Scenery())


def covered(polygons: list[np.ndarray], scale: float = 10.0, half_m: float = 30.0) -> np.ndarray:
    """Raster of the union of polygons in metres, `scale` pixels a metre."""
    side = round(2 * half_m * scale)
    raster = np.zeros((side, side), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(raster, [np.round((polygon + half_m) * scale).astype(np.int32)], 1)
    return raster > 0


@settings(max_examples=40, deadline=None)
@given(
    shape=st.sampled_from(["gable", "hip", "L", "T", "U"]),
    width=st.floats(9, 24),
    depth=st.floats(7, 16),
    turn=st.floats(-180, 180),
    seed=st.integers(0, 99),
)
def test_roof_faces_cover_the_footprint_and_no_more(
    shape: str, width: float, depth: float, turn: float, seed: int
) -> None:
    home = builder(seed).house(ORIGIN.turned(turn), shape, width, depth, COVER)
    footprint = covered(list(home.parts))
    roof = covered([face.points for face in home.faces])
    ground = covered([ORIGIN.turned(turn).points(box(width, depth))])
    assert (footprint & ~roof).sum() <= 0.02 * footprint.sum()
    assert (roof & ~footprint).sum() <= 0.02 * footprint.sum()
    assert (footprint & ~ground).sum() <= 0.02 * footprint.sum()


def test_the_slope_towards_the_sun_is_the_brighter_one() -> None:
    color = (120, 120, 120)
    sunny, dark = (SUN.shade(color, down, 30.0)[0] for down in (SUN.towards, -SUN.towards))
    assert sunny > color[0] > dark
    assert SUN.shade(color, SUN.towards, 0.0) == color, "level ground keeps its own"


def test_shadows_fall_away_from_the_sun() -> None:
    assert float(SUN.shadow_per_m @ SUN.towards) < 0
    assert np.hypot(*Sun(150.0, 45.0).shadow_per_m) == pytest.approx(1.0)


def canvas() -> Canvas:
    return Canvas(Window(0, 0, 400, 400), 0.3, SUN, (100, 120, 80))


@pytest.mark.parametrize("make", [car, truck, container])
def test_clutter_is_seen_and_casts_a_shadow_but_is_no_building(make) -> None:
    picture = canvas()
    before = picture.rgb.copy()
    thing: Solid = make(ORIGIN.moved(60, 60), Dice(0))
    picture.build(thing)
    assert (picture.rgb != before).any() and picture.shade.any()
    assert not picture.mask.any()


def test_a_building_is_in_the_mask() -> None:
    picture = canvas()
    picture.build(builder().flat(ORIGIN.moved(60, 60), [box(12, 9)], COVER, 1.0))
    assert (picture.mask > 0).sum() * 0.3**2 == pytest.approx(12 * 9, rel=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_block_keeps_buildings_apart_from_clutter_and_inside_its_plot(kind: str) -> None:
    lattice = Lattice(SampleScene("vienna", 1, 3))
    solids = 0
    for row in range(3):
        site = lattice.site(row, 0)
        site.scenery.solids.clear()
        scenery = site.scenery
        KINDS[kind](site)
        solids += len(scenery.solids)
        plot = inset(site.plot, [-0.5] * 4).astype(np.float32)
        for solid in (solid for solid in scenery.solids if solid.is_building):
            for corner in np.concatenate(solid.parts):
                assert cv2.pointPolygonTest(plot, (float(corner[0]), float(corner[1])), False) >= 0
        tall = [s for s in scenery.solids if not s.is_building and s.height_m > 2.2]
        built = replace(site, scenery=Scenery(solids=[s for s in scenery.solids if s.is_building]))
        assert all(built.is_free(thing.parts) for thing in tall)
        assert scenery.ground
    assert solids or kind in ("park", "meadow", "snowfield", "lake", "woods")


def test_every_material_has_a_texture() -> None:
    assert set(TEXTURES) == set(get_args(Material))


def test_every_town_names_kinds_shapes_and_species_that_exist() -> None:
    for town in TOWNS.values():
        assert town.roofing in TEXTURES
        assert set(town.land) <= set(KINDS)
        assert sum(town.land.values()) == pytest.approx(1.0)
        assert set(town.shapes) <= {"gable", "hip", *"LTU"} and set(town.species) <= set(SPECIES)
        for kind in town.land:
            site = Lattice(SampleScene(town.name, 1, 0)).site(0, 0)
            furnish(site, kind)
            assert site.scenery.ground


@settings(max_examples=20, deadline=None)
@given(
    town=st.sampled_from(list(TOWNS)),
    seed=st.integers(0, 50),
    left=st.floats(-500, 5000),
    top=st.floats(-500, 5000),
)
def test_cells_around_a_place_include_the_one_that_holds_it(town: str, seed: int, left: float, top: float) -> None:
    lattice = Lattice(SampleScene(town, 1, seed))
    holders = [
        cell
        for cell in lattice.cells(left, top, left + 1, top + 1)
        if cv2.pointPolygonTest(lattice.outline(*cell).astype(np.float32), (left, top), False) >= 0
    ]
    assert holders


@settings(max_examples=20, deadline=None)
@given(town=st.sampled_from(list(TOWNS)), seed=st.integers(0, 50), row=st.integers(-9, 9), col=st.integers(-9, 9))
def test_lots_share_out_the_plot(town: str, seed: int, row: int, col: int) -> None:
    site = Lattice(SampleScene(town, 1, seed)).site(row, col)
    area = sum(cv2.contourArea(lot.quad.astype(np.float32)) for lot in site.lots())
    assert area == pytest.approx(cv2.contourArea(site.plot.astype(np.float32)), rel=0.01)


def test_inset_moves_every_side_by_its_own_margin() -> None:
    np.testing.assert_allclose(
        inset(box(20, 10), [1.0, 2.0, 3.0, 4.0]), [(-6, -4), (8, -4), (8, 2), (-6, 2)], atol=1e-9
    )


def test_parking_is_flat_ground_and_cars() -> None:
    lot = builder()
    parking(lot, ORIGIN, 40, 30)
    assert lot.scenery.solids and not any(solid.is_building for solid in lot.scenery.solids)


def test_choices_follow_their_weights() -> None:
    weights = {"a": 1.0, "b": 3.0}
    assert [choose(weights, share) for share in (0.0, 0.24, 0.26, 0.999)] == ["a", "a", "b", "b"]


def test_noise_belongs_to_the_place() -> None:
    whole = value_noise(Window(0, 0, 60, 80), 0.3, 11.0, 5)
    part = value_noise(Window(20, 30, 40, 50), 0.3, 11.0, 5)
    np.testing.assert_allclose(part, whole[20:, 30:], atol=0.05)
    assert np.abs(value_noise(Window(0, 0, 60, 80), 0.3, 11.0, 6) - whole).max() > 0.2
