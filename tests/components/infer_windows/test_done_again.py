"""What inference does again, what it leaves out, and what a run that was killed leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.core.command.run import stage_main
from components.core.errors import DataError, StorageError, TooManySkippedError
from components.core.geometry import Size
from components.core.network.model_artifact import load_model, save_model
from components.core.project import Item
from tests.builders import files_below, scene_item
from tests.components.infer_windows.small import (
    CONFIG,
    SIZE,
    SOFT,
    arguments,
    bitmaps,
    infer,
    raster,
    save_pair_model,
    write_project,
)

PADDED = 'use at most 40, or "pad": "reflect" under "mode", which lets windows reach over the image\'s border'


def test_finished_scenes_are_not_done_again(project: Path, model: Path) -> None:
    _, _, first = infer(project, model)
    written = {path: path.stat().st_mtime_ns for path in (project.parent / "data").rglob("*.tif")}

    report, _, again = infer(project, model)

    assert again == first
    assert (report.scenes, report.reused, report.megapixels) == (2, 2, 0)
    assert {path: path.stat().st_mtime_ns for path in (project.parent / "data").rglob("*.tif")} == written


def test_what_decides_on_the_result_is_done_again(project: Path, model: Path, tmp_path: Path) -> None:
    infer(project, model)
    wider = {"mode": CONFIG["mode"] | {"window": {"height": 48, "width": 64}}}
    assert infer(project, model, config=CONFIG | wider)[0].reused == 0
    assert infer(project, model, config=CONFIG | {"model_classes": {"add_suffix": "_x"}})[0].reused == 2

    loaded = load_model(model)
    loaded.network.head.bias.data += 0.01
    save_model(tmp_path / "other", loaded.network, loaded.config, {})
    assert infer(project, tmp_path / "other")[0].reused == 0

    scene_item(tmp_path, "austin1", SIZE, seed=7)
    assert infer(project, model)[0].reused == 1


def test_what_lacks_its_mask_or_record_is_made_again_from_the_probabilities(project: Path, model: Path) -> None:
    _, _, items = infer(project, model)
    expected = files_below(project.parent / "data")
    masks = [Path(item.rasters["classes"]) for item in items]

    masks[0].with_suffix(".json").write_text('{"key": "')
    masks[1].unlink()

    report, _, again = infer(project, model)
    assert (report.reused, again) == (2, items) and report.network_seconds == 0
    assert files_below(project.parent / "data") == expected


@pytest.mark.parametrize("broken", ['{"key": "', '{"key": "other", "bytes": [1]}', "[]"])
def test_probabilities_whose_record_is_broken_are_inferred_again(project: Path, model: Path, broken: str) -> None:
    _, _, items = infer(project, model)
    expected = files_below(project.parent / "data")
    probability = Path(items[0].rasters["probability"])
    Path(f"{probability}.json").write_text(broken)
    Path(items[0].rasters["classes"]).unlink()

    assert infer(project, model)[0].reused == 1
    assert files_below(project.parent / "data") == expected


@pytest.mark.parametrize(("raster_kind", "reused"), [("classes", 2), ("confidence", 2), ("probability", 1)])
def test_a_raster_that_was_cut_off_is_done_again(project: Path, model: Path, raster_kind: str, reused: int) -> None:
    _, _, items = infer(project, model)
    expected = files_below(project.parent / "data")
    cut_off = Path(items[0].rasters[raster_kind])
    os.truncate(cut_off, cut_off.stat().st_size - 1)

    report, _, again = infer(project, model)

    assert (report.reused, again) == (reused, items)
    assert files_below(project.parent / "data") == expected


def test_another_threshold_needs_no_network(project: Path, tmp_path: Path) -> None:
    model = save_pair_model(tmp_path / "soft", SOFT)
    infer(project, model)
    for number, threshold in enumerate((0.3, {"untitled": 0.4}, None)):
        config = CONFIG | {"threshold": threshold}
        report, _, items = infer(project, model, config=config)
        assert (report.reused, report.network_seconds) == (2, 0)
        fresh = infer(project, model, config=config, data_root=str(tmp_path / f"fresh{number}"))[2]
        for item, other in zip(items, fresh, strict=True):
            for role in ("classes", "confidence", "probability"):
                assert np.array_equal(raster(item.rasters[role]), raster(other.rasters[role]))
            assert bitmaps(item).keys() == bitmaps(other).keys()
            for title, bitmap in bitmaps(item).items():
                assert (bitmap.window, bitmap.mask.area) == (
                    bitmaps(other)[title].window,
                    bitmaps(other)[title].mask.area,
                )


def test_probabilities_are_not_kept_where_they_are_not_wanted(project: Path, model: Path, tmp_path: Path) -> None:
    without = CONFIG | {"probabilities": False}
    _, _, items = infer(project, model, config=without)
    assert all(sorted(item.rasters) == ["classes", "confidence"] for item in items)
    assert not list((tmp_path / "data").rglob("*probability*"))
    assert infer(project, model, config=without | {"threshold": 0.3})[0].reused == 0
    assert infer(project, model, config=CONFIG)[0].reused == 0, "they are wanted now, and there are none"
    assert infer(project, model, config=CONFIG)[0].reused == 2


def test_a_place_that_cannot_be_written_is_found_before_the_network(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/predictions: cannot write it: Not a directory; a part of the path"):
        infer(project, tmp_path / "no model", data_root=str(tmp_path / "file"))


def test_bad_scenes_are_skipped_up_to_a_limit(tmp_path: Path, model: Path) -> None:
    good, broken, small = (scene_item(tmp_path, *entry) for entry in (("a", SIZE), ("b", SIZE), ("c", Size(40, 90))))
    assert broken.image is not None
    raster_file = Path(broken.image.uri)
    raster_file.write_bytes(raster_file.read_bytes()[:300_000])
    project = write_project(tmp_path, [good, broken, small])

    report, _, items = infer(project, model, image_tags=[], max_bad=2)

    assert [item.name for item in items] == ["a"]
    assert [scene.name for scene in report.skipped] == ["ds/b", "ds/c"]
    assert "b.tif: rows" in report.skipped[0].reason
    assert report.skipped[1].reason == (
        f"inference.config: mode.window.height: 48 exceeds the height 40 of the image; {PADDED}"
    )
    assert report.scalars()["skipped"] == 2


def test_one_bad_scene_too_many_ends_the_run_without_a_project(tmp_path: Path, model: Path) -> None:
    items = [scene_item(tmp_path, "a", SIZE), scene_item(tmp_path, "c", Size(90, 40))]
    project = write_project(tmp_path, items)

    with pytest.raises(TooManySkippedError, match=r"1 of 2 images .* max_bad allows 0.* ds/c: .*width: 48 exceeds"):
        infer(project, model, image_tags=[])
    assert not (tmp_path / "inf").exists()

    only_bad = write_project(tmp_path, items[1:])
    with pytest.raises(TooManySkippedError, match="but never all"):
        infer(only_bad, model, image_tags=[], max_bad=5)


def test_a_raster_that_is_gone_and_an_item_without_one_are_named(tmp_path: Path, model: Path) -> None:
    gone = scene_item(tmp_path, "a", SIZE)
    assert gone.image is not None
    Path(gone.image.uri).unlink()
    items = [gone, Item("ds", "b", SIZE), scene_item(tmp_path, "c", SIZE)]

    report, _, _ = infer(write_project(tmp_path, items), model, image_tags=[], max_bad=2)

    assert "a.tif: there is no such raster" in report.skipped[0].reason
    assert "has no image" in report.skipped[1].reason


def test_all_scenes_that_are_too_small_are_named_before_any_is_done(tmp_path: Path, model: Path) -> None:
    sizes = {"a": SIZE, "b": Size(40, 90), "c": SIZE, "d": Size(90, 40)}
    project = write_project(tmp_path, [scene_item(tmp_path, name, size) for name, size in sizes.items()])

    with pytest.raises(TooManySkippedError) as caught:
        infer(project, model, image_tags=[], max_bad=1)

    assert str(caught.value) == (
        "2 of 4 images skipped, and max_bad allows 1, but never all: "
        f"ds/b: inference.config: mode.window.height: 48 exceeds the height 40 of the image; {PADDED}; "
        f"ds/d: inference.config: mode.window.width: 48 exceeds the width 40 of the image; {PADDED}; "
        "fix or replace them, or set max_bad to at least 2 to go on without them"
    )
    assert not (tmp_path / "data").exists()
    padded = {"config": CONFIG | {"mode": CONFIG["mode"] | {"pad": "reflect"}}}
    assert infer(project, model, image_tags=[], **padded)[0].skipped == ()


def test_an_empty_project_is_passed_on_where_that_is_allowed(tmp_path: Path, model: Path) -> None:
    project = write_project(tmp_path, [])

    with pytest.raises(DataError, match="holds no item"):
        infer(project, model, image_tags=[])
    unloadable = tmp_path / "unloadable"
    unloadable.mkdir()
    (unloadable / "config.json").write_bytes((model / "config.json").read_bytes())
    (unloadable / "model.safetensors").write_bytes(b"never read")
    report, meta, items = infer(project, unloadable, image_tags=[], allow_empty=True)

    assert (report.scenes, report.seconds > 0, items) == (0, True, [])
    assert meta.titles == ("bg_dl", "untitled_dl")


def test_all_scenes_may_be_bad_where_that_is_allowed(tmp_path: Path, model: Path) -> None:
    project = write_project(tmp_path, [scene_item(tmp_path, "c", Size(90, 40)), Item("ds", "d", SIZE)])

    report, _, items = infer(project, model, image_tags=[], max_bad=2, allow_empty=True)

    assert items == [] and [scene.name for scene in report.skipped] == ["ds/c", "ds/d"]
    with pytest.raises(TooManySkippedError, match="2 of 2 images skipped, and max_bad allows 1: "):
        infer(project, model, image_tags=[], max_bad=1, allow_empty=True)


KILLED = """
import os, signal, sys
from components.core.command.run import stage_main

records = 0

def end_at_the_third_scenes_record(event, arguments):
    global records
    if event == "os.rename" and str(arguments[1]).endswith(".json"):
        records += 1
        if records == 5:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(end_at_the_third_scenes_record)
sys.exit(stage_main("infer_windows", sys.argv[1:]))
"""


def test_a_killed_run_loses_at_most_the_scene_in_work(tmp_path: Path, model: Path) -> None:
    items = [scene_item(tmp_path, f"town{seed}", Size(300, 300), seed) for seed in range(8)]
    project = write_project(tmp_path, items)
    killed, calm = tmp_path / "killed", tmp_path / "calm"
    command = [sys.executable, "-c", KILLED, *arguments(project, model, killed)]
    assert subprocess.run(command, capture_output=True).returncode == -signal.SIGKILL

    assert not (killed / "inf").exists()
    assert len(list((killed / "data" / "predictions").glob("town*.json"))) == 4
    for path in (killed / "data" / "predictions").glob("town*.tif"):
        assert raster(str(path)).shape == (300, 300)
    assert stage_main("infer_windows", arguments(project, model, killed)) == 0
    assert stage_main("infer_windows", arguments(project, model, calm)) == 0

    assert '"reused": 2' in (killed / "metrics.json").read_text()
    after = {name: data for name, data in files_below(killed / "data").items() if "/." not in name}
    assert after == files_below(calm / "data")


def test_a_place_that_cannot_be_written_is_no_bad_scene(project: Path, model: Path) -> None:
    (project.parent / "file").write_bytes(b"in the way")

    with pytest.raises(StorageError, match="file"):
        infer(project, model, data_root=str(project.parent / "file" / "data"), max_bad=9)
