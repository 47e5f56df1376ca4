"""What is planned, for imagery and collections on disk and in object storage alike."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio

from components.core import storage
from components.core.collection.identity import scene_id
from components.core.collection.plan import read_plan
from components.core.errors import ConfigError
from components.core.geometry import Size
from components.core.storage import StoredObject
from components.plan_imagery import headers
from tests.builders import CRS
from tests.components.plan_imagery.sites import SETTINGS, Site, summary
from tests.s3_server import S3Server


@pytest.fixture(params=["disk", "object storage"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    if request.param == "disk":
        return Site(str(tmp_path / "site"), tmp_path)
    server: S3Server = request.getfixturevalue("s3_environment")
    return Site(server.new_folder(), tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> Site:
    return Site(str(tmp_path / "site"), tmp_path)


def test_a_scene_is_new_done_changed_waiting_redone_and_retired(site: Site) -> None:
    site.put_image("2026/west.tif")
    east = site.put_image("2026/east.tif")

    first = site.plan()
    assert summary(first) == {"2026/east.tif": "new", "2026/west.tif": "new"}
    assert read_plan(site.work / "plan") == first
    site.finish(first)

    done = site.plan()
    assert summary(done) == {"done": 2}
    assert (done.scenes, done.shards) == ((), 0)

    site.put_image("2026/west.tif", seed=1)
    changed = site.plan()
    assert summary(changed) == {"2026/west.tif": "changed", "done": 1}
    site.finish(changed)
    assert summary(site.plan()) == {"done": 2}

    other = site.put_model(b"other weights", "other")
    site.put_image("2026/north.tif")
    assert summary(site.plan(model_uri=other)) == {"2026/north.tif": "new", "waiting": 2}
    redone = site.plan(model_uri=other, redo="all")
    assert summary(redone) == {"2026/east.tif": "redone", "2026/north.tif": "new", "2026/west.tif": "redone"}
    site.finish(redone)
    assert summary(site.plan(model_uri=other)) == {"done": 3}
    assert summary(site.plan()) == {"waiting": 3}

    storage.delete(east)
    retired = site.plan(model_uri=other)
    assert summary(retired) == {"done": 2, "retired": 1}
    assert retired.retired == (redone.mark(redone.scenes[0]),)
    site.finish(retired)
    assert summary(site.plan(model_uri=other)) == {"done": 2}


def test_what_a_plan_says_of_a_scene(site: Site) -> None:
    uri = site.put_image("survey 2026-11-22/west.TIF", Size(700, 300))

    plan = site.plan(shard_megapixels=1)

    (scene,) = plan.scenes
    stored = storage.stat(uri)
    assert stored is not None
    assert (scene.uri, scene.etag, scene.size_bytes) == (uri, stored.etag, stored.size_bytes)
    assert (scene.id, scene.key) == (scene_id(scene.key), "survey 2026-11-22/west.TIF")
    assert (scene.size, scene.crs, scene.captured) == (Size(700, 300), CRS, "2026-11-22")
    assert plan.shards == 1
    assert [(part.shard, part.top, part.bottom) for part in scene.parts] == [(1, 0, 700)]
    assert (plan.images_uri, plan.output_uri) == (site.images_uri, site.output_uri)


def test_what_is_no_image_is_passed_over(site: Site) -> None:
    site.put_image("west.tif")
    for key in (".hidden.tif", ".cache/east.tif", "a/.b/c.tif", "notes.txt", "west.tif.aux.xml"):
        storage.write_bytes(f"{site.images_uri}/{key}", b"no image")
    storage.write_bytes(f"{site.root}/imagery2/east.tif", b"below another prefix")

    assert summary(site.plan(images_uri=f"{site.images_uri}/")) == {"west.tif": "new"}


def test_outputs_below_the_imagery_are_no_imagery(site: Site) -> None:
    site.put_image("west.tif")
    site.put_image("footprints-2025/west.tif")
    output = f"{site.images_uri}/footprints"
    storage.write_bytes(f"{output}/scenes/a/b/mask.tif", b"a mask")

    assert summary(site.plan(output_uri=output)) == {"footprints-2025/west.tif": "new", "west.tif": "new"}
    with pytest.raises(ConfigError, match=r"output_uri: .*imagery is images_uri, too; give a place of its own"):
        site.plan(output_uri=site.images_uri)


def test_images_that_cannot_be_done_are_skipped_with_their_reasons(site: Site) -> None:
    site.put_image("good.tif")
    site.put_image("nowhere.tif", crs=None, transform=None)
    site.put_image("unplaced.tif", transform=None)
    site.put_image("local.tif", crs='LOCAL_CS["a town of its own",UNIT["metre",1]]')
    storage.write_bytes(f"{site.images_uri}/broken.tif", b"no image at all")

    plan = site.plan()

    assert summary(plan) == {"good.tif": "new", "left": 4}
    reasons = {entry.name: entry.reason for entry in plan.skipped}
    assert f"{site.images_uri}/broken.tif: cannot be opened" in reasons["broken.tif"]
    assert "has no CRS and no transform" in reasons["nowhere.tif"]
    assert "has no transform" in reasons["unplaced.tif"]
    assert "with no place on Earth" in reasons["local.tif"]


def test_an_image_that_broke_keeps_what_was_found_before(local: Site) -> None:
    uri = local.put_image("west.tif")
    local.finish(local.plan())
    storage.write_bytes(uri, b"half a file")

    plan = local.plan()

    assert summary(plan) == {"left": 1}
    assert not plan.retired


def test_no_header_of_a_done_image_is_opened(local: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    local.put_image("west.tif")
    local.put_image("east.tif")
    local.finish(local.plan())
    local.put_image("north.tif")
    opened = []
    really = headers.open_with_sides

    def watched(image: StoredObject) -> rasterio.DatasetReader:
        opened.append(image.uri)
        return really(image)

    monkeypatch.setattr(headers, "open_with_sides", watched)

    assert summary(local.plan()) == {"north.tif": "new", "done": 2}
    assert opened == [f"{local.images_uri}/north.tif"]


def test_a_large_scene_is_spread_over_shards(local: Site) -> None:
    local.put_image("small.tif")
    local.put_image("large.tif", Size(2100, 600), compress="deflate")

    plan = local.plan(shard_megapixels=0.4)

    large, small = plan.scenes
    assert plan.shards == 4
    assert [(part.top, part.bottom) for part in large.parts] == [(0, 512), (512, 1024), (1024, 1536), (1536, 2100)]
    assert sorted(part.shard for part in large.parts) == [1, 2, 3, 4]
    assert len(small.parts) == 1
    assert local.plan(shard_megapixels=0.4) == plan


def test_what_does_not_fit_is_left_to_the_next_run(local: Site) -> None:
    for index in range(5):
        local.put_image(f"{index}.tif", Size(500, 400))
    local.put_image("9_large.tif", Size(2100, 600), compress="deflate")
    options = {"shard_megapixels": 0.2, "max_shards": 2}

    done = []
    for _ in range(4):
        plan = local.plan(**options)
        assert plan.shards <= 2
        done.append(([scene.key for scene in plan.scenes], plan.postponed))
        local.finish(plan)

    assert done == [
        (["0.tif", "1.tif"], 4),
        (["2.tif", "3.tif"], 2),
        (["4.tif"], 1),
        (["9_large.tif"], 0),
    ], "a scene larger than a run is done alone"


def test_marks_that_a_killed_run_left_behind_are_retired(local: Site) -> None:
    local.put_image("west.tif")
    plan = local.plan()
    local.finish(plan)
    (mark,) = local.collection.marks()
    stale = [replace(mark, detector="00"), replace(mark, version="11")]
    record = local.collection.read(mark)
    for other in stale:
        local.collection.finish(other, record)

    assert local.plan().retired == tuple(sorted(stale))
    for shown, gone in ((mark, stale[0]), (stale[0], mark)):
        layer = {"images_uri": local.images_uri, "partitions": [{"scene": mark.scene, "mark": shown.stem}]}
        storage.write_bytes(local.collection.place("layer.json"), json.dumps(layer).encode())
        waiting = local.plan(settings=replace(SETTINGS, confidence=True))
        assert summary(waiting) == {"waiting": 1, "retired": 2}
        assert waiting.retired == tuple(sorted([gone, stale[1]]))


def test_a_collection_keeps_to_its_imagery(site: Site) -> None:
    site.put_image("west.tif")
    storage.write_bytes(f"{site.root}/elsewhere/west.tif", b"other imagery")
    first = site.plan()
    assert site.plan() == first, "a plan alone makes no collection"
    site.finish(first)
    words = f"images_uri: {site.root}/elsewhere is not {site.images_uri}, from which .*{site.output_uri}.*output_uri"

    with pytest.raises(ConfigError, match=words):
        site.plan(images_uri=f"{site.root}/elsewhere")
    storage.write_bytes(site.collection.place("layer.json"), json.dumps({"images_uri": site.images_uri}).encode())
    with pytest.raises(ConfigError, match=words):
        site.plan(images_uri=f"{site.root}/elsewhere")
    assert summary(site.plan()) == {"done": 1}
    storage.write_bytes(site.collection.place("layer.json"), json.dumps({"images_uri": "s3://older"}).encode())
    with pytest.raises(ConfigError, match=f"images_uri: {site.images_uri} is not s3://older"):
        site.plan()
    storage.write_bytes(site.collection.place("layer.json"), b"[")
    assert summary(site.plan()) == {"done": 1}, "publishing fixes a broken description"
    with pytest.raises(ConfigError, match=words):
        site.plan(images_uri=f"{site.root}/elsewhere")


def test_a_prefix_without_images_retires_nothing(site: Site) -> None:
    site.put_image("west.tif")
    site.finish(site.plan())
    storage.delete(f"{site.images_uri}/west.tif")
    storage.write_bytes(f"{site.images_uri}/notes.txt", b"no image")

    with pytest.raises(ConfigError, match=r"images_uri: no image .* below .*imagery; check the URI"):
        site.plan()
    assert len(list(site.collection.marks())) == 1


def test_one_line_says_what_is_planned(local: Site, caplog: pytest.LogCaptureFixture) -> None:
    local.put_image("west.tif")
    for number in range(12):
        storage.write_bytes(f"{local.images_uri}/broken{number:02}.tif", b"no image")

    with caplog.at_level(logging.INFO):
        local.plan()

    assert (
        "1 new, 0 changed, 0 redone (0 without the network), 0 done, 0 waiting, 0 retired, 12 skipped; "
        "0.0 megapixels for 1 shards" in caplog.messages
    )
    assert sum(message.startswith("skipped: broken") for message in caplog.messages) == 10
    assert "skipped: 2 more, which the plan names" in caplog.messages


def test_what_is_too_large_for_one_input_is_skipped_before_a_gpu_is_asked_for(
    local: Site, caplog: pytest.LogCaptureFixture
) -> None:
    local.put_image("small.tif", Size(50, 60))
    local.put_image("thin.tif", Size(2, 9000))

    def skipped(**mode: object) -> list[tuple[str, str]]:
        plan = local.plan(settings=replace(SETTINGS, inference_config=json.dumps({"mode": mode})))
        assert [scene.key for scene in plan.scenes] == ["small.tif"] and plan.shards == 1
        return [(entry.name, entry.reason) for entry in plan.skipped]

    ((name, reason),) = skipped(source="full_image")
    assert name == "thin.tif" and "which is 2×9000 px; the limit is 8192×8192 px; use 'sliding_window'" in reason
    assert "skipped: thin.tif: inference.config: mode.source: 'full_image'" in caplog.text
    ((_, reason),) = skipped(source="roi", bounds={"top": "1px", "bottom": "1px"})
    assert "top 1px and bottom 1px leave none of the 2 rows" in reason
    assert local.plan(settings=replace(SETTINGS, inference_config='{"mode": {"source": "roi"}}')).skipped
    assert not local.plan().skipped
