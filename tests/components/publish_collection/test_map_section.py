"""The map of a detection: what became of the layer's buildings, and how much of much is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from affine import Affine

from components.core import storage
from components.core.collection.finish_scene import FinishedScene
from components.core.collection.layer.changes import CHANGE_SCHEMA, ChangeKind
from components.core.collection.layer.tables import FOOTPRINT_SCHEMA, partition_bytes
from components.core.collection.ledger import Collection, Mark, SceneRecord
from components.core.collection.plan import DetectionReason, PlannedScene
from components.core.footprints.geography import WGS84, PixelGrid, reprojected
from components.core.geometry import Size
from components.publish_collection import map_section
from components.publish_collection.map_section import detection_map
from tests.components.core.reporting.looking import faults_of, page_of, text_of
from tests.components.core.reporting.webmap.contents import data_of, row_of, shape_of
from tests.detection.conftest import bright_model, detection  # noqa: F401
from tests.detection.detecting import HALL, HOUSE, SHED, SIZE, Detection, write_three, write_town

WIDER = (20, 30, 40, 40)
BARN = (250, 200, 30, 40)
HOSTILE = "<img src=x onerror=alert(1)>'&.tif"


def last_report(detection: Detection) -> str:  # noqa: F811
    return max(
        (Path(detection.output) / "reports").glob("*.html"), key=lambda file: file.stat().st_mtime_ns
    ).read_text()


def kinds_of(html: str) -> Counter[str]:
    data = data_of(html)
    return Counter(data["kinds"][kind]["key"] for kind, _, _ in data["buildings"])


def test_a_first_run_shows_all_as_new_and_a_later_one_what_became_of_it(detection: Detection) -> None:  # noqa: F811
    images = Path(detection.images)
    write_three(images)
    detection.run()

    first = last_report(detection)
    assert not faults_of(first) and kinds_of(first) == {"new": 3}
    assert len(data_of(first)["pictures"]) == 3
    assert [place["name"] for place in data_of(first)["places"]] == [
        "everything",
        "east/east_2026-11-20.tif",
        "south.tif",
        "west.tif",
    ]

    write_town(images / "west.tif", SIZE, WIDER, BARN)
    (images / "south.tif").unlink()
    write_town(images / HOSTILE, SIZE, HALL, east_px=5000)
    detection.run()

    second = last_report(detection)
    assert not faults_of(second)
    assert kinds_of(second) == {"new": 2, "changed": 1, "before": 1, "gone": 1}
    data = data_of(second)
    rows = [(data["kinds"][kind]["key"], row_of(data, place)) for place, (kind, _, _) in enumerate(data["buildings"])]
    changed = next(row for kind, row in rows if kind == "changed")
    assert changed["area, m²"] == pytest.approx(400, rel=0.01)
    assert changed["area before, m²"] == pytest.approx(240, rel=0.01)
    assert changed["overlap with before"] == pytest.approx(0.6, rel=0.01)
    assert 0 < changed["confidence"] <= 1 and len(changed["id"]) == 16 and changed["image"] == "west.tif"
    gone = next(row for kind, row in rows if kind == "gone")
    assert gone["area, m²"] == pytest.approx(SHED[2] * SHED[3] / 4, rel=0.01)
    assert HOSTILE in {row["image"] for _, row in rows}
    assert "What became of the buildings" in text_of(second)

    detection.run()
    assert "webmap" not in last_report(detection)


def test_a_building_whose_ground_no_scene_shows_any_more_is_not_gone(detection: Detection) -> None:  # noqa: F811
    images = Path(detection.images)
    write_town(images / "west.tif", SIZE, HOUSE)
    write_town(images / "east.tif", SIZE, HALL, east_px=1000)
    detection.run()
    (images / "east.tif").unlink()
    write_town(images / "west.tif", SIZE, HOUSE, BARN)
    detection.run()
    assert kinds_of(last_report(detection)) == {"kept": 1, "new": 1, "uncovered": 1}


def finished(number: int, buildings: int) -> FinishedScene:
    """A scene of many, whose imagery is gone."""
    key, size = f"{number:03}.tif", Size(1000, 1000)
    place = Affine(0.5, 0, 500_000 + 600 * number, 0, -0.5, 5_300_000)
    planned = PlannedScene(
        id=f"s{number}", key=key, uri=f"/nowhere/{key}", etag="", size_bytes=1, version="v", size=size,
        crs="EPSG:32633", captured="", why=DetectionReason.NEW, parts=(), sides=(),
    )  # fmt: skip
    record = SceneRecord(
        key=key, uri=planned.uri, etag="", size_bytes=1, height=1000, width=1000, crs="EPSG:32633", captured="",
        model="m" * 64, footprints=buildings, area_m2=1.0, bounds=(0, 0, 1, 1), files={}, transform=tuple(place)[:6],
    )  # fmt: skip
    return FinishedScene(planned, Mark(f"s{number}", "v", "d"), record, "", place, None, 0.9)


def partition(scene: FinishedScene, buildings: int) -> bytes:
    """Its part of the layer: small buildings all over it."""
    random = np.random.default_rng(int(scene.record.key[:3]))
    columns, rows, sides = random.uniform(0, 980, (3, buildings))
    sides = 5 + sides / 100
    boxes = shapely.box(columns, rows, columns + sides, rows + sides)
    shapes = PixelGrid(scene.record.crs, scene.transform).to_map(boxes)
    degrees = reprojected(shapes, "EPSG:32633", WGS84)
    names = [f"{scene.record.key[:3]}{index:013}" for index in range(buildings)]
    columns_of = {
        "id": names, "class": ["untitled_dl"] * buildings, "area_m2": sides**2 / 4, "area_px": (sides**2).astype(int),
        "confidence": random.uniform(0.5, 1, buildings), "source": [scene.record.key] * buildings,
        **dict.fromkeys(("captured", "first_seen", "last_seen"), ["2026-11-20"] * buildings),
        "status": ["kept"] * buildings, "model": ["m" * 12] * buildings, "touches_edge": [False] * buildings,
        "geometry": shapely.to_wkb(degrees).tolist(),
    }  # fmt: skip
    table = pa.table([pa.array(columns_of[field.name], field.type) for field in FOOTPRINT_SCHEMA], FOOTPRINT_SCHEMA)
    return partition_bytes(table, FOOTPRINT_SCHEMA.empty_table())


def test_of_a_hundred_thousand_buildings_a_sample_is_shown_and_the_page_says_so(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path / "out"))
    scenes = [finished(number, 1700) for number in range(60)]
    for scene in scenes:
        storage.write_bytes(collection.partition(scene.mark.scene), partition(scene, 1700))

    found = detection_map(scenes, "", collection, workers=1)

    assert found is not None
    html = page_of(found)
    assert len(html) < 12_000_000
    data = data_of(html)
    assert len(data["scenes"]) == map_section.MOST_SCENES == 48
    assert 15_000 < len(data["buildings"]) <= map_section.MOST_BUILDINGS
    told = text_of(html).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "48 of 60 scenes are shown" in told and "of 81 600 buildings are drawn" in told
    assert "in the layer" in told and "as before" not in told
    drawn = Counter(scene for _, scene, _ in data["buildings"])
    assert max(drawn.values()) - min(drawn.values()) <= 1
    assert detection_map(scenes[::-1], "", collection, workers=1) == found


def test_scenes_near_a_pole_are_left_out_and_told(tmp_path: Path) -> None:
    scene = finished(1, 0)
    polar = replace(scene, record=replace(scene.record, crs="EPSG:3995"), transform=Affine(10, 0, -1000, 0, -10, 1000))
    assert detection_map([polar], "", Collection(str(tmp_path / "out")), workers=1) is None
    found = detection_map([polar, finished(2, 0)], "", Collection(str(tmp_path / "out")), workers=1)
    assert found is not None and "1 scene lies too near to a pole" in text_of(page_of(found))


def test_buildings_of_an_image_at_the_180th_meridian_stay_together_where_its_place_is_not_known(tmp_path: Path) -> None:
    """Another scene overlaps it, so that this run tells of its buildings without having done it."""
    kinds = {ChangeKind.NEW: 179.999, ChangeKind.CHANGED: -179.999, ChangeKind.GONE: -179.998}
    wkb = [shapely.to_wkb(shapely.box(west, 10.0, west + 0.0005, 10.0005)) for west in kinds.values()]
    count = len(kinds)
    columns_of = {
        "id": [f"{number:016}" for number in range(count)], "id_before": [f"{number:016}" for number in range(count)],
        "kind": [kind.value for kind in kinds], "overlap": [0.6] * count,
        **dict.fromkeys(("source", "source_before"), ["far.tif"] * count),
        **dict.fromkeys(("geometry", "geometry_before"), wkb),
    }  # fmt: skip
    columns = [pa.array(columns_of.get(field.name, [None] * count), field.type) for field in CHANGE_SCHEMA]
    pq.write_table(pa.table(columns, schema=CHANGE_SCHEMA), tmp_path / "changes.parquet")

    found = detection_map([], str(tmp_path / "changes.parquet"), Collection(str(tmp_path / "out")), workers=1)

    assert found is not None
    data = data_of(page_of(found))
    assert Counter(data["kinds"][kind]["key"] for kind, _, _ in data["buildings"]) == {
        "new": 1, "changed": 1, "before": 1, "gone": 1,
    }  # fmt: skip
    west, _, east, _ = shapely.total_bounds([shape_of(data, place) for place in range(len(data["buildings"]))])
    assert east - west < 1000
