"""A run that is limited to an area: what it takes, what it leaves, and what another area changes."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from components.core.collection.layer.tables import COVERAGE_FILE
from components.core.collection.ledger import Collection
from components.core.documents.imagery import DetectionImages
from components.core.documents.inference_modes import SlidingWindowMode
from components.core.errors import ConfigError, DataError, StorageError
from components.detect_scenes.detect_scenes import detect_scenes
from components.infer_windows.windows import grid_of
from tests.components.core.catalogue.catalogues import as_json, item, put_catalogue
from tests.detection.detecting import CONFIG, CRS, GSD_M, HALL, HOUSE, PLACE, SIZE, Detection, layer, write_three
from tests.detection.test_killed_runs import exit_code, run_counted, run_killed

EAST = 1000
"""Pixels that the eastern town lies east of the western one; the southern one lies as far south."""


@pytest.fixture(scope="module")
def server() -> ForkServerContext:
    """Starts processes that have everything imported, so that they can be killed at work and not before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.detection.detecting"])
    return context


def ground(*boxes: tuple[float, float, float, float], place: Affine = PLACE) -> shapely.Geometry:
    """Boxes of (top, left, bottom, right) in pixels of the western town, in its CRS."""
    return shapely.union_all(
        [shapely.box(*(place @ (left, bottom)), *(place @ (right, top))) for top, left, bottom, right in boxes]
    )


def write_area(file: Path, shape: shapely.Geometry, crs: str = "EPSG:4326") -> str:
    geopandas.GeoDataFrame({"name": ["here"]}, geometry=[shape], crs=CRS).to_crs(crs).to_file(file)
    return str(file)


def within(detection: Detection, aoi: str, **others: Any) -> Detection:
    return detection.with_options(options=DetectionImages(aoi_uri=aoi), **others)


def coverage(detection: Detection) -> geopandas.GeoDataFrame:
    return geopandas.read_parquet(Path(detection.output) / COVERAGE_FILE).set_index("source")


def masks(detection: Detection) -> dict[str, np.ndarray[Any, Any]]:
    found = {}
    for mask in (Path(detection.output) / "scenes").rglob("mask.tif"):
        with rasterio.open(mask) as raster:
            found[json.loads(mask.with_name("item.json").read_text())["properties"]["title"]] = raster.read(1)
    return found


def test_images_outside_are_not_planned_and_those_on_its_border_are_cut(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    area = ground((0, 0, 45, SIZE.width), (-10, EAST - 10, SIZE.height + 10, EAST + SIZE.width + 10))
    whole = replace(detection, output=str(tmp_path / "whole"), data_root=str(tmp_path / "other"))
    whole.run()
    limited = within(detection, write_area(tmp_path / "area.gpkg", area))
    counts = limited.run()
    assert counts["scenes_published"] == 2 and counts["scenes_outside"] == 1

    found, everything = masks(limited), masks(whole)
    assert found.keys() == {"west.tif", "east/east_2026-11-20.tif"}
    inside = np.zeros((SIZE.height, SIZE.width), np.bool_)
    inside[:45] = True
    assert (found["west.tif"][inside] == everything["west.tif"][inside]).all()
    assert (found["west.tif"][~inside] == 255).all()
    assert (found["east/east_2026-11-20.tif"] == everything["east/east_2026-11-20.tif"]).all()

    covered = coverage(limited)
    assert covered.pixels.to_dict() == {"west.tif": 45 * SIZE.width, "east/east_2026-11-20.tif": SIZE.area}
    assert covered.area_m2.to_numpy() == pytest.approx(covered.pixels.to_numpy() * GSD_M**2, rel=2e-3)
    rows = layer(limited).set_index("source")
    assert sorted(rows.index) == ["east/east_2026-11-20.tif", "west.tif"]
    height = 45 - HOUSE[0]
    assert rows.area_m2["west.tif"] == pytest.approx(height * HOUSE[3] * GSD_M**2, rel=0.01)
    assert rows.area_m2["east/east_2026-11-20.tif"] == pytest.approx(HALL[2] * HALL[3] * GSD_M**2, rel=0.01)
    report = next((Path(limited.output) / "reports").glob("*.html")).read_text()
    assert "area of interest" in report and "Area of interest" in report


def test_windows_outside_do_not_go_through_the_network(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    limited = within(detection, write_area(tmp_path / "area.geojson", ground((0, 0, 45, 60))))
    plan = limited.plan(tmp_path / "plan")
    assert [scene.key for scene in plan.scenes] == ["west.tif"] and plan.outside == 2
    counts = detect_scenes(tmp_path / "plan", "1/1", data_root=limited.data_root, workers=1)
    windows = grid_of(SIZE, SlidingWindowMode.model_validate(json.loads(CONFIG)["mode"])).windows()
    met = [window for window in windows if window.top < 45 and window.left < 60]
    assert 0 < len(met) == len(list(windows)) - counts["skipped_windows"]


def test_scenes_wholly_inside_are_the_same_as_without_an_area(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    detection.run()
    before = {mark.stem for mark in Collection(detection.output).marks()}
    around = (-50, -50, EAST + SIZE.height + 50, EAST + SIZE.width + 50)
    limited = within(detection, write_area(tmp_path / "area.fgb", ground(around)), redo="all")
    plan = limited.plan(tmp_path / "plan")
    assert (plan.done, plan.scenes, plan.outside) == (3, (), 0)
    assert {mark.stem for mark in Collection(detection.output).marks()} == before


def test_another_area_does_scenes_again_whose_part_it_changes(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    east = (-10, EAST - 10, SIZE.height + 10, EAST + SIZE.width + 10)
    first = within(detection, write_area(tmp_path / "first.gpkg", ground((0, 0, 45, SIZE.width), east)))
    first.run()
    again = first.plan(tmp_path / "again")
    assert (again.done, again.scenes, again.outside) == (2, (), 1)

    larger = write_area(tmp_path / "larger.gpkg", ground((0, 0, 250, SIZE.width), east))
    waits = within(detection, larger).plan(tmp_path / "waits")
    assert (waits.done, waits.waiting, waits.scenes) == (1, 1, ())
    redone = within(detection, larger, redo="all")
    plan = redone.plan(tmp_path / "redone")
    assert plan.done == 1 and [(scene.key, scene.remade_from) for scene in plan.scenes] == [("west.tif", "")]
    redone.run()
    assert coverage(redone).pixels["west.tif"] == 250 * SIZE.width
    assert len(layer(redone)) == 3 and len(list(Collection(detection.output).marks())) == 2


def test_what_an_area_leaves_out_later_stays_as_it_is(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    detection.run()
    before = detection.files()
    east = ground((-10, EAST - 10, SIZE.height + 10, EAST + SIZE.width + 10))
    limited = within(detection, write_area(tmp_path / "east.gpkg", east), redo="all")
    plan = limited.plan(tmp_path / "plan")
    assert (plan.done, plan.outside, plan.scenes, plan.retired) == (1, 2, (), ())
    limited.run()
    assert detection.files() == before

    (Path(detection.images) / "west.tif").unlink()
    assert len(limited.plan(tmp_path / "gone").retired) == 1, "an image that is gone leaves, wherever it lay"


def test_footprints_are_made_again_within_the_area_without_the_network(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    aoi = write_area(tmp_path / "area.gpkg", ground((0, 0, 45, SIZE.width)))
    within(detection, aoi).run()
    exact = replace(detection, settings=replace(detection.settings, tolerance="0 px"))
    again = within(exact, aoi, redo="all")
    plan = again.plan(tmp_path / "plan")
    assert plan.shards == 0 and [scene.key for scene in plan.remade] == ["west.tif"]
    again.run()
    apart = within(replace(exact, output=str(tmp_path / "apart"), data_root=str(tmp_path / "other")), aoi)
    apart.run()
    assert {name: mask.tobytes() for name, mask in masks(again).items()} == {
        name: mask.tobytes() for name, mask in masks(apart).items()
    }
    assert layer(again).geometry.iloc[0].equals(layer(apart).geometry.iloc[0])


def test_it_is_the_same_however_a_scene_is_cut(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    slope = shapely.Polygon([PLACE @ corner for corner in ((10, 5), (250, 100), (120, 290))])
    aoi = write_area(tmp_path / "area.gpkg", slope)
    one = within(detection, aoi)
    one.run()
    other = replace(detection, output=str(tmp_path / "apart"), data_root=str(tmp_path / "other"))
    other = within(other, aoi, shard_megapixels=0.03, max_shards=3)
    other.run(item_pixels=100)
    assert coverage(one).geometry.iloc[0].equals(coverage(other).geometry.iloc[0])
    assert masks(one)["west.tif"].tobytes() == masks(other)["west.tif"].tobytes()


@pytest.mark.parametrize("mode", ["full_image", "roi"])
def test_other_modes_are_limited_too(mode: str, detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    config = json.loads(CONFIG) | {"mode": {"source": mode}}
    changed = replace(detection, settings=replace(detection.settings, inference_config=json.dumps(config)))
    limited = within(changed, write_area(tmp_path / "area.gpkg", ground((0, 0, 45, 70))))
    limited.run()
    assert coverage(limited).pixels.to_dict() == {"west.tif": 45 * 70}


def test_only_new_images_are_opened(detection: Detection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_three(Path(detection.images))
    limited = within(detection, write_area(tmp_path / "area.gpkg", ground((0, 0, 45, SIZE.width))))
    limited.run()
    for file in Path(detection.images).rglob("*.tif"):
        status = file.stat()
        file.write_bytes(bytes(status.st_size))  # not a TIFF any more, to be found out by whoever opens it
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    plan = limited.plan(tmp_path / "plan")
    assert (plan.done, plan.outside, plan.skipped) == (1, 2, ())


def test_the_last_image_inside_may_be_deleted(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    limited = within(detection, write_area(tmp_path / "area.gpkg", ground((0, 0, SIZE.height, SIZE.width))))
    assert limited.run()["layer_buildings"] == 2
    (Path(detection.images) / "west.tif").unlink()
    counts = limited.run()
    assert (counts["layer_buildings"], counts["scenes_retired"]) == (0, 1)
    assert limited.run()["scenes_retired"] == 0


def test_what_is_no_area_is_refused(detection: Detection, tmp_path: Path) -> None:
    write_three(Path(detection.images))
    far = write_area(tmp_path / "far.gpkg", ground((5000, 5000, 5100, 5100)))
    with pytest.raises(ConfigError, match=r"aoi_uri: .*far\.gpkg: touches no image below .*; it lies from"):
        within(detection, far).run()
    nowhere = tmp_path / "nowhere.gpkg"
    geopandas.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)]).to_file(nowhere)
    with pytest.raises(DataError, match="says no CRS"):
        within(detection, str(nowhere)).run()
    lines = tmp_path / "lines.geojson"
    geopandas.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326).to_file(lines)
    with pytest.raises(DataError, match="polygon"):
        within(detection, str(lines)).run()
    empty = tmp_path / "empty.gpkg"
    geopandas.GeoDataFrame(geometry=[], crs=4326).to_file(empty)
    with pytest.raises(DataError, match="holds no polygon"):
        within(detection, str(empty)).run()
    with pytest.raises(DataError, match=r"aoi_uri: .*missing\.gpkg: there is no such file"):
        within(detection, str(tmp_path / "missing.gpkg")).run()
    with pytest.raises(StorageError, match="ftp"):
        within(detection, "ftp://host/area.gpkg").run()
    assert not Path(detection.output).exists()


def test_rings_that_cross_are_made_valid(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_three(Path(detection.images))
    corners = [PLACE @ corner for corner in ((0, 0), (100, 100), (100, 0), (0, 100))]
    limited = within(detection, write_area(tmp_path / "bow.gpkg", shapely.Polygon(corners), crs=CRS))
    limited.run()
    assert "rings that cross were made valid" in caplog.text
    assert coverage(limited).pixels["west.tif"] == pytest.approx(5000, abs=110)


def test_killed_runs_lose_nothing(detection: Detection, tmp_path: Path, server: ForkServerContext) -> None:
    folder = Path(detection.images)
    write_three(folder)
    entries = [as_json(item(name, {"image": f"../{name}.tif"})) for name in ("west", "south")]
    place = put_catalogue(str(folder), *entries)
    aoi = write_area(tmp_path / "area.gpkg", ground((0, 0, 45, SIZE.width), (EAST, 0, EAST + 300, 100)))
    undisturbed = within(replace(detection, images=place), aoi)
    counted = tmp_path / "changes"
    assert exit_code(server.Process(target=run_counted, args=(undisturbed, counted))) == 0
    changes, dice = int(counted.read_text()), random.Random(0)
    for number in range(4):
        output, data_root = (str(tmp_path / f"{number}" / name) for name in ("out", "data"))
        disturbed = replace(undisturbed, output=output, data_root=data_root)
        code = exit_code(server.Process(target=run_killed, args=(disturbed, dice.randint(1, changes - 1))))
        assert code == -signal.SIGKILL
        disturbed.run()
        assert disturbed.files() == undisturbed.files(), f"copy {number}"
