"""Collections of earlier releases brought up to date by this one.

Those did not put rows in Hilbert order, nor say when a building was seen first or what became of its outline.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.core.collection.layer import tables
from components.core.collection.layer.exports import export_layer
from components.core.collection.layer.update import update_layer
from components.core.collection.ledger import Collection
from components.core.footprints.geoparquet import geoparquet_bytes
from components.core.footprints.hilbert import WORLD
from tests.components.core.collection.layer.drawing import collections
from tests.components.core.collection.layer.small_collections import (
    Building,
    SmallScene,
    finish,
    finish_all,
    layer_files,
)
from tests.geoparquet_checks import check_geoparquet

HOUSES = tuple(Building(f"w{n}", 5 * n % 9, 2 * n % 9) for n in range(9))
WEST = SmallScene("west-1", 0, 0, 10, 10, HOUSES, "2025-06-01")
EAST = SmallScene("east-1", 8, 0, 10, 10, (Building("e1", 8, 5), Building("e2", 15, 1)), "2026-05-01")


@contextmanager
def earlier_release() -> Iterator[None]:
    """Files are written in the order in which rows come, and without the columns that came later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "in_hilbert_order", lambda rows, _: rows)
        patch.setattr(tables, "geoparquet_bytes", _without_later_columns)
        yield


def _without_later_columns(table: pa.Table, *arguments: Any) -> bytes:
    return geoparquet_bytes(table.drop_columns([*tables.STAND_INS]), *arguments)


def _of_earlier_release(folder: str, scenes: Sequence[SmallScene]) -> Collection:
    collection = Collection(folder)
    with earlier_release():
        finish_all(collection, scenes)
        _update(collection)
    return collection


def _update(collection: Collection) -> None:
    update_layer(collection, "/imagery", collection.marks())


def _rows(collection: Collection, scene: SmallScene) -> pa.Table:
    return pq.read_table(collection.partition(scene.id))


def test_a_partition_stays_until_its_scene_changes(tmp_path: Path) -> None:
    collection = _of_earlier_release(str(tmp_path), [WEST])
    before = layer_files(collection)

    _update(collection)

    assert layer_files(collection) == before
    assert _rows(collection, WEST)["id"].to_pylist() == [house.id for house in HOUSES]


def test_a_partition_that_is_rewritten_is_in_order(tmp_path: Path) -> None:
    """Though its scene's file is not: what was dropped of that is still known by its rows."""
    collection = _of_earlier_release(str(tmp_path), [WEST])

    finish(collection, EAST)
    _update(collection)

    kept = sorted(_rows(collection, WEST)["id"].to_pylist())
    assert kept == sorted({house.id for house in HOUSES} - {"w7"})
    check_geoparquet(collection.partition(WEST.id), WORLD)
    collection.retire(EAST.mark)
    _update(collection)
    assert sorted(_rows(collection, WEST)["id"].to_pylist()) == sorted(house.id for house in HOUSES)
    check_geoparquet(collection.partition(WEST.id), WORLD)


def test_the_day_of_capture_stands_for_what_is_not_said_and_the_status_is_null(tmp_path: Path) -> None:
    """In what is read of partitions that stay, of scenes, and in partitions that are made of these."""
    collection = _of_earlier_release(str(tmp_path), [WEST])
    assert set(_exported(collection).values()) == {(*("2025-06-01",) * 3, None)}
    finish(collection, EAST)
    _update(collection)

    assert _rows(collection, WEST)["status"].null_count == len(HOUSES) - 1
    found = _exported(collection)
    assert found["w1"] == (*("2025-06-01",) * 3, None) and found["e2"] == (*("2026-05-01",) * 3, "regular")
    assert found["e1"] == ("2026-05-01", "2025-06-01", "2026-05-01", "regular"), "w7 is the same building"


def _exported(collection: Collection) -> dict[str, tuple[str | None, ...]]:
    """Days and status by id."""
    (file,) = export_layer(collection, ["geojsonl"])
    rows = [json.loads(line)["properties"] for line in Path(file).read_text().splitlines()]
    return {row["id"]: tuple(row[name] for name in ("captured", *tables.STAND_INS)) for row in rows}


@settings(max_examples=25, deadline=None)
@given(collections(), st.lists(st.sets(st.integers(0, 4)), min_size=3, max_size=3))
def test_the_layer_is_what_it_would_be_without_an_earlier_release(
    known: Sequence[SmallScene], shown: Sequence[set[int]]
) -> None:
    stages = [[known[number] for number in sorted(numbers) if number < len(known)] for numbers in shown]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        collection, fresh = _of_earlier_release(folder, stages[0]), Collection(other)
        for scenes in stages[1:]:
            finish_all(collection, scenes)
            _update(collection)
        finish_all(fresh, stages[-1])
        _update(fresh)

        assert _said(collection) == _said(fresh)
        for scene in stages[-1]:
            found, wanted = (sorted(_rows(place, scene)["id"].to_pylist()) for place in (collection, fresh))
            assert found == wanted


def _said(collection: Collection) -> list[dict[str, object]]:
    """What is said of each partition, but for the places that its rows have in the scene's file."""
    parts = json.loads(layer_files(collection)["layer.json"])["partitions"]
    return [
        {name: value for name, value in part.items() if name not in ("dropped", "joins", "sightings")} for part in parts
    ]
