"""Buildings that the borders of tiles cut are whole in the layer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import geopandas
import pandas
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from components.core.collection.layer.ids import Change
from components.core.collection.layer.index import CollectionLayer, read_layer
from components.core.collection.layer.update import LayerUpdate, update_layer
from components.core.collection.ledger import Collection
from tests.components.core.collection.layer.drawing import TILE, clipped, mosaics
from tests.components.core.collection.layer.killing import interrupted_at, killed_at
from tests.components.core.collection.layer.small_collections import (
    UNIT,
    WEST,
    Building,
    SmallScene,
    degrees,
    finish_all,
    layer_files,
    opened_files,
    told,
)

IMAGES = "/imagery"

House = tuple[float, float, float, float]

HOUSES: list[House] = [(1, 1, 1, 1), (3, 1, 2, 1), (3, 3, 3, 2), (1, 3.5, 0.5, 2), (6, 6, 2, 2), (5, 5.5, 1, 0.5)]
"""One within a tile, one over an upright border, one over the corner of four, one over a level border, two within."""

MOSAIC = [clipped(f"tile-{column}{row}", (column, row), HOUSES) for column in range(2) for row in range(2)]


def updated(collection: Collection, scenes: Sequence[SmallScene], *, join_tiles: bool = True) -> LayerUpdate:
    finish_all(collection, scenes)
    return update_layer(collection, IMAGES, collection.marks(), join_tiles=join_tiles)


def fresh(scenes: Sequence[SmallScene], *, join_tiles: bool = True) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(folder)
        updated(collection, scenes, join_tiles=join_tiles)
        return layer_files(collection)


def buildings_of(collection: Collection) -> geopandas.GeoDataFrame:
    parts = [geopandas.read_parquet(path) for path in sorted(Path(collection.output_uri).glob("layer/*.parquet"))]
    return pandas.concat(parts, ignore_index=True)


def layer_of(collection: Collection) -> CollectionLayer:
    found = read_layer(collection)
    assert found is not None
    return found


def is_about(shape: shapely.Geometry, house: House) -> bool:
    expected = shapely.box(*degrees(*house))
    return bool(shape.intersection(expected).area > 0.99 * shape.union(expected).area)


def test_each_building_of_a_mosaic_is_whole_and_there_once(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    updated(collection, MOSAIC)

    found = buildings_of(collection)

    assert len(found) == len(HOUSES)
    for house in HOUSES:
        (row,) = (row for _, row in found.iterrows() if is_about(row.geometry, house))
        assert row["area_m2"] == pytest.approx(100 * house[2] * house[3])
        assert row["geometry"].geom_type == "Polygon"
        parts = [each.id for scene in MOSAIC for each in scene.buildings if each.id[0] == row["id"][0]]
        assert row["id"] == min(parts)
    layer = layer_of(collection)
    assert (layer.footprints, layer.joined, layer.duplicates) == (len(HOUSES), 3, 0)


def test_a_building_is_cut_only_where_no_tile_lies_beyond(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    updated(collection, [scene for scene in MOSAIC if scene.id != "tile-11"])
    cut = buildings_of(collection).set_index("id")["touches_edge"]
    corner, level, upright = (cut[cut.index.str.startswith(number)] for number in "231")
    assert (corner.tolist(), level.tolist(), upright.tolist()) == ([True], [False], [False])
    updated(collection, MOSAIC)
    found = buildings_of(collection)
    assert found[found["touches_edge"]]["id"].str[0].tolist() == ["4"]  # at the mosaic's own corner


@pytest.mark.parametrize("gone", [scene.id for scene in MOSAIC])
def test_a_tile_that_goes_leaves_the_others_as_if_it_had_never_been(tmp_path: Path, gone: str) -> None:
    collection = Collection(str(tmp_path))
    updated(collection, MOSAIC)
    left = [scene for scene in MOSAIC if scene.id != gone]
    updated(collection, left)
    assert layer_files(collection) == fresh(left)
    updated(collection, MOSAIC)
    assert layer_files(collection) == fresh(MOSAIC)


def test_a_chain_over_many_tiles_is_one_building_until_a_link_is_gone(tmp_path: Path) -> None:
    street: list[House] = [(0.5, 1, 4 * TILE - 1, 1)]
    tiles = [clipped(f"s{column}", (column, 0), street) for column in range(4)]
    collection = Collection(str(tmp_path))
    updated(collection, tiles)
    assert len(buildings_of(collection)) == 1
    missed = replace(tiles[1], buildings=(), version="ab")
    update = updated(collection, [tiles[0], missed, *tiles[2:]])
    assert len(buildings_of(collection)) == 2
    assert layer_files(collection) == fresh([tiles[0], missed, *tiles[2:]])
    assert set(update.rewritten) >= {"s0", "s1", "s2"}


def test_only_the_last_captures_are_joined(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    west, east = (clipped(f"{name}-1", (column, 0), [(3, 1, 2, 1)]) for column, name in enumerate(("west", "east")))
    updated(collection, [west, east])
    assert layer_of(collection).joined == 1
    nothing = replace(west, id="west-2", buildings=(), captured="2026-01-01")
    updated(collection, [west, east, nothing])
    assert (layer_of(collection).joined, layer_of(collection).footprints) == (0, 2)
    again = replace(clipped("west-3", (0, 0), [(3, 1, 2, 1)]), captured="2026-02-01")
    updated(collection, [west, east, nothing, again])
    (row,) = buildings_of(collection).itertuples()
    assert is_about(row.geometry, (3, 1, 2, 1))
    assert layer_of(collection).duplicates == 1


def test_a_scene_that_shows_a_building_whole_wins_over_its_halves(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    house = Building("whole", 3, 1, 2, 1)
    over = SmallScene("over", 2, 0, 4, 4, (house,), captured="2020-01-01")
    updated(collection, [clipped("west", (0, 0), HOUSES[1:2]), clipped("east", (1, 0), HOUSES[1:2]), over])
    assert buildings_of(collection)["id"].tolist() == ["whole"]
    assert layer_of(collection).joined == 0


def test_parts_stay_apart_where_that_is_asked_for_and_it_can_be_changed(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    apart = sum(len(scene.buildings) for scene in MOSAIC)
    for join_tiles, count in ((False, apart), (True, len(HOUSES)), (False, apart)):
        updated(collection, MOSAIC, join_tiles=join_tiles)
        assert len(buildings_of(collection)) == count
        assert layer_files(collection) == fresh(MOSAIC, join_tiles=join_tiles)
        assert updated(collection, MOSAIC, join_tiles=join_tiles).rewritten == ()


def test_scenes_of_earlier_versions_and_of_other_grids_stay_apart(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    unknown = [replace(scene, is_placed=False) for scene in MOSAIC]
    updated(collection, unknown)
    assert layer_of(collection).joined == 0
    beside = replace(MOSAIC[0], x=MOSAIC[0].x - 0.05)  # half a pixel
    updated(collection, [replace(scene, version="ab") for scene in (beside, *MOSAIC[1:])])
    joined = {part.scene for part in layer_of(collection).parts if part.joins}
    assert joined == {"tile-01", "tile-10", "tile-11"}


def test_one_more_capture_of_a_tile_reads_its_neighbourhood_alone(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    street: list[House] = [(2 * number + 1.5, 1, 1, 1) for number in range(19)]
    tiles = [clipped(f"s{column:02}", (column, 0), street) for column in range(10)]
    older = [replace(scene, id=f"{scene.id}-old", captured="2025-01-01") for scene in tiles]
    updated(collection, [*older, *tiles])
    more = replace(tiles[0], id="more", captured="2027-01-01")
    finish_all(collection, [*older, *tiles, more])
    with opened_files(tmp_path) as opened:
        update_layer(collection, IMAGES, collection.marks())
    assert not [name for name in opened if any(f"s{column:02}" in name for column in range(5, 10))]
    assert layer_files(collection) == fresh([*older, *tiles, more])


@settings(max_examples=100)
@given(mosaics(), st.data())
def test_the_joined_layer_depends_on_the_ledger_alone(scenes: list[SmallScene], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(folder)
        for _ in range(3):
            there = {scene.id: scene for scene in scenes if data.draw(st.integers(0, 3), scene.mark.stem)}
            updated(collection, list(there.values()))
        assert layer_files(collection) == fresh(list(there.values()))


@settings(max_examples=40)
@given(mosaics((0.0,)))
def test_no_ground_is_lost(drawn: list[SmallScene]) -> None:
    scenes = list({scene.id: scene for scene in drawn}.values())
    assume(scenes)
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(folder)
        updated(collection, scenes, join_tiles=False)
        apart = buildings_of(collection)
        updated(collection, scenes)
        joined = buildings_of(collection)
    assert joined["area_m2"].sum() == pytest.approx(apart["area_m2"].sum())
    assert apart.geometry.union_all().difference(joined.geometry.union_all().buffer(1e-9)).is_empty
    assert set(joined["id"]) <= set(apart["id"])


def test_an_update_that_is_killed_anywhere_leaves_what_the_next_one_mends(tmp_path: Path) -> None:
    then = [replace(MOSAIC[0], buildings=MOSAIC[0].buildings[:1], version="ab"), *MOSAIC[2:]]
    expected = fresh(then)
    event, came_so_far = 0, True
    while came_so_far:
        event += 1
        collection = Collection(str(tmp_path / str(event)))
        updated(collection, MOSAIC)
        finish_all(collection, then)
        came_so_far = killed_at(event, lambda place=collection: update_layer(place, IMAGES, place.marks()))
        updated(collection, then)
        assert layer_files(collection) == expected
    assert event > 5


def test_small_parts_count_as_the_building_that_they_make_up(tmp_path: Path) -> None:
    houses: list[House] = [(3, 1, 2, 1), (3.5, 2.2, 2.5, 1), (3.5, 3.4, 1, 0.4), (1, 1, 1, 1)]
    tiles = [replace(clipped(f"s{column}", (column, 0), houses), min_area_m2=120.0) for column in range(2)]
    collection = Collection(str(tmp_path))
    updated(collection, tiles)
    found = buildings_of(collection).sort_values("area_m2")
    assert found["area_m2"].tolist() == pytest.approx([200, 250])  # of two small parts, and of one that is
    assert found["id"].tolist() == ["0s0", "1s1"]
    assert layer_of(collection).footprints == 2
    assert layer_files(collection) == fresh(tiles)
    updated(collection, tiles, join_tiles=False)
    assert buildings_of(collection)["area_m2"].tolist() == pytest.approx([200])
    updated(collection, tiles[:1])
    assert len(buildings_of(collection)) == 0


def test_what_leaves_while_parts_are_taken_apart_is_gone(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    updated(collection, MOSAIC)
    updated(collection, MOSAIC[1:], join_tiles=False)
    assert layer_files(collection) == fresh(MOSAIC[1:], join_tiles=False)


@pytest.mark.parametrize("before", [[], MOSAIC[:2], MOSAIC], ids=["nothing", "two tiles", "all tiles"])
def test_files_are_not_mixed_where_another_update_retires_what_one_reads(
    tmp_path: Path, before: list[SmallScene]
) -> None:
    then = [replace(MOSAIC[0], buildings=MOSAIC[0].buildings[:1], version="ab"), *MOSAIC[1:]]
    last = [*then[:3], replace(MOSAIC[3], buildings=(), version="ac")]
    expected = fresh(last)
    moment, came_so_far = 0, True
    while came_so_far:
        moment += 1
        collection = Collection(str(tmp_path / str(moment)))
        updated(collection, before)
        finish_all(collection, then)
        rival = tmp_path / f"{moment}.txt"

        def overtake(collection: Collection = collection, rival: Path = rival) -> None:
            rival.touch()
            updated(collection, last)

        interrupted_at(moment, lambda place=collection: update_layer(place, IMAGES, list(place.marks())), overtake)
        came_so_far = rival.exists()
        while (update := updated(collection, last)).rewritten or update.layer.unsettled:
            pass
        assert layer_files(collection) == expected
    assert moment > 5


def test_one_more_tile_counts_no_building_twice_and_loses_none(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    updated(collection, [scene for scene in MOSAIC if scene.id != "tile-10"])
    assert told(collection) == Change(new=6)  # of one house the missing tile shows all that its neighbours do not
    updated(collection, MOSAIC)
    added = told(collection)
    assert (added.new, added.gone, added.uncovered) == (0, 0, 0)
    assert layer_of(collection).footprints == len(HOUSES)
    updated(collection, [scene for scene in MOSAIC if scene.id != "tile-10"])
    gone = told(collection)
    assert (gone.new, gone.gone, gone.uncovered) == (0, 0, 0)


def test_a_street_over_the_180th_meridian_is_one_building(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    street = [(0.5, 1.0, 3 * TILE - 1.0, 1.0)]
    last, *others = (clipped(f"s{column}", (column, 0), street) for column in range(3))
    west = moved(last, (180 - WEST) / UNIT - TILE)
    updated(collection, [west, *(moved(scene, (-180 - WEST) / UNIT - TILE) for scene in others)])
    (row,) = buildings_of(collection).itertuples()
    assert row.geometry.geom_type == "MultiPolygon"
    assert row.area_m2 == pytest.approx(100 * (3 * TILE - 1))


def moved(scene: SmallScene, east: float) -> SmallScene:
    return replace(scene, x=scene.x + east, buildings=tuple(replace(each, x=each.x + east) for each in scene.buildings))
