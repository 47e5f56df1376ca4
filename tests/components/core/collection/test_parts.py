"""What shards leave for publication, on disk and in object storage."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.core import storage
from components.core.collection.parts import KEPT, fetched_parts, put_part, remove_parts
from components.core.collection.plan import Plan
from components.core.errors import StorageError
from components.core.geometry import Size
from components.core.project import Item, ProjectMeta, open_project, write_manifest
from tests.components.core.collection.test_plan import PLAN
from tests.s3_server import S3Server

META = ProjectMeta("inf_splitted")


@pytest.fixture(params=["disk", "object storage"])
def plan(request: pytest.FixtureRequest, tmp_path: Path) -> Plan:
    if request.param == "disk":
        return replace(PLAN, output_uri=str(tmp_path / "out"), shards=3)
    server: S3Server = request.getfixturevalue("s3_environment")
    bucket = f"parts-{secrets.token_hex(4)}"
    server.make_bucket(bucket)
    return replace(PLAN, output_uri=f"s3://{bucket}/out", shards=3)


def project(folder: Path, *names: str) -> Path:
    write_manifest(folder, META, [Item("ds", name, Size(4, 4)) for name in names])
    return folder


def labels(plan: Plan) -> list[list[str]]:
    with fetched_parts(plan) as parts:
        return [[found.label(index) for index in range(len(found))] for found in map(open_project, parts)]


def test_parts_come_back_in_the_order_of_the_shards(plan: Plan, tmp_path: Path) -> None:
    put_part(plan, "3/3", project(tmp_path / "c", "c"))
    put_part(plan, "1/3", project(tmp_path / "a", "a", "b"))
    assert labels(plan) == [["ds/a", "ds/b"], ["ds/c"]], "a shard that left nothing is ignored"


def test_another_try_of_a_shard_replaces_the_first(plan: Plan, tmp_path: Path) -> None:
    put_part(plan, "1/3", project(tmp_path / "first", "a", "b"))
    put_part(plan, "1/3", project(tmp_path / "second", "z"))
    assert labels(plan) == [["ds/z"]]


def test_a_part_without_its_last_file_is_none(plan: Plan, tmp_path: Path) -> None:
    put_part(plan, "1/3", project(tmp_path / "a", "a"))
    (meta,) = [found for found in storage.list_objects(plan.output_uri) if found.uri.endswith("meta.json")]
    storage.delete(meta.uri)
    assert labels(plan) == []


def test_parts_are_removed_when_they_are_published_and_those_of_others_when_they_are_old(
    plan: Plan, tmp_path: Path
) -> None:
    other = replace(plan, run="0" * 16)
    put_part(plan, "1/3", project(tmp_path / "a", "a"))
    put_part(other, "1/3", project(tmp_path / "b", "b"))

    remove_parts(plan)
    assert labels(plan) == [] and labels(other) == [["ds/b"]], "another run may be at work"

    remove_parts(plan, now=datetime.now(UTC) + KEPT + timedelta(minutes=1))
    assert list(storage.list_objects(plan.output_uri)) == []


def test_removing_that_stops_half_way_leaves_no_broken_part(plan: Plan, tmp_path: Path) -> None:
    for number in (1, 2):
        put_part(plan, f"{number}/3", project(tmp_path / str(number), "a"))
    removed: list[str] = []
    delete = storage.delete

    def delete_two(uri: str) -> None:
        if len(removed) == 2:
            raise StorageError(f"{uri}: cannot delete it")
        removed.append(uri)
        delete(uri)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(StorageError, match="cannot delete it"):
        patch.setattr(storage, "delete", delete_two)
        remove_parts(plan)

    assert labels(plan) == [], "what is left of a part counts for nothing"
    assert list(storage.list_objects(plan.output_uri))
    remove_parts(plan)
    assert list(storage.list_objects(plan.output_uri)) == []


def test_removed_parts_leave_no_empty_folders(tmp_path: Path) -> None:
    plan = replace(PLAN, output_uri=str(tmp_path / "out"), shards=3)
    put_part(plan, "1/3", project(tmp_path / "a", "a"))
    put_part(replace(plan, run="0" * 16), "1/3", project(tmp_path / "b", "b"))
    remove_parts(plan)
    assert [folder.name for folder in (tmp_path / "out" / "parts").iterdir()] == ["0" * 16]


def test_runs_have_names_of_their_own() -> None:
    again = replace(PLAN, run=replace(PLAN).run)
    assert again.run == PLAN.run
    fields = {name: getattr(PLAN, name) for name in Plan.__slots__ if name != "run"}
    assert Plan(**fields).run != PLAN.run
    assert Plan(**fields) == PLAN, "a plan is the same, whichever run made it"
