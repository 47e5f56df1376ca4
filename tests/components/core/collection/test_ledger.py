from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from components.core import storage
from components.core.collection.ledger import Collection, Mark, SceneRecord
from components.core.errors import DataError

RECORD = SceneRecord(
    key="2026/town.tif",
    uri="/imagery/2026/town.tif",
    etag="abc",
    size_bytes=1234,
    height=5000,
    width=4000,
    crs="EPSG:32633",
    captured="2026-11-22",
    model="ab" * 32,
    footprints=12,
    area_m2=1234.5,
    bounds=(16.0, 48.0, 16.1, 48.1),
    files={"mask": "mask.tif"},
)
MARK = Mark("town-0123456789", "00ff00ff00ff", "0123456789ab")


def test_the_ledger_says_what_is_done_by_names_alone(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    assert not list(collection.marks())

    collection.finish(MARK, RECORD)
    storage.write_bytes(collection.place("ledger", "notes.txt"), b"nothing to us")

    assert list(collection.marks()) == [MARK]
    assert collection.read(MARK) == RECORD


def test_a_retired_scene_leaves_nothing(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    other = Mark(MARK.scene, "aaaa", MARK.detector)
    for mark in (MARK, other):
        storage.write_bytes(storage.join_uri(collection.scene_folder(mark), "mask.tif"), b"pixels")
        collection.finish(mark, RECORD)

    collection.retire(MARK)

    assert list(collection.marks()) == [other]
    assert not storage.is_folder(collection.scene_folder(MARK))
    assert storage.is_folder(collection.scene_folder(other))


def test_a_broken_marker_is_refused_with_its_place(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    storage.write_bytes(collection.place("ledger", f"{MARK.stem}.json"), b"{}")

    with pytest.raises(DataError, match=f"{MARK.stem}.json.*detect the scene again"):
        collection.read(MARK)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_marker_is_written_that_no_run_could_read(tmp_path: Path, value: float) -> None:
    collection = Collection(str(tmp_path))

    with pytest.raises(DataError, match=r"^2026/town\.tif: its bounds, its area or its transform are not finite"):
        collection.finish(MARK, replace(RECORD, bounds=(16.0, 48.0, value, 48.1)))

    assert list(collection.marks()) == []


def test_a_marker_says_where_pixels_lie_and_how_outlines_were_drawn(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    record = replace(RECORD, transform=(0.3, 0.0, 5e5, 0.0, -0.3, 5.3e6), tolerance_px=1.5, regularise=True)
    collection.finish(MARK, record)
    assert collection.read(MARK) == record


def test_a_marker_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    collection.finish(MARK, RECORD)
    place = tmp_path / "ledger" / f"{MARK.stem}.json"
    content = json.loads(place.read_text())
    for name in ("transform", "tolerance_px", "regularise"):
        del content[name]
    place.write_text(json.dumps(content))
    found = collection.read(MARK)
    assert (found.transform, found.regularise) == (None, None)


def test_a_distance_to_the_training_comes_back_and_is_left_out_where_it_is_not_known(tmp_path: Path) -> None:
    collection, far = Collection(str(tmp_path)), replace(RECORD, drift={"pixels": 0.31, "confidence": 0.05})
    collection.finish(MARK, far)
    assert collection.read(MARK) == far
    assert b"drift" not in RECORD.as_json(), "markers of models without statistics are as they were"
    for broken in ("far", [1], {"pixels": "far"}):
        storage.write_bytes(collection.place("ledger", f"{MARK.stem}.json"), _with_drift(broken))
        with pytest.raises(DataError, match="is not a scene marker"):
            collection.read(MARK)


def _with_drift(value: object) -> bytes:
    return json.dumps(json.loads(RECORD.as_json()) | {"drift": value}).encode()
