"""Footprints made again from what the network said: no network runs, and the bytes are those of a fresh run."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from components.core.collection.plan import DetectionSettings, read_plan
from components.core.errors import TooManySkippedError
from components.plan_imagery.report import write_plan_report
from components.publish_collection.remake import remake_scenes
from pipelines.documents import laptop_query
from tests.builders import write_tiled
from tests.detection.detecting import CONFIG, CRS, HALL, HOUSE, PLACE, SHED, SIZE, Detection, layer, town, write_three

LIKELY, UNLIKELY = 130, 124
"""Roofs of which the network is not sure: 0.6 and 0.3."""


def with_config(**keys: Any) -> str:
    return json.dumps(json.loads(CONFIG) | keys)


def write_scenes(folder: Path) -> None:
    """Three towns, and one with roofs of which the network is not sure and a corner without data."""
    write_three(folder)
    pixels = town(SIZE, HOUSE)
    for value, (top, left, height, width) in ((LIKELY, SHED), (UNLIKELY, HALL)):
        pixels[:, top : top + height, left : left + width] = value
    pixels[:, 250:, 200:] = 0
    write_tiled(folder / "unsure.tif", pixels, crs=CRS, transform=PLACE, nodata=0)


@pytest.fixture
def detected(detection: Detection) -> Detection:
    """A finished collection."""
    write_scenes(Path(detection.images))
    counts = detection.run()
    assert counts["scenes_published"] == 4
    return detection.with_options(redo="all")


def elsewhere(detection: Detection, name: str) -> Detection:
    """The same collection in another place, of which the network's answers are gone."""
    output = Path(detection.output).with_name(name)
    shutil.copytree(detection.output, output)
    for file in output.rglob("probability.tif"):
        file.unlink()
    return replace(detection, output=str(output), data_root=f"{detection.data_root}-{name}")


CHANGES = {
    "tolerance": DetectionSettings(CONFIG, tolerance="3 px"),
    "threshold": DetectionSettings(with_config(threshold=0.2)),
    "threshold by class": DetectionSettings(with_config(threshold={"untitled": 0.7})),
    "split": DetectionSettings(CONFIG, split_masks_query=json.dumps(laptop_query("split_masks_confident"))),
    "regularised": DetectionSettings(CONFIG, regularise=True, min_area_m2=70.0),
    "confidence": DetectionSettings(CONFIG, confidence=True),
    "class": DetectionSettings(with_config(model_classes={"add_suffix": "_x"}), class_title="untitled_x"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_settings_of_footprints_need_no_network_and_give_the_bytes_of_a_fresh_run(
    detected: Detection, tmp_path: Path, name: str
) -> None:
    settings = CHANGES[name]
    if name == "class":
        query = json.loads(json.dumps(laptop_query("split_masks")).replace("untitled_dl", "untitled_x"))
        settings = replace(settings, split_masks_query=json.dumps(query))
    changed = replace(detected, settings=settings)
    fresh = elsewhere(changed, "fresh")

    plan = changed.plan(tmp_path / "plan")
    assert (plan.shards, len(plan.remade)) == (0, 4) and not any(scene.parts for scene in plan.scenes)
    counts = changed.publish(tmp_path, [])
    assert (counts["scenes_published"], counts["scenes_failed"]) == (4, 0)

    work = tmp_path / "work"
    work.mkdir()
    assert len(fresh.plan(work / "plan").remade) == 0
    fresh.run()
    assert changed.files() == fresh.files()
    assert changed.plan(tmp_path / "again").scenes == ()


def test_what_changes_and_what_stays(detected: Detection) -> None:
    before = layer(detected).set_index("id")
    lower = replace(detected, settings=CHANGES["threshold"])
    lower.run()
    after = layer(lower).set_index("id")
    assert set(before.index) < set(after.index), "the unlikely roof is new, and the others keep their ids"
    assert len(after) == len(before) + 1
    replace(lower, settings=detected.settings).run()
    assert sorted(layer(detected).id) == sorted(before.index)


def test_probabilities_are_published_for_a_gis(detected: Detection) -> None:
    files = sorted(Path(detected.output).rglob("probability.tif"))
    assert len(files) == 4
    for file in files:
        assert cog_validate(file, strict=True)[:2] == (True, [])
        with rasterio.open(file) as opened, rasterio.open(file.with_name("mask.tif")) as mask:
            assert (opened.count, opened.nodata, opened.transform) == (1, mask.nodata, mask.transform)
            values, classes = opened.read(1), mask.read(1)
        known = classes != 255
        assert np.array_equal(classes[known], (values >= 128)[known]) and (values[~known] == 255).all()
        item = json.loads(file.with_name("item.json").read_text())
        assert item["assets"]["probability"]["href"] == "./probability.tif"


def test_large_scenes_and_many_are_remade_in_parts_and_batches(detected: Detection, tmp_path: Path) -> None:
    changed = replace(detected, settings=CHANGES["tolerance"])
    apart = elsewhere(changed, "apart")
    shutil.rmtree(apart.output)
    shutil.copytree(detected.output, apart.output)
    changed.run()

    plan = apart.plan(tmp_path / "plan")
    done = remake_scenes(plan, 1, batch_pixels=1, item_pixels=1)
    assert (len(done.finished), done.failures) == (4, ())
    kept = {name: data for name, data in changed.files().items() if name.startswith("scenes/")}
    new = {name: data for name, data in apart.files().items() if plan.detector in name and name.startswith("scenes/")}
    assert {name: data for name, data in kept.items() if plan.detector in name} == new


def test_another_network_or_other_imagery_goes_through_the_network(detected: Detection, tmp_path: Path) -> None:
    other = [
        DetectionSettings(with_config(precision="bfloat16")),
        DetectionSettings(with_config(mode=json.loads(CONFIG)["mode"] | {"flips": "both"})),
        DetectionSettings(CONFIG, bands="3,2,1"),
    ]
    for number, settings in enumerate(other):
        plan = replace(detected, settings=settings).plan(tmp_path / f"plan{number}")
        assert (len(plan.scenes), plan.remade) == (4, [])
    write_tiled(Path(detected.images) / "west.tif", town(SIZE, HALL), crs=CRS, transform=PLACE)
    plan = replace(detected, settings=CHANGES["tolerance"]).plan(tmp_path / "plan")
    assert sorted(scene.key for scene in plan.remade) == ["east/east_2026-11-20.tif", "south.tif", "unsure.tif"]
    assert plan.shards == 1 and [scene.key for scene in plan.scenes if scene.parts] == ["west.tif"]


def test_some_scenes_are_remade_while_others_go_through_the_network(detected: Detection) -> None:
    write_tiled(Path(detected.images) / "new.tif", town(SIZE, HALL), crs=CRS, transform=PLACE)
    changed = replace(detected, settings=CHANGES["tolerance"])
    counts = changed.run()
    assert (counts["scenes_published"], counts["scenes_failed"]) == (5, 0)
    assert {"new.tif", "west.tif"} <= set(layer(changed).source)


def test_probabilities_can_be_left_out(detection: Detection, tmp_path: Path) -> None:
    write_scenes(Path(detection.images))
    without = replace(detection, settings=DetectionSettings(with_config(probabilities=False)))
    without.run()
    assert not list(Path(without.output).rglob("probability.tif"))
    changed = replace(without, settings=replace(without.settings, tolerance="3 px")).with_options(redo="all")
    plan = changed.plan(tmp_path / "plan")
    assert (plan.shards, plan.remade) == (1, [])


def test_collections_of_earlier_releases_go_through_the_network_once(detected: Detection, tmp_path: Path) -> None:
    for marker in (Path(detected.output) / "ledger").glob("*.json"):
        record = json.loads(marker.read_text())
        del record["prediction"], record["files"]["probability"]
        marker.write_text(json.dumps(record))
    changed = replace(detected, settings=CHANGES["tolerance"])
    assert changed.plan(tmp_path / "plan").remade == []
    changed.run()
    again = replace(changed, settings=CHANGES["regularised"])
    assert len(again.plan(tmp_path / "again").remade) == 4


def test_a_scene_whose_probabilities_are_broken_goes_through_the_network_the_next_time(
    detected: Detection, tmp_path: Path
) -> None:
    before = len(layer(detected))
    (broken,) = (file for file in Path(detected.output).rglob("probability.tif") if "west" in str(file))
    broken.write_bytes(broken.read_bytes()[:-2000])
    changed = replace(detected, settings=CHANGES["tolerance"])

    with pytest.raises(TooManySkippedError, match=r"west\.tif: .*west-[0-9a-f]+\.tif"):
        changed.run()
    assert len(layer(changed)) == before, "what was found before stays"
    plan = changed.plan(tmp_path / "plan")
    assert [(scene.key, scene.remade_from) for scene in plan.scenes] == [("west.tif", "")]
    assert changed.run()["scenes_published"] == 1
    assert len(layer(changed)) == before


def test_the_plan_says_what_is_remade(detected: Detection, tmp_path: Path) -> None:
    changed = replace(detected, settings=CHANGES["tolerance"])
    plan = changed.plan(tmp_path / "plan")
    assert read_plan(tmp_path / "plan") == plan
    detectors = {file.name.split(".")[2] for file in (Path(detected.output) / "ledger").glob("*.json")}
    assert {scene.remade_from for scene in plan.remade} == detectors and len(detectors) == 1
    write_plan_report(plan, tmp_path / "plan.html", tmp_path / "plan.json")
    sentence = json.loads((tmp_path / "plan.json").read_text())["sentence"]
    assert sentence == "4 scenes to be made again without the network; the last step of the run reports the results"
    assert "to be made again" in (tmp_path / "plan.html").read_text()
