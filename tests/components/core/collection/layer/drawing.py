"""What hypothesis draws for the layer: overlapping scenes of small buildings."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.components.core.collection.layer.small_collections import Building, SmallScene

GROUND = 8

CAPTURED = ("", "2025-06-01", "2026-06-01", "2026-06-01T10:00:00Z")

whole = st.integers(0, GROUND - 1)


@st.composite
def scenes(draw: st.DrawFn, name: str) -> SmallScene:
    """A scene on the common ground, with buildings that hardly overlap each other; no pair shares just half."""
    x, y = draw(whole), draw(whole)
    width, height = draw(st.integers(1, GROUND - x)), draw(st.integers(1, GROUND - y))
    cells = st.tuples(st.integers(x, x + width - 1), st.integers(y, y + height - 1))
    places = draw(st.lists(cells, unique=True, max_size=10))
    shapes = st.tuples(st.sampled_from((0.6, 1.0, 1.7)), st.sampled_from((0.7, 1.0)), st.booleans())
    certain = st.sampled_from((None, 0.25, 0.75))
    buildings = []
    for number, (left, bottom) in enumerate(places):
        wide, high, cut = draw(shapes)
        name_of = draw(st.sampled_from((f"{name}{number}", f"{number}{name}")))
        buildings.append(Building(name_of, left, bottom, min(wide, x + width - left), high, cut, draw(certain)))
    version = draw(st.sampled_from(("aa", "ab")))
    return SmallScene(name, x, y, width, height, tuple(buildings), draw(st.sampled_from(CAPTURED)), version)


@st.composite
def collections(draw: st.DrawFn, most: int = 5) -> list[SmallScene]:
    """Scenes of different names."""
    names = draw(st.lists(st.sampled_from("abcdefg"), unique=True, max_size=most))
    return [draw(scenes(name)) for name in names]


TILE = 4
"""Side of a tile of a mosaic, in units."""


def clipped(name: str, at: tuple[int, int], houses: list[tuple[float, float, float, float]]) -> SmallScene:
    """A tile of a mosaic and what of some houses, as (x, y, width, height), lies in it; at (column, row)."""
    x, y = TILE * at[0], TILE * at[1]
    shown = []
    for number, (left, bottom, wide, high) in enumerate(houses):
        west, east = max(left, x), min(left + wide, x + TILE)
        south, north = max(bottom, y), min(bottom + high, y + TILE)
        if west < east and south < north:
            is_cut = west == x or south == y or east == x + TILE or north == y + TILE
            shown.append(Building(f"{number}{name}", west, south, east - west, north - south, is_cut))
    return SmallScene(name, x, y, TILE, TILE, tuple(shown))


@st.composite
def mosaics(draw: st.DrawFn, least_areas: tuple[float, ...] = (0.0, 150.0)) -> list[SmallScene]:
    """Tiles of a mosaic, each captured now and then, perhaps in two versions; every capture misses some houses."""
    least = draw(st.sampled_from(least_areas))
    spots = st.tuples(st.integers(0, 20), st.integers(0, 14), st.integers(1, 11), st.integers(1, 11))
    houses = [tuple(side / 2 for side in spot) for spot in draw(st.lists(spots, min_size=1, max_size=6))]
    tiles = [(column, row) for column in range(3) for row in range(2)]
    capture = st.tuples(st.sampled_from(tiles), st.sampled_from(CAPTURED), st.sampled_from(("aa", "ab")))
    found = []
    for at, captured, version in draw(st.lists(capture, unique=True, max_size=9)):
        name = f"t{at[0]}{at[1]}c{CAPTURED.index(captured)}"
        seen = [house if draw(st.integers(0, 4)) else (-1.0, -1.0, 0.5, 0.5) for house in houses]
        scene = clipped(name, at, seen)
        turned = draw(st.booleans())
        shown = tuple(replace(each, id=each.id[::-1] if turned else each.id) for each in scene.buildings)
        is_placed = draw(st.integers(0, 5)) > 0
        found.append(
            replace(scene, buildings=shown, captured=captured, is_placed=is_placed, version=version, min_area_m2=least)
        )
    return found
