from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from components.core.collection.layer.ids import Change, inherit_ids
from components.core.errors import DataError
from tests.components.core.collection.layer.drawing import scenes
from tests.components.core.collection.layer.small_collections import Building, SmallScene, rows_of

OLD = (Building("a", 0, 0), Building("b", 2, 0), Building("c", 4, 0), Building("d", 6, 0))


def test_a_building_that_is_found_again_keeps_its_id() -> None:
    new = (
        Building("p", 6, 0),
        Building("q", 4.2, 0),
        Building("r", 2.6, 0),
        Building("s", 8, 0),
    )

    found = inherit_ids(rows_of(new), rows_of(OLD))

    assert found.rows["id"].to_pylist() == ["d", "c", "r", "s"]
    assert found.change == Change(new=2, gone=2, kept=1, changed=1)
    assert found.rows.drop_columns(["id"]) == rows_of(new).drop_columns(["id"])


def test_the_closest_pair_goes_first_and_each_footprint_once() -> None:
    new = (Building("p", 0.3, 0), Building("q", 0.1, 0))

    assert inherit_ids(rows_of(new), rows_of(OLD)).rows["id"].to_pylist() == ["p", "a"]


def test_an_id_never_passes_to_another_building() -> None:
    new = (Building("q", 0, 0), Building("a", 9, 0), Building("b", 2, 5), Building("q", 9, 9))

    ids = inherit_ids(rows_of(new), rows_of(OLD)).rows["id"].to_pylist()

    assert ids[0] == "a"
    assert len(set(ids)) == 4
    assert not {"a", "b", "c", "d"} & set(ids[1:])


def test_a_building_of_another_scene_keeps_its_id_and_its_first_day() -> None:
    new = (Building("p", 0.1, 0), Building("q", 2, 0.1), Building("r", 9, 0))
    shown = rows_of((Building("e", 0, 0), Building("f", 4, 0)), "old.tif", "2025-01-01")

    found = inherit_ids(rows_of(new, "new.tif", "2026-01-01"), rows_of(()), shown)

    assert found.rows["id"].to_pylist() == ["e", "q", "r"]
    assert found.rows["first_seen"].to_pylist() == ["2025-01-01", "2026-01-01", "2026-01-01"]
    assert found.rows["last_seen"].to_pylist() == ["2026-01-01"] * 3


def test_the_same_scene_comes_first_unless_another_one_shows_its_building() -> None:
    new = (Building("p", 0, 0), Building("q", 2, 0))
    shown = rows_of((Building("b", 2, 0.1), Building("x", 0, 0), Building("c", 7, 7)))

    found = inherit_ids(rows_of(new), rows_of(OLD), shown)

    assert found.rows["id"].to_pylist() == ["a", "b"]
    assert found.change == Change(new=0, gone=2, kept=2)


def test_of_two_halves_one_inherits_at_most() -> None:
    """What lies beside each other is not the same, and both would lose a part of the ground if it were."""
    halves = (Building("p", 0, 0, 0.51), Building("q", 0.51, 0, 0.49))

    assert inherit_ids(rows_of(halves), rows_of(OLD)).rows["id"].to_pylist() == ["a", "q"]


@given(scenes("s"), scenes("t"), scenes("u"))
def test_ids_stay_unique_whoever_shows_them(new: SmallScene, old: SmallScene, other: SmallScene) -> None:
    found = inherit_ids(rows_of(new.buildings), rows_of(old.buildings), rows_of(other.buildings))

    ids = found.rows["id"].to_pylist()
    assert len(set(ids)) == len(new.buildings)


@given(scenes("s"), scenes("t"))
def test_ids_are_unique_and_whatever_changes_is_counted(new: SmallScene, old: SmallScene) -> None:
    found = inherit_ids(rows_of(new.buildings), rows_of(old.buildings))

    ids = found.rows["id"].to_pylist()
    change = found.change
    assert len(set(ids)) == len(new.buildings) == change.new + change.kept + change.changed
    assert len(old.buildings) == change.gone + change.kept + change.changed
    inherited = set(ids) & {building.id for building in old.buildings}
    assert len(inherited) == change.kept + change.changed


@given(scenes("s"))
def test_the_same_detection_again_changes_nothing(scene: SmallScene) -> None:
    apart = tuple(replace(building, width=min(building.width, 1.0)) for building in scene.buildings)
    renamed = tuple(replace(building, id=f"other-{building.id}") for building in apart)

    found = inherit_ids(rows_of(renamed), rows_of(apart))

    assert found.rows == rows_of(apart)
    assert found.change == Change(kept=len(apart))


def test_files_serve_as_tables_do(tmp_path: Path) -> None:
    pq.write_table(rows_of(OLD), tmp_path / "old.parquet")
    pq.write_table(rows_of((Building("x", 0, 0),)), tmp_path / "new.parquet")

    found = inherit_ids(tmp_path / "new.parquet", str(tmp_path / "old.parquet"))

    assert found.rows["id"].to_pylist() == ["a"]


def test_what_is_no_footprints_is_refused_with_its_place(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "old.parquet")
    (tmp_path / "older.parquet").write_bytes(b"nothing")

    for name in ("old.parquet", "older.parquet"):
        with pytest.raises(DataError, match=f"{name}.*marker"):
            inherit_ids(rows_of(OLD), tmp_path / name)
