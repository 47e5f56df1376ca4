"""What a run tells of the buildings that changed: which, with their outlines before and now."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import geopandas
import pandas
import pyarrow.parquet as pq
import pyogrio
import pytest

from components.core.collection.changes import write_changes
from components.core.collection.layer.index import CollectionLayer, mark_of, read_layer
from components.core.collection.layer.journal import LayerJournal
from components.core.collection.layer.tables import COVERAGE_FILE
from components.core.collection.ledger import Collection
from components.core.collection.plan import read_plan
from components.core.collection.reconcile import reconcile
from components.core.errors import DataError
from tests.builders import write_tiled
from tests.detection.detecting import (
    CRS,
    HALL,
    HOUSE,
    PLACE,
    SHED,
    SIZE,
    Detection,
    layer,
    town,
    write_three,
    write_town,
)

WIDER = (20, 30, 40, 40)
BARN = (250, 200, 30, 40)


def told(detection: Detection) -> list[Path]:
    return sorted((Path(detection.output) / "changes").glob("*.parquet"))


def changes(detection: Detection) -> geopandas.GeoDataFrame:
    """Of the last run."""
    return geopandas.read_parquet(told(detection)[-1])


def layer_of(collection: Collection) -> CollectionLayer:
    found = read_layer(collection)
    assert found is not None
    return found


def by_kind(found: pandas.DataFrame) -> dict[str, int]:
    return found.kind.value_counts().to_dict()


@pytest.fixture
def detected(detection: Detection) -> Detection:
    write_three(Path(detection.images))
    detection.run()
    return detection


def test_all_is_new_at_first_and_nothing_is_told_where_nothing_changed(detected: Detection) -> None:
    found = changes(detected)
    assert by_kind(found) == {"new": 3} and found.geometry.is_valid.all() and found.crs == "OGC:CRS84"
    shown = layer(detected).set_index("id")
    assert set(found.id) == set(shown.index)
    assert found.set_index("id").geometry.sort_index().geom_equals(shown.geometry.sort_index()).all()
    assert found.geometry_before.isna().all() and found.id_before.isna().all()
    assert len(geopandas.read_parquet(told(detected)[-1], bbox=tuple(found.geometry.iloc[0].bounds))) == 1
    detected.run()
    assert len(told(detected)) == 1
    assert not list((Path(detected.output) / "changes" / "open").glob("*"))


def test_new_gone_and_changed_buildings_have_their_outlines(detected: Detection) -> None:
    before = layer(detected).set_index("id")
    write_town(Path(detected.images) / "west.tif", SIZE, WIDER, BARN)
    counts = detected.run(formats="gpkg")

    found = changes(detected).set_index("kind")
    assert by_kind(changes(detected)) == {"new": 1, "gone": 1, "changed": 1}
    assert (counts["buildings_new"], counts["buildings_gone"], counts["buildings_changed"]) == (1, 1, 1)
    changed = found.loc["changed"]
    assert changed.id == changed.id_before and changed.geometry.equals(
        layer(detected).set_index("id").geometry[changed.id]
    )
    assert changed.geometry_before.equals(before.geometry[changed.id])
    iou = (
        changed.geometry.intersection(changed.geometry_before).area
        / changed.geometry.union(changed.geometry_before).area
    )
    assert changed.overlap == pytest.approx(iou, abs=1e-5) == pytest.approx(24 / 40, abs=0.02)
    gone = found.loc["gone"]
    assert pandas.isna(gone.id) and gone.geometry.equals(before.geometry[gone.id_before]) and gone.area_m2_before > 0
    assert pandas.isna(found.loc["new"].id_before) and found.loc["new"].source == "west.tif"

    (package,) = (Path(detected.output) / "changes").glob("*.gpkg")
    table = pyogrio.read_dataframe(package)
    assert by_kind(table) == {"new": 1, "gone": 1, "changed": 1}


def test_a_building_that_nobody_looks_at_any_more_is_not_gone(detected: Detection) -> None:
    (Path(detected.images) / "west.tif").unlink()
    counts = detected.run()
    assert by_kind(changes(detected)) == {"uncovered": 2}
    assert (counts["buildings_gone"], counts["buildings_uncovered"]) == (0, 2)

    pixels = town(SIZE, HALL)
    pixels[:, :, 100:] = 0
    write_tiled(Path(detected.images) / "west.tif", pixels, crs=CRS, transform=PLACE, nodata=0)
    detected.run()
    write_town(Path(detected.images) / "east" / "east_2026-11-20.tif", SIZE, east_px=1000)
    counts = detected.run()
    assert by_kind(changes(detected)) == {"gone": 1}, "its ground was looked at"
    assert counts["buildings_gone"] == 1


def test_ground_without_data_was_not_looked_at(detected: Detection) -> None:
    pixels = town(SIZE, HOUSE)
    pixels[:, 150:, :] = 0
    write_tiled(Path(detected.images) / "west.tif", pixels, crs=CRS, transform=PLACE, nodata=0)
    detected.run()
    assert by_kind(changes(detected)) == {"uncovered": 1}, "the shed lies where the new image holds no data"


def test_a_building_that_another_scene_shows_now_is_told_with_both_ids(detection: Detection) -> None:
    """Both captures were new at once, so that each has its own ids."""
    for name in ("west_2026-01-01.tif", "west_2027-01-01.tif"):
        write_town(Path(detection.images) / name, SIZE, HOUSE, SHED)
    detection.run()
    before = layer(detection)
    (Path(detection.images) / "west_2027-01-01.tif").unlink()
    detection.run()
    found = changes(detection)
    assert by_kind(found) == {"moved": 2}
    assert set(found.id_before) == set(before.id) and set(found.id) == set(layer(detection).id)
    assert set(found.source) == {"west_2026-01-01.tif"} and set(found.source_before) == {"west_2027-01-01.tif"}
    assert (found.overlap > 0.99).all()


def test_a_later_capture_of_the_same_ground_goes_on_with_the_ids(detection: Detection) -> None:
    write_town(Path(detection.images) / "west_2026-01-01.tif", SIZE, HOUSE, SHED)
    detection.run()
    before = layer(detection)
    write_town(Path(detection.images) / "west_2027-01-01.tif", SIZE, HOUSE, SHED)
    detection.run()
    now = layer(detection)
    assert set(now.id) == set(before.id) and set(now.captured) == {"2027-01-01"}
    assert set(now.first_seen) == {"2026-01-01"} and set(now.last_seen) == {"2027-01-01"}
    assert len(told(detection)) == 1, "the same buildings with the same outlines"
    (Path(detection.images) / "west_2026-01-01.tif").unlink()
    write_town(Path(detection.images) / "west_2028-01-01.tif", SIZE, WIDER, SHED, BARN)
    detection.run()
    assert by_kind(changes(detection)) == {"changed": 1, "new": 1}
    last = layer(detection)
    assert set(before.id) < set(last.id) and set(last.captured) == {"2028-01-01"}
    assert last.set_index("id").first_seen[before.id].tolist() == ["2026-01-01"] * 2, "though that image is gone"
    assert set(last.first_seen) == {"2026-01-01", "2028-01-01"}


def test_a_change_that_has_to_be_confirmed_is_told_when_it_is(detection: Detection) -> None:
    """One image misses the shed, another one shows a barn, which only the first barn's next images confirm."""
    shown = [(HOUSE, SHED), (HOUSE, BARN), (HOUSE, SHED, BARN), (HOUSE, SHED, BARN), (HOUSE, SHED)]
    kinds, counts = [], {}
    for month, boxes in enumerate(shown, 1):
        write_town(Path(detection.images) / f"west_2026-{month:02}-01.tif", SIZE, *boxes)
        before = len(told(detection))
        counts = detection.run(confirm="2 of 3")
        kinds.append(by_kind(changes(detection)) if len(told(detection)) > before else {})
    assert kinds == [{"new": 2}, {}, {}, {"new": 1}, {}]
    now = layer(detection)
    assert len(now) == 3 and counts["layer_buildings_withheld"] == 0
    assert sorted(zip(now.first_seen, now.last_seen, strict=True)) == [
        ("2026-01-01", "2026-05-01"),
        ("2026-01-01", "2026-05-01"),
        ("2026-02-01", "2026-04-01"),
    ]


def test_a_building_that_tiles_cut_keeps_its_id_where_one_image_shows_it_whole(detection: Detection) -> None:
    """No part has more than half of it."""
    west, east = (100, SIZE.width - 20, 40, 20), (100, 0, 40, 20)
    write_town(Path(detection.images) / "west_2026-01-01.tif", SIZE, HOUSE, west)
    write_town(Path(detection.images) / "east_2026-01-01.tif", SIZE, east, east_px=SIZE.width)
    assert detection.run()["layer_buildings_joined"] == 1
    before = layer(detection)
    whole = (100, SIZE.width - 20, 40, 40)
    write_town(Path(detection.images) / "both_2027-01-01.tif", replace(SIZE, width=2 * SIZE.width), HOUSE, whole)
    detection.run()
    assert set(layer(detection).id) == set(before.id) and len(told(detection)) == 1


def test_an_older_capture_that_comes_late_tells_the_first_day(detection: Detection) -> None:
    write_town(Path(detection.images) / "west_2027-01-01.tif", SIZE, HOUSE, SHED)
    detection.run()
    before = layer(detection)
    write_town(Path(detection.images) / "west_2020-01-01.tif", SIZE, HOUSE)
    detection.run()
    now = layer(detection)
    assert set(now.id) == set(before.id) and set(now.captured) == {"2027-01-01"}
    assert sorted(now.first_seen) == ["2020-01-01", "2027-01-01"]
    assert len(told(detection)) == 1


def test_what_was_not_told_is_told_by_the_next_run(detected: Detection, tmp_path: Path) -> None:
    """As after a kill between the layer and the file of changes: the journal is still there."""
    calm = replace(detected, output=str(tmp_path / "calm"))
    shutil.copytree(detected.output, calm.output)
    write_town(Path(detected.images) / "west.tif", SIZE, WIDER, BARN)
    calm.run()

    collection = Collection(detected.output)
    marks = [mark_of(part.mark) for part in layer_of(collection).parts]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        parts = detected.detect(work)
        plan = read_plan(work / "plan")
        assert parts and len(told(detected)) == 1
        reconcile(collection, plan, {scene.id: plan.mark(scene) for scene in plan.scenes})
    assert len(LayerJournal(collection).touched()) == 1 and len(marks) == 3
    detected.run()
    assert told(detected)[1].read_bytes() == told(calm)[1].read_bytes()
    assert LayerJournal(collection).touched() == []


def test_a_broken_note_is_named(detected: Detection) -> None:
    collection = Collection(detected.output)
    note = Path(detected.output) / "changes" / "open" / "x.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("[1")
    with pytest.raises(DataError, match=r"open/x\.json: is not a note of an update of the layer .*delete it"):
        write_changes(collection, collection.place(COVERAGE_FILE))


def test_files_name_both_geometries(detected: Detection) -> None:
    geo = json.loads(pq.read_metadata(told(detected)[0]).metadata[b"geo"])
    assert set(geo["columns"]) == {"geometry", "geometry_before"} and geo["primary_column"] == "geometry"
    assert "covering" in geo["columns"]["geometry"]
