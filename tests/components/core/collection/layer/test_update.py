from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from components.core import storage
from components.core.collection.layer.ids import Change
from components.core.collection.layer.index import CollectionLayer, read_layer
from components.core.collection.layer.update import LayerUpdate, update_layer
from components.core.collection.ledger import Collection, Mark
from components.core.errors import DataError
from tests.components.core.collection.layer.drawing import collections
from tests.components.core.collection.layer.killing import killed_at
from tests.components.core.collection.layer.small_collections import (
    Building,
    SmallScene,
    finish,
    finish_all,
    layer_files,
    opened_files,
    told,
)

IMAGES = "/imagery"

WEST_TOWN = SmallScene(
    "west-1",
    0,
    0,
    10,
    10,
    (Building("w1", 1, 1), Building("w2", 8.5, 5, confidence=0.9), Building("w3", 9.5, 2, 0.5, touches_edge=True)),
)
EAST_TOWN = SmallScene(
    "east-1", 8, 0, 10, 10, (Building("e1", 8.6, 5), Building("e2", 9.5, 2), Building("e3", 15, 1)), "2026-05-01"
)
FAR_TOWN = SmallScene("far-1", 100, 0, 10, 10, (Building("f1", 101, 1), Building("f2", 104, 1)))


def _updated(collection: Collection, scenes: Sequence[SmallScene], checkpoint: int = 1000) -> LayerUpdate:
    finish_all(collection, scenes)
    return update_layer(collection, IMAGES, collection.marks(), checkpoint=checkpoint)


def unchanged(update: LayerUpdate) -> int:
    """How many partitions stayed as they were."""
    return len(update.layer.partitions) - len(update.rewritten)


def _fresh(scenes: Sequence[SmallScene]) -> dict[str, bytes]:
    """The layer that these scenes give with nothing there before."""
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(folder)
        _updated(collection, scenes)
        return layer_files(collection)


def test_each_building_is_there_once(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))

    update = _updated(collection, [WEST_TOWN, EAST_TOWN, FAR_TOWN])

    assert update.rewritten == ("east-1", "far-1", "west-1")
    assert (update.removed, unchanged(update)) == ((), 0)
    assert told(collection) == Change(new=6)
    layer = read_layer(collection)
    assert layer == update.layer
    assert layer is not None
    assert (layer.footprints, layer.duplicates, layer.area_m2) == (6, 2, 600.0)
    west = layer.partitions["west-1"]
    assert (west.footprints, west.duplicates, west.bounds) == (1, 2, WEST_TOWN.bounds)
    assert west.mark == WEST_TOWN.mark.stem


def test_nothing_is_read_or_written_when_nothing_has_changed(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [WEST_TOWN, EAST_TOWN])
    marks = list(collection.marks())
    for mark in marks:
        collection.retire(mark)  # nothing of the scenes is there to be read
    before = {found.uri: found.etag for found in storage.list_objects(str(tmp_path))}

    update = update_layer(collection, IMAGES, marks)

    assert (update.rewritten, update.removed, unchanged(update)) == ((), (), 2)
    assert {found.uri: found.etag for found in storage.list_objects(str(tmp_path))} == before


def test_only_what_a_change_concerns_is_written(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [WEST_TOWN, EAST_TOWN, FAR_TOWN])
    told(collection)
    grown = replace(FAR_TOWN, version="ab", buildings=(*FAR_TOWN.buildings, Building("f3", 106, 1)))

    update = _updated(collection, [WEST_TOWN, EAST_TOWN, grown])

    assert (update.rewritten, unchanged(update)) == (("far-1",), 2)
    assert told(collection) == Change(new=1, kept=2)


def test_neighbours_of_a_scene_that_is_gone_show_what_it_showed(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [WEST_TOWN, EAST_TOWN, FAR_TOWN])
    told(collection)

    update = _updated(collection, [WEST_TOWN, FAR_TOWN])

    assert (update.rewritten, update.removed, unchanged(update)) == (("west-1",), ("east-1",), 1)
    assert not storage.exists(collection.partition("east-1"))
    assert told(collection) == Change(kept=3, uncovered=1), "nobody looks at the ground of one house any more"
    assert layer_files(collection) == _fresh([WEST_TOWN, FAR_TOWN])


def test_a_newer_image_of_the_same_ground_is_no_change_of_the_buildings(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [FAR_TOWN])
    told(collection)
    newer = replace(
        FAR_TOWN,
        id="far-2",
        captured="2027-01-01",
        buildings=(Building("n1", 101.1, 1), Building("n2", 104, 1.1), Building("n3", 107, 7)),
    )

    update = _updated(collection, [FAR_TOWN, newer])

    assert told(collection) == Change(new=1, kept=2)
    assert update.layer.footprints == 3


def test_outlines_that_differ_count_as_changed(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [FAR_TOWN])
    told(collection)
    again = replace(FAR_TOWN, version="ab", buildings=(Building("f1", 101, 1, 1.2), Building("f9", 104, 1)))

    _updated(collection, [again])

    assert told(collection) == Change(new=1, gone=1, changed=1)


def test_a_collection_without_scenes_has_an_empty_layer(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [FAR_TOWN])

    update = _updated(collection, [])

    assert update.removed == ("far-1",)
    assert read_layer(collection) == CollectionLayer(IMAGES)
    assert set(layer_files(collection)) == {"layer.json"}


@pytest.mark.parametrize("content", [None, b"{}", b"no json"])
def test_the_layer_is_made_anew_where_its_description_is_lost(tmp_path: Path, content: bytes | None) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [WEST_TOWN, EAST_TOWN, FAR_TOWN])
    finish_all(collection, [WEST_TOWN, EAST_TOWN])
    (tmp_path / "layer.json").unlink()
    if content is not None:
        (tmp_path / "layer.json").write_bytes(content)
    (tmp_path / "layer" / "west-1.parquet").write_bytes(b"broken")

    update = _updated(collection, [WEST_TOWN, EAST_TOWN])

    assert update.removed == ("far-1",)
    assert layer_files(collection) == _fresh([WEST_TOWN, EAST_TOWN])


@pytest.mark.parametrize("content", [None, b"broken", b""])
def test_a_part_of_the_layer_that_is_lost_is_made_anew(tmp_path: Path, content: bytes | None) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [WEST_TOWN, EAST_TOWN, FAR_TOWN])
    part = tmp_path / "layer" / "west-1.parquet"
    part.unlink()
    if content is not None:
        part.write_bytes(content)
    newer = replace(WEST_TOWN, id="west-2", captured="2027-01-01")

    _updated(collection, [WEST_TOWN, EAST_TOWN, FAR_TOWN, newer])

    assert layer_files(collection) == _fresh([WEST_TOWN, EAST_TOWN, FAR_TOWN, newer])


@pytest.mark.parametrize("fields", [("last_dropped",), ("joined", "joins", "grid"), ("grid.regularise",)])
def test_a_layer_of_an_earlier_release_is_made_anew(tmp_path: Path, fields: tuple[str, ...]) -> None:
    collection = Collection(str(tmp_path))
    _updated(collection, [WEST_TOWN, EAST_TOWN])
    expected = layer_files(collection)
    said = json.loads((tmp_path / "layer.json").read_text())
    for part in said["partitions"]:
        for field in fields:
            *outer, name = field.split(".")
            del (part[outer[0]] if outer else part)[name]
    (tmp_path / "layer.json").write_text(json.dumps(said))

    _updated(collection, [WEST_TOWN, EAST_TOWN])

    assert layer_files(collection) == expected


def _capture(number: int) -> SmallScene:
    """One of many of the same ground, each a little beside the others."""
    beside = 0.01 * (number % 7)
    buildings = tuple(Building(f"b{n}-{number}", 1 + 2 * n + beside, 1) for n in range(4))
    return SmallScene(f"c{number:03}", 0, 0, 10, 4, buildings, f"2026-01-01T00:{number:02}:00Z")


def test_one_more_capture_costs_what_it_changes(tmp_path: Path) -> None:
    """However many there are: the files that are opened are those of the new one and of the one that it replaces."""
    opened: dict[int, list[str]] = {}
    for count in (4, 40):
        collection = Collection(str(tmp_path / str(count)))
        _updated(collection, [_capture(number) for number in range(count)])
        told(collection)
        finish(collection, _capture(count))
        marks = list(collection.marks())
        with opened_files(tmp_path) as opened[count]:
            update = update_layer(collection, IMAGES, marks)
        assert update.rewritten == (f"c{count - 1:03}", f"c{count:03}")
        change = told(collection)
        assert change == Change(changed=change.changed, kept=change.kept)
        assert update.layer.footprints == 4
    of_its_own = re.compile(r"/(4|40)(/|$)|\.?[0-9a-f]{16,}|c\d{3}|\d{4}-\d\d-\d\dT\S+Z-[0-9a-f]{8}")
    names = [sorted(of_its_own.sub("", name) for name in opened[count]) for count in opened]
    assert names[0] == names[1]


def test_two_marks_of_a_scene_are_refused(tmp_path: Path) -> None:
    marks = [Mark("town-1", version, "bb") for version in ("aa", "ab")]

    with pytest.raises(ValueError, match=r"town-1\.ab\.bb.*town-1\.aa\.bb"):
        update_layer(Collection(str(tmp_path)), IMAGES, marks)


def test_broken_footprints_are_refused_with_their_place(tmp_path: Path) -> None:
    collection = Collection(str(tmp_path))
    mark = finish(collection, FAR_TOWN)
    place = storage.join_uri(collection.scene_folder(mark), "footprints.parquet")
    storage.write_bytes(place, b"no parquet")

    with pytest.raises(DataError, match=f"{place}.*delete the scene's marker"):
        update_layer(collection, IMAGES, [mark])


@settings(max_examples=60)
@given(collections(), collections(), collections())
def test_the_layer_depends_on_the_ledger_alone(
    first: list[SmallScene], second: list[SmallScene], last: list[SmallScene]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(folder)
        for version, scenes in (("01", first), ("02", second), ("03", last)):
            _updated(collection, [replace(scene, version=version + scene.version) for scene in scenes])

        expected = _fresh([replace(scene, version="03" + scene.version) for scene in last])
        assert layer_files(collection) == expected


AFTER = [replace(EAST_TOWN, version="ab", captured="2024-05-01"), FAR_TOWN, replace(FAR_TOWN, id="far-2")]
"""After west, east and far: one scene gone, one changed, one new, and one that leaves its buildings or gets them."""


@pytest.mark.parametrize("checkpoint", [1, 1000])
@pytest.mark.parametrize("then", [AFTER, [WEST_TOWN, EAST_TOWN, FAR_TOWN], [WEST_TOWN, FAR_TOWN]])
def test_a_run_that_is_killed_anywhere_leaves_what_the_next_one_mends(
    tmp_path: Path, checkpoint: int, then: list[SmallScene]
) -> None:
    expected = _fresh(then)
    event = 0
    came_so_far = True
    while came_so_far:
        event += 1
        collection = Collection(str(tmp_path / str(event)))
        _updated(collection, [WEST_TOWN, EAST_TOWN, FAR_TOWN])
        finish_all(collection, AFTER)
        came_so_far = killed_at(
            event, lambda place=collection: update_layer(place, IMAGES, place.marks(), checkpoint=checkpoint)
        )

        _updated(collection, then)

        assert layer_files(collection) == expected
    assert event > 5
