from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio

from components.core import storage
from components.core.collection.identity import scene_id, version_of
from components.core.collection.plan import (
    DetectionReason,
    DetectionSettings,
    Plan,
    PlannedScene,
    ShardRows,
    read_plan,
    write_plan,
)
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.imagery.reading import describe
from components.core.project import open_project
from components.core.project.history import read_history
from components.core.project.parts import wanted_rows
from components.import_images.planned import import_planned
from tests.builders import CRS, TRANSFORM, noise, write_raster, write_tiled

SIZE = Size(1100, 700)


def planned(file: Path, *parts: ShardRows) -> PlannedScene:
    found = storage.stat(str(file))
    assert found is not None
    version = version_of(found.etag, found.size_bytes)
    name = scene_id(file.name)
    return PlannedScene(
        name, file.name, str(file), found.etag, found.size_bytes, version, SIZE, CRS, "", DetectionReason.NEW, parts
    )


def write(folder: Path, *scenes: PlannedScene) -> Path:
    shards = max(part.shard for scene in scenes for part in scene.parts)
    plan = Plan(str(folder), str(folder / "out"), "model", "ab", "cd", DetectionSettings("{}"), scenes, shards)
    write_plan(folder / "plan", plan)
    return folder / "plan"


def run(plan: Path, shard: str = "1/1") -> list:  # type: ignore[type-arg]
    project = plan.parent / f"project-{shard.replace('/', '-')}"
    import_planned(read_plan(plan), shard, project, data_root=str(plan.parent / "data"), workers=1)
    return list(open_project(project))


def test_scenes_are_named_by_their_ids_and_stay_where_they_are_tiled_or_not(tmp_path: Path) -> None:
    write_tiled(tmp_path / "tiled.tif", noise(SIZE))
    write_raster(tmp_path / "striped.tif", noise(SIZE))
    plan = write(
        tmp_path, *(planned(tmp_path / name, ShardRows(1, 0, SIZE.height)) for name in ("striped.tif", "tiled.tif"))
    )

    items = run(plan)

    assert [item.name for item in items] == [scene_id("striped.tif"), scene_id("tiled.tif")]
    assert [item.image.uri for item in items] == [str(tmp_path / "striped.tif"), str(tmp_path / "tiled.tif")]
    assert all("wanted_rows" not in item.extra for item in items)
    assert not (tmp_path / "data").exists()


def test_a_shard_gets_the_rows_that_the_plan_gives_it(tmp_path: Path) -> None:
    write_tiled(tmp_path / "town.tif", noise(SIZE))
    plan = write(tmp_path, planned(tmp_path / "town.tif", ShardRows(1, 0, 512), ShardRows(2, 512, SIZE.height)))

    (first,), (second,) = run(plan, "1/2"), run(plan, "2/2")

    assert first.size == second.size == SIZE
    assert (wanted_rows(first).bottom, wanted_rows(second).top) == (512, 512)
    (step,) = read_history(tmp_path / "project-2-2")
    assert (step.stage, step.scenes) == ("import_images", 1)
    assert step.megapixels == pytest.approx(700 * 588 / 1e6)


def test_what_changed_or_broke_after_the_plan_is_skipped_and_said_so(tmp_path: Path) -> None:
    for name in ("good", "gone", "replaced"):
        write_tiled(tmp_path / f"{name}.tif", noise(SIZE))
    (tmp_path / "broken.tif").write_bytes((tmp_path / "good.tif").read_bytes()[:50_000])
    names = ("broken", "gone", "good", "replaced")
    plan = write(tmp_path, *(planned(tmp_path / f"{name}.tif", ShardRows(1, 0, SIZE.height)) for name in names))
    (tmp_path / "gone.tif").unlink()
    write_tiled(tmp_path / "replaced.tif", noise(SIZE, seed=1))
    os.utime(tmp_path / "replaced.tif", (0, 0))  # another time, however coarse the file system's clock is

    items = run(plan)

    assert [item.name for item in items] == [scene_id("good.tif")]
    (step,) = read_history(tmp_path / "project-1-1")
    assert {entry.name: entry.reason.split(": ")[1][:12] for entry in step.skipped} == {
        scene_id("broken.tif"): "is truncated",
        scene_id("gone.tif"): "was deleted ",
        scene_id("replaced.tif"): "was replaced",
    }


def test_a_shard_of_broken_images_gives_an_empty_project(tmp_path: Path) -> None:
    (tmp_path / "broken.tif").write_bytes(b"nothing")
    plan = write(tmp_path, planned(tmp_path / "broken.tif", ShardRows(1, 0, SIZE.height)))

    assert run(plan) == []


def test_where_a_rewritten_image_has_no_data_is_kept(tmp_path: Path) -> None:
    pixels = noise(SIZE).astype(np.uint16) * 4 + 1
    pixels[:, :300] = 0
    profile = {"driver": "GTiff", "height": SIZE.height, "width": SIZE.width, "count": 3, "dtype": "uint16"}
    with rasterio.open(
        tmp_path / "deep.tif", "w", **profile, nodata=0, crs=CRS, transform=TRANSFORM, photometric="rgb"
    ) as file:
        file.write(pixels)
    plan = write(tmp_path, planned(tmp_path / "deep.tif", ShardRows(1, 0, SIZE.height)))

    (item,) = run(plan)

    assert describe(item.image.uri).bands == 4
    with rasterio.open(item.image.uri) as file:
        valid = file.dataset_mask() > 0
    assert not valid[:300].any() and valid[300:].all()
    assert item.image.pixels().shape == (3, SIZE.height, SIZE.width)


@pytest.mark.parametrize("shard", ["0/1", "2/1", "1/2"])
def test_a_shard_that_is_none_is_refused(tmp_path: Path, shard: str) -> None:
    write_tiled(tmp_path / "a.tif", noise(SIZE))
    plan = write(tmp_path, planned(tmp_path / "a.tif", ShardRows(1, 0, SIZE.height)))
    with pytest.raises(ConfigError, match=f"shard: '{shard}' is not a shard of the plan; it has one of 1/1 to 1/1"):
        run(plan, shard)
    assert not (tmp_path / "project").exists()
