"""Scenes that are tiles of one grid: buildings that their borders cut are whole again."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
from affine import Affine
from scipy import ndimage

from components.core.command.run import stage_main
from components.core.figures import Bitmap
from components.core.footprints.geography import PixelGrid
from components.core.footprints.tiles import Tile, seams
from components.core.geometry import Size, Window
from components.core.project import ImageRef, Item, Object, write_manifest
from components.publish_footprints.publish_footprints import publish
from tests.builders import CRS, TRANSFORM, bitmap_meta

SIZE = Size(120, 140)
CUT = (50, 70)
HOUSES = ((5, 5, 20, 20), (40, 20, 25, 12), (10, 60, 14, 30), (44, 62, 16, 18), (90, 100, 20, 30), (48, 110, 2, 20))
"""Top, left, height, width; one lies over the corner of all tiles, one ends at a border."""


def truth() -> np.ndarray:
    mask = np.zeros((SIZE.height, SIZE.width), np.bool_)
    for top, left, height, width in HOUSES:
        mask[top : top + height, left : left + width] = True
    return mask


def quarters() -> list[Window]:
    rows, columns = ((0, CUT[0]), (CUT[0], SIZE.height)), ((0, CUT[1]), (CUT[1], SIZE.width))
    return [Window.of_bounds(top, left, bottom, right) for top, bottom in rows for left, right in columns]


def item_of(name: str, window: Window, transform: Affine = TRANSFORM, crs: str | None = CRS) -> Item:
    labels, count = ndimage.label(truth()[window.slices], np.ones((3, 3)))
    bitmaps = [Bitmap.of_pixels(labels == label) for label in range(1, count + 1)]
    place = transform @ Affine.translation(window.left, window.top)
    image = ImageRef.whole(f"/imagery/{name}.tif", window.size, crs, place)
    return Item("ds", name, window.size, image, objects=tuple(Object("untitled_dl", bitmap) for bitmap in bitmaps))


def published(folder: Path, items: list[Item], **options: object) -> geopandas.GeoDataFrame:
    write_manifest(folder / "project", bitmap_meta("p", "untitled_dl"), items)
    publish(folder / "project", folder / "out", workers=1, **options)
    return geopandas.read_parquet(folder / "out" / "footprints.parquet")


@pytest.mark.parametrize("tolerance", ["0", "1 px"])
@pytest.mark.parametrize("crs", [CRS, "EPSG:4326"])
def test_tiles_give_the_buildings_of_the_whole(tmp_path: Path, tolerance: str, crs: str) -> None:
    transform = TRANSFORM if crs == CRS else Affine(3e-6, 0, 16.0, 0, -2e-6, 48.0)
    whole = published(tmp_path / "whole", [item_of("all", Window.of_size(SIZE), transform, crs)], tolerance=tolerance)
    tiles = [item_of(f"tile{number}", window, transform, crs) for number, window in enumerate(quarters())]
    found = published(tmp_path / "tiles", tiles, tolerance=tolerance)

    assert sorted(found["area_px"]) == sorted(whole["area_px"])
    assert sorted(found["area_m2"]) == pytest.approx(sorted(whole["area_m2"]), abs=0.003)
    for shape in whole.geometry:
        assert found.geometry.hausdorff_distance(shape).min() < 1e-6
    assert found.geometry.is_valid.all() and (found.geometry.geom_type == "Polygon").all()


@pytest.mark.parametrize("least", [1, 20, 60, 100])
def test_a_joined_building_is_large_enough_as_a_whole(tmp_path: Path, least: float) -> None:
    whole = published(tmp_path / "whole", [item_of("all", Window.of_size(SIZE))], min_area_m2=least)
    tiles = [item_of(f"tile{number}", window) for number, window in enumerate(quarters())]
    found = published(tmp_path / "tiles", tiles, min_area_m2=least)
    assert sorted(found["area_px"]) == sorted(whole["area_px"])
    assert (published(tmp_path / "apart", tiles, min_area_m2=least, join_tiles=False)["area_m2"] >= least).all()


def test_a_joined_building_is_called_as_the_part_whose_id_comes_first(tmp_path: Path) -> None:
    tiles = [item_of(f"tile{number}", window) for number, window in enumerate(quarters())]
    apart = published(tmp_path / "apart", tiles, join_tiles=False)
    found = published(tmp_path / "joined", tiles)
    assert (len(apart), len(found)) == (len(HOUSES) + 1 + 1 + 3, len(HOUSES))
    for _, row in found.iterrows():
        parts = apart[apart.geometry.representative_point().within(row.geometry.buffer(0.5))]
        first = parts.sort_values("id").iloc[0]
        assert (row["id"], row["source"]) == (first["id"], first["source"])
        assert row["area_px"] == parts["area_px"].sum()


@pytest.mark.parametrize(
    ("moved", "crs"),
    [((0.5, 0), CRS), ((1, 0), CRS), ((-10, 0), CRS), ((0, 0), "EPSG:32632")],
    ids=["half a pixel beside", "a gap", "an overlap", "another CRS"],
)
def test_scenes_that_are_no_tiles_of_one_grid_stay_apart(tmp_path: Path, moved: tuple[float, float], crs: str) -> None:
    left, right = (Window.of_bounds(0, *columns[:1], SIZE.height, *columns[1:]) for columns in ((0, 70), (70, 140)))
    other = item_of("right", right, TRANSFORM @ Affine.translation(*moved), crs)
    found = published(tmp_path, [item_of("left", left), other])
    assert len(found) == len(HOUSES) + 2


def test_borders_are_found_on_any_grid() -> None:
    grid = Affine.translation(500_000, 5_300_000) @ Affine.rotation(30) @ Affine.scale(0.3, -0.3)
    place = {name: grid @ Affine.translation(*at) for name, at in {"b": (0, 0), "a": (10, 0), "c": (0, 8)}.items()}
    found = seams({name: Tile(PixelGrid(CRS, transform), Size(8, 10)) for name, transform in place.items()})
    assert [(seam.first, seam.second) for seam in found] == [("a", "b"), ("b", "c")]


def test_the_command_line_can_leave_them_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiles = [item_of(f"tile{number}", window) for number, window in enumerate(quarters())]
    write_manifest(tmp_path / "project", bitmap_meta("p", "untitled_dl"), tiles)
    for flags, count in (([], len(HOUSES)), (["--no-join-tiles"], len(HOUSES) + 5)):
        places = ["--project", str(tmp_path / "project"), "--footprints", str(tmp_path / "out")]
        assert stage_main("publish_footprints", [*places, *flags]) == 0
        assert f"footprints: {count} footprints" in capsys.readouterr().out
