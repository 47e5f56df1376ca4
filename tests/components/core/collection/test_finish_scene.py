from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio
import shapely
from affine import Affine

from components.core import storage
from components.core.collection.collect_parts import SceneFailure
from components.core.collection.finish_scene import FinishedScene
from components.core.collection.layer.tables import read_footprints
from components.core.collection.ledger import Collection, Mark
from components.core.project import Item
from tests.detection.detected import Detected, files

TOWN, FIJI = "town_2026-05-01.tif", "fiji.tif"


def finished(found: FinishedScene | SceneFailure) -> FinishedScene:
    assert isinstance(found, FinishedScene), found
    return found


def footprints(collection: Collection, mark: Mark) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = read_footprints(
        storage.join_uri(collection.scene_folder(mark), "footprints.parquet")
    ).to_pylist()
    return rows


def test_a_scene_gets_its_files_and_then_its_marker(detected: Detected, tmp_path: Path) -> None:
    done = finished(detected.finisher(tmp_path)(detected.scene(TOWN)))

    collection = Collection(str(tmp_path))
    assert list(collection.marks()) == [done.mark] == [detected.plan.mark(detected.scene(TOWN).planned)]
    assert collection.read(done.mark) == done.record
    rasters = {"mask": "mask.tif", "probability": "probability.tif"}
    tables = {"footprints": "footprints.parquet", "coverage": "coverage.parquet"}
    assert done.record.files == rasters | tables
    for name in [*done.record.files.values(), "item.json"]:
        assert storage.exists(storage.join_uri(collection.scene_folder(done.mark), name))
    rows = footprints(collection, done.mark)
    assert (len(rows), done.record.footprints, done.change) == (2, 2, None)
    assert done.record.area_m2 == pytest.approx((30 * 24 + 12 * 20) * 0.25, rel=2e-3)
    assert {(row["source"], row["captured"], row["model"]) for row in rows} == {
        (TOWN, "2026-05-01", detected.plan.model[:12])
    }


def test_confidence_is_published_where_it_is_asked_for(detected: Detected, tmp_path: Path) -> None:
    done = finished(detected.finisher(tmp_path, confidence=True)(detected.scene(TOWN)))

    with rasterio.open(Path(Collection(str(tmp_path)).scene_folder(done.mark)) / "confidence.tif") as file:
        assert file.tags()["SCALE"] == "probability = value / 255"
        assert file.read(1)[35, 40] > 240
    assert done.confidence is not None and done.confidence > 0.9


def test_a_scene_on_the_180th_meridian_has_its_west_in_the_east(detected: Detected, tmp_path: Path) -> None:
    done = finished(detected.finisher(tmp_path)(detected.scene(FIJI)))

    west, south, east, north = done.record.bounds
    assert 179.999 < west < 180 and -180 < east < -179.999
    assert -17.001 < south < north < -16.999
    item = json.loads(storage.read_bytes(f"{Collection(str(tmp_path)).scene_folder(done.mark)}/item.json"))
    assert item["geometry"]["type"] == "MultiPolygon"
    bounds = [shapely.from_wkb(row["geometry"]).bounds for row in footprints(Collection(str(tmp_path)), done.mark)]
    assert all(right - left < 1 for left, _, right, _ in bounds), "no building goes round the Earth"


def test_a_building_keeps_the_id_that_it_had(detected: Detected, tmp_path: Path) -> None:
    collection, scene = Collection(str(tmp_path)), detected.scene(TOWN)
    before = finished(detected.finisher(tmp_path)(scene)).mark
    earlier = Mark(before.scene, "01d", before.detector)
    Path(collection.scene_folder(before)).rename(collection.scene_folder(earlier))
    collection.retire(before)

    done = finished(detected.finisher(tmp_path, {scene.planned.id: earlier}, tolerance="4 px")(scene))

    assert done.change is not None and (done.change.new, done.change.gone) == (0, 0)
    ids = [{row["id"] for row in footprints(collection, mark)} for mark in (earlier, done.mark)]
    assert ids[0] == ids[1] and len(ids[0]) == 2


def test_a_scene_that_has_its_marker_is_left_as_it_is(detected: Detected, tmp_path: Path) -> None:
    scene = detected.scene(TOWN)
    first = finished(detected.finisher(tmp_path)(scene))
    before = files(Collection(str(tmp_path)))
    gone = Mark(first.mark.scene, "01d", first.mark.detector)

    again = finished(detected.finisher(tmp_path, {scene.planned.id: gone}, tolerance="4 px")(scene))

    assert files(Collection(str(tmp_path))) == before
    assert (again.record, again.confidence, again.transform) == (first.record, first.confidence, first.transform)


def test_what_is_wrong_with_a_scene_is_its_result(detected: Detected, tmp_path: Path) -> None:
    scene = detected.scene(TOWN)
    gone = Mark(scene.planned.id, "01d", "bb")

    found = detected.finisher(tmp_path, {scene.planned.id: gone})(scene)

    assert isinstance(found, SceneFailure)
    assert (found.key, found.skipped.stage, found.is_lasting) == (TOWN, "publish_collection", False)
    assert "01d.bb/footprints.parquet" in found.skipped.reason
    assert list(Collection(str(tmp_path)).marks()) == []


def test_whatever_goes_wrong_with_a_scene_is_its_failure(detected: Detected, tmp_path: Path) -> None:
    scene = detected.scene(TOWN)
    finisher = detected.finisher(tmp_path)
    (place,) = scene.places
    project = finisher.projects[place.project]
    odd = replace(project.item(place.item), image=None)
    unplaced = replace(finisher, projects=(_Showing(odd),))
    nowhere = project.item(place.item).image
    assert nowhere is not None
    placed = replace(odd, image=replace(nowhere, crs="EPSG:4326", transform=Affine(3e-6, 0, 30.5, 0, -3e-6, 114.3)))

    results = [
        unplaced(scene),
        replace(finisher, projects=(_Showing(placed),))(scene),
        replace(finisher, projects=(_Showing(None),))(scene),
    ]

    assert all(isinstance(result, SceneFailure) and result.is_lasting and result.key == TOWN for result in results), (
        results
    )
    told = [result.skipped.reason for result in results if isinstance(result, SceneFailure)]
    assert "has no CRS or no transform" in told[0] and "latitudes reach 114.3" in told[1]
    assert "unexpected AttributeError" in told[2] and "please report this" in told[2]
    assert list(Collection(str(tmp_path)).marks()) == []


class _Showing:
    """A project of one item, or of something that is none."""

    def __init__(self, item: Item | None) -> None:
        self._item = item

    def item(self, _index: int) -> Item | None:
        return self._item
