"""Blocks of ground: no two items that go different ways are nearer than the gap, whatever else there is."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine

from components.core.dtl.query import parse_layers
from components.core.dtl.run import execute_query, predict_query
from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.core.geometry import FlipAxis, Size, Window
from components.core.imagery.recipe import Crop, Flip
from components.core.project import ImageRef, Item, open_project
from components.split_tagging.split_tagging import split_tagging
from tests.builders import files_below
from tests.components.core.dtl.projects import write
from tests.queries import LayerData, data, layer, save, tag, windows

UTM33, UTM34, WGS84 = "EPSG:32633", "EPSG:32634", "EPSG:4326"

NORTH = 5_300_000.0

WAYS = ("first", "second", "between")


def split(src: str = "$all", **settings: object) -> list[LayerData]:
    """Tags each item by the way that it goes."""
    names = [f"$to_{way}" for way in WAYS]
    return [
        layer("split_blocks", src, names, **settings),
        *(tag(name, f"${way}", way) for name, way in zip(names, WAYS, strict=True)),
        save(" ".join(f"${way}" for way in WAYS)),
    ]


def tile(name: str, crs: str, left: float, top: float, size: Size, gsd: float, turn: float = 0.0) -> Item:
    transform = Affine.translation(left, top) @ Affine.rotation(turn) @ Affine.scale(gsd, -gsd)
    return Item("ds", name, size, ImageRef.whole(f"/imagery/{name}.tif", size, crs, transform))


def ways(root: Path, entries: list[Item], query: list[LayerData], **options: object) -> dict[str, str]:
    project = write(root, entries)
    execute_query(json.dumps(query), [project], root / "out", **options)  # type: ignore[arg-type]
    return {entry.name: entry.tags[-1] for entry in open_project(root / "out")}


def on_plane(entry: Item, plane: str) -> shapely.Polygon:
    """An item's outline in metres of a plane that is true around its middle."""
    assert entry.image is not None and entry.image.item_transform is not None and entry.image.crs is not None
    steps = np.linspace(0, 1, 5)
    ring = [(s, 0) for s in steps] + [(1, s) for s in steps] + [(1 - s, 1) for s in steps] + [(0, 1 - s) for s in steps]
    points = [entry.image.item_transform @ (x * entry.size.width, y * entry.size.height) for x, y in ring]
    moved = pyproj.Transformer.from_crs(entry.image.crs, plane, always_xy=True).transform(*zip(*points, strict=True))
    return shapely.Polygon(np.stack(moved, 1))


def nearest(entries: list[Item], found: dict[str, str], plane: str) -> float:
    """Least distance between items of the first and of the second side, in metres."""
    first, second = (
        [on_plane(entry, plane) for entry in entries if found[entry.name] == side] for side in ("first", "second")
    )
    return min(shapely.distance(one, other) for one, other in product(first, second))


def scattered(draw: random.Random, count: int) -> list[Item]:
    """Tiles of several sizes, at random places and turns, in three CRSs of the same ground."""
    entries = []
    for number in range(count):
        size = Size(draw.randint(40, 200), draw.randint(40, 200))
        east, north = draw.uniform(0, 1500), draw.uniform(0, 1500)
        crs = draw.choice((UTM33, UTM34, WGS84))
        x, y = pyproj.Transformer.from_crs(UTM33, crs, always_xy=True).transform(700_000 + east, NORTH + north)
        gsd = 0.3 / 111_000 if crs == WGS84 else 0.3
        entries.append(tile(f"t{number}", crs, x, y, size, gsd, draw.uniform(0, 90)))
    return entries


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("block", "gap"), [(150.0, 0.0), (150.0, 25.0), (300.0, 60.0)])
def test_sides_are_a_gap_apart_in_any_crs(seed: int, block: float, gap: float, tmp_path: Path) -> None:
    entries = scattered(random.Random(seed), 150)
    found = ways(tmp_path, entries, [data(), *split(share=0.6, block_m=block, gap_m=gap)], seed=seed)
    counts = Counter(found.values())
    assert counts["first"] and counts["second"] and len(found) == len(entries)
    distance = nearest(entries, found, "+proj=aeqd +lat_0=47.8 +lon_0=17.7 +ellps=WGS84")
    assert distance >= gap
    if not gap:
        assert distance > 0


@pytest.mark.parametrize(("longitude", "latitude"), [(180.0, 0.0), (-179.9999, 65.0), (11.0, 89.3), (0.0, -82.0)])
def test_the_earth_is_round(longitude: float, latitude: float, tmp_path: Path) -> None:
    plane = f"+proj=aeqd +lat_0={latitude} +lon_0={longitude} +ellps=WGS84"
    entries = [
        tile(f"t{row}_{column}", plane, column * 50.0, row * 50.0, Size(100, 100), 0.45)
        for row in range(-9, 9)
        for column in range(-9, 9)
    ]
    found = ways(tmp_path, entries, [data(), *split(share=0.5, block_m=170, gap_m=20)])
    assert {"first", "second"} <= set(found.values())
    assert nearest(entries, found, plane) >= 20


def grid_of_tiles(rows: int = 12, columns: int = 12) -> list[Item]:
    return [
        tile(f"t{row}_{column}", UTM33, 500_000 + column * 60, NORTH - row * 60, Size(200, 200), 0.3)
        for row in range(rows)
        for column in range(columns)
    ]


def test_the_split_is_the_same_whatever_else_there_is(tmp_path: Path) -> None:
    entries = grid_of_tiles()
    query = [data(), *split(share=0.5, block_m=180, gap_m=10)]
    whole = ways(tmp_path / "a", entries, query)
    turned = ways(tmp_path / "b", entries[::-1], query, workers=2)
    half = ways(tmp_path / "c", entries[::2], query)
    assert whole == turned and half == {name: way for name, way in whole.items() if name in half}
    assert ways(tmp_path / "d", entries, query, seed=1) != whole
    counted = predict_query(json.dumps(query), [tmp_path / "a/INRIA"]).result
    assert counted.exact and [counted.emitted[1, port] for port in range(3)] == [
        Counter(whole.values())[way] for way in WAYS
    ]


def test_nothing_is_lost_between_blocks_that_go_the_same_way(tmp_path: Path) -> None:
    """Only what lies along the border of both sides stands between."""
    entries = grid_of_tiles(20, 20)
    found = ways(tmp_path, entries, [data(), *split(share=0.5, block_m=600, gap_m=10)])
    counts = Counter(found.values())
    assert counts["between"] < 0.25 * len(entries) and counts["first"] and counts["second"]


def test_windows_of_one_large_scene_are_split_by_its_pixels(tmp_path: Path) -> None:
    """Without a georeference, too; mirror images stand where their windows do."""
    size = Size(1200, 1600)
    scene = Item("ds", "scene", size, ImageRef.whole("/imagery/scene.tif", size))
    query = [
        data(),
        windows("$all", "$windows", 100, 100, 50, 50),
        layer("flip", "$windows", "$flipped", axis="horizontal"),
        *split("$windows $flipped", share=0.5, block_px=400, gap_px=30),
    ]
    execute_query(json.dumps(query), [write(tmp_path, [scene])], tmp_path / "out")
    entries = list(open_project(tmp_path / "out"))
    boxes: dict[str, list[shapely.Polygon]] = {way: [] for way in WAYS}
    places: dict[object, set[str]] = {}
    for entry in entries:
        assert entry.image is not None
        window = entry.image.recipe.window
        boxes[entry.tags[-1]].append(shapely.box(window.left, window.top, window.right, window.bottom))
        places.setdefault(window, set()).add(entry.tags[-1])
    assert all(len(sides) == 1 for sides in places.values())
    assert all(boxes.values())
    assert shapely.distance(shapely.union_all(boxes["first"]), shapely.union_all(boxes["second"])) >= 30
    assert not predict_query(json.dumps(query), [tmp_path / "INRIA"]).result.exact


def test_an_item_is_judged_by_what_it_shows(tmp_path: Path) -> None:
    """A crop, mirrored, of a raster lies where its pixels do."""
    whole = tile("a", UTM33, 500_000, NORTH, Size(2000, 2000), 0.3)
    assert whole.image is not None
    parts, places = [], list(product(range(0, 2000, 100), repeat=2))
    for row, column in places:
        image = whole.image.then(Crop(Window(row, column, 100, 100)))
        parts += [Item("ds", f"p{row}_{column}_{axis}", Size(100, 100), image.then(Flip(axis))) for axis in FlipAxis]
    found = ways(tmp_path, parts, [data(), *split(share=0.5, block_m=90, gap_m=5)])
    for row, column in places:
        assert len({found[f"p{row}_{column}_{axis}"] for axis in FlipAxis}) == 1
    assert nearest(parts, found, UTM33) >= 5


def test_what_has_no_place_or_is_too_large_is_told(tmp_path: Path) -> None:
    query = json.dumps([data(), *split(share=0.5, block_m=50, gap_m=5)])
    nowhere = Item("ds", "a", Size(10, 10), ImageRef.whole("/imagery/a.tif", Size(10, 10)))
    for entry, message in (
        (nowhere, r"item .*a: has no CRS and transform, so nobody knows where it lies; .* block_px and gap_px"),
        (
            tile("b", UTM33, 5e5, NORTH, Size(10, 400), 0.3),
            r"is 120 × 3 m and does not fit into a block of 50 m; .*cut it",
        ),
    ):
        with pytest.raises((DataError, TooManySkippedError), match=message):
            execute_query(query, [write(tmp_path / entry.name, [entry])], tmp_path / entry.name / "out")
        assert not (tmp_path / entry.name / "out").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"share": 0.5}, 'either "block_m" and perhaps "gap_m"'),
        ({"share": 0.5, "block_m": 5.0, "gap_px": 2}, 'either "block_m" and perhaps "gap_m"'),
        ({"share": 0.5, "block_m": 5.0, "block_px": 5}, 'either "block_m" and perhaps "gap_m"'),
        ({"share": 0.5, "block_px": 5, "gap_px": 6}, "a gap of 6 is wider than a block of 5"),
        ({"share": 1.0, "block_px": 5}, "share"),
        ({"share": 0.5, "block_m": 0.0}, "block_m"),
        ({"share": 0.5, "block_px": 5, "gap_px": -1}, "gap_px"),
    ],
)
def test_settings_that_make_no_sense_are_told(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"query\[0\]\.settings.*{message}"):
        parse_layers([layer("split_blocks", "$a", ["$b", "$c", "null"], **settings)])


@pytest.mark.parametrize("seed", range(4))
def test_the_ready_made_blocks_leave_tiles_of_half_their_side_to_both_sides(tmp_path: Path, seed: int) -> None:
    entries = [
        tile(f"t{row}_{column}", UTM33, 500_000 + column * 195, NORTH - row * 195, Size(390, 390), 0.5)
        for row in range(15)
        for column in range(15)
    ]
    split_tagging(write(tmp_path, entries), tmp_path / "tagged", query="split_blocks", seed=seed)
    tags = Counter(entry.tags for entry in open_project(tmp_path / "tagged"))
    assert tags["trainval",] > 225 / 4 and tags["test",] > 225 / 40 and tags["gap",] < 225 * 0.6


def test_split_tagging_takes_it_by_name_and_wants_both_sides(tmp_path: Path) -> None:
    entries = [
        tile(f"t{row}_{column}", UTM33, 500_000 + column * 60, NORTH - row * 60, Size(200, 200), 0.3)
        for row in range(20)
        for column in range(20)
    ]
    project = write(tmp_path, entries)
    run = split_tagging(project, tmp_path / "tagged", query="split_blocks", seed=3)
    assert run.meta.name == "INRIA_TAGGED"
    tags = Counter(entry.tags for entry in open_project(tmp_path / "tagged"))
    assert set(tags) == {("trainval",), ("test",), ("gap",)} and tags["trainval",] > tags["test",]
    split_tagging(project, tmp_path / "again", query="split_blocks", seed=3, workers=2)
    assert files_below(tmp_path / "again") == files_below(tmp_path / "tagged")
    alone = write(tmp_path / "alone", entries[:1])
    with pytest.raises(ConfigError, match=r"query\[1\]\.settings: blocks with seed 0 give [01] images .* another seed"):
        split_tagging(alone, tmp_path / "none", query="split_blocks")
    assert not (tmp_path / "none").exists()
