"""What recurring runs do with imagery that comes, changes and goes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from components.core.collection.failure_log import MOST_TRIES
from components.core.errors import ConfigError, TooManySkippedError
from components.core.geometry import Size
from components.core.models import CONFIG_FILE, ONNX_FILE, model_digest
from components.core.network.model_artifact import load_model
from components.core.network.onnx_export import write_onnx
from tests.builders import noise, write_raster
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import (
    GSD_M,
    HALL,
    HOUSE,
    SHED,
    SIZE,
    Detection,
    layer,
    write_three,
    write_town,
)


def test_bright_roofs_become_the_buildings_of_a_layer(detection: Detection) -> None:
    write_three(Path(detection.images))

    counts = detection.run()

    assert (counts["scenes_published"], counts["scenes_failed"], counts["buildings_new"]) == (3, 0, 3)
    found = layer(detection).set_index("source")
    assert sorted(found.index) == ["east/east_2026-11-20.tif", "west.tif", "west.tif"]
    assert found.crs == "OGC:CRS84"
    assert sorted(found.area_m2["west.tif"]) == pytest.approx([12 * 20 * GSD_M**2, 40 * 24 * GSD_M**2], rel=2e-3)
    on_ground = found.to_crs("EPSG:32633").geometry["east/east_2026-11-20.tif"].bounds
    left, top = 500_000 + (1000 + 150) * GSD_M, 5_300_000 - 100 * GSD_M
    assert on_ground == pytest.approx((left, top - 60 * GSD_M, left + 50 * GSD_M, top), abs=1e-3)
    assert found.captured["east/east_2026-11-20.tif"] == "2026-11-20"
    assert (found.confidence > 0.9).all()


def test_every_scene_has_a_mask_that_a_gis_opens(detection: Detection) -> None:
    write_three(Path(detection.images))
    asked = replace(detection, settings=replace(detection.settings, confidence=True))
    asked.run()

    masks = sorted((Path(detection.output) / "scenes").rglob("*.tif"))
    assert [path.name for path in masks] == ["confidence.tif", "mask.tif", "probability.tif"] * 3
    for path in masks:
        is_valid, errors, warnings = cog_validate(path, strict=True)
        assert is_valid, (path, errors, warnings)
        with rasterio.open(path) as file:
            assert file.crs.to_epsg() == 32633
            assert file.transform.a == GSD_M


def sentence_of(detection: Detection, work: Path, formats: str = "") -> str:
    """What a run says at its end."""
    work.mkdir()
    detection.publish(work, detection.detect(work), formats=formats)
    return str(json.loads((work / "summary.json").read_text())["sentence"])


def test_a_second_run_does_nothing(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    before = detection.files()

    counts = detection.run()

    assert detection.files() == before
    assert (counts["scenes_published"], counts["scenes_up_to_date"], counts["partitions_written"]) == (0, 3, 0)


def test_only_what_is_new_changed_or_gone_is_touched(detection: Detection) -> None:
    images = Path(detection.images)
    write_three(images)
    detection.run()
    before = detection.files()
    house = layer(detection).query("source == 'west.tif' and area_m2 > 100").id.item()

    write_town(images / "west.tif", SIZE, HOUSE, HALL)
    write_town(images / "north.tif", SIZE, SHED, south_px=-1000)
    (images / "south.tif").unlink()
    counts = detection.run()

    assert (counts["scenes_published"], counts["scenes_up_to_date"], counts["layer_scenes"]) == (2, 1, 3)
    assert (counts["buildings_new"], counts["buildings_gone"]) == (2, 1)
    after = detection.files()
    assert {name for name in before if "east" in name} <= {name for name in after if after[name] == before.get(name)}
    assert not [name for name in after if "south" in name]
    assert len([name for name in after if name.startswith("scenes/west") and name.endswith("mask.tif")]) == 1
    west = layer(detection).query("source == 'west.tif'")
    assert sorted(west.area_m2) == pytest.approx([240, 750], rel=2e-3)
    assert house in set(west.id), "a building that is still there keeps its id"


def test_a_new_model_waits_until_it_is_asked_to_redo(detection: Detection, tmp_path: Path) -> None:
    write_town(Path(detection.images) / "a.tif", SIZE, HOUSE)
    detection.run()
    other = replace(detection, model=str(save_bright_model(tmp_path / "other", threshold=250)))
    write_town(Path(detection.images) / "b.tif", SIZE, HOUSE, east_px=1000)

    counts = other.run()
    assert (counts["scenes_published"], counts["scenes_waiting"], counts["layer_buildings"]) == (1, 1, 1)

    counts = other.with_options(redo="all").run()
    assert (counts["scenes_published"], counts["scenes_waiting"], counts["layer_buildings"]) == (1, 0, 0)
    assert len({name.split(".")[2] for name in detection.files() if name.startswith("ledger/")}) == 1


def test_a_model_that_is_onnx_alone_detects_the_same_buildings(detection: Detection, tmp_path: Path) -> None:
    write_town(Path(detection.images) / "a.tif", SIZE, HOUSE, SHED)
    detection.run()
    model = tmp_path / "onnx"
    loaded = load_model(Path(detection.model))
    model.mkdir()
    shutil.copy(Path(detection.model) / CONFIG_FILE, model)
    write_onnx(model / ONNX_FILE, loaded.network, loaded.config)
    config = json.dumps(json.loads(detection.settings.inference_config) | {"runtime": "onnx", "precision": "auto"})
    places = {"model": str(model), "output": str(tmp_path / "out2"), "data_root": str(tmp_path / "data2")}
    other = replace(detection, **places, settings=replace(detection.settings, inference_config=config))

    counts = other.run()

    assert (counts["scenes_published"], counts["layer_buildings"]) == (1, 2)
    assert sorted(layer(other).area_px) == sorted(layer(detection).area_px)
    (item,) = (tmp_path / "out2" / "model").iterdir()
    assert model_digest(model)[:12] in item.name
    assert set(json.loads(item.read_text())["assets"]) == {"config", "onnx"}
    assert other.run()["scenes_published"] == 0


def test_the_sentence_says_what_is_gone_what_waits_and_which_files_are_of_an_earlier_layer(
    detection: Detection, tmp_path: Path
) -> None:
    write_three(Path(detection.images))
    detection.run(formats="geojsonl")
    (Path(detection.images) / "south.tif").unlink()
    other = replace(detection, settings=replace(detection.settings, regularise=True))

    sentence = sentence_of(other, tmp_path / "work")

    assert sentence.startswith(
        "Nothing new, 1 gone, 2 done with another model or settings, 0 up to date; the layer has "
    )
    assert sentence.endswith(" m²; of an earlier layer, and left so: footprints.geojsonl")
    assert "earlier" not in sentence_of(other, tmp_path / "again", formats="geojsonl")


def test_what_shards_finished_is_published_though_the_model_was_replaced_after_them(
    detection: Detection, tmp_path: Path
) -> None:
    """They have seen that it was the plan's until they had detected."""
    write_three(Path(detection.images))
    replaced = replace(detection, model=str(shutil.copytree(detection.model, tmp_path / "model")))
    (tmp_path / "work").mkdir()
    parts = replaced.detect(tmp_path / "work")
    save_bright_model(tmp_path / "model", threshold=250)

    assert replaced.publish(tmp_path / "work", parts)["layer_buildings"] == 3

    (model,) = (Path(detection.output) / "model").iterdir()
    linked = {link["href"] for link in json.loads((Path(detection.output) / "collection.json").read_text())["links"]}
    assert f"./model/{model.name}" in linked
    assert replaced.run()["scenes_waiting"] == 3


def test_a_model_that_nothing_was_detected_with_and_that_is_replaced_publishes_nothing(
    detection: Detection, tmp_path: Path
) -> None:
    write_town(Path(detection.images) / "a.tif", SIZE, HOUSE)
    replaced = replace(detection, model=str(shutil.copytree(detection.model, tmp_path / "model")))
    replaced.plan(tmp_path / "plan")
    save_bright_model(tmp_path / "model", threshold=250)

    with pytest.raises(ConfigError, match=r"model_uri: .*/model holds the model \w{12}, .* planned with \w{12}"):
        replaced.publish(tmp_path, [])

    assert replaced.files() == {}
    assert replaced.run()["scenes_published"] == 1


def test_scenes_of_a_run_that_was_never_published_are_in_the_layer_of_the_next_though_nothing_is_new(
    detection: Detection, tmp_path: Path
) -> None:
    images = Path(detection.images)
    write_three(images)
    detection.run()
    before = detection.files()
    write_town(images / "west.tif", SIZE, HOUSE, HALL)
    write_town(images / "north.tif", SIZE, SHED, south_px=-1000)
    undisturbed = replace(detection, output=str(shutil.copytree(detection.output, tmp_path / "undisturbed")))
    undisturbed.run()

    (tmp_path / "work").mkdir()
    detection.detect(tmp_path / "work")

    found = detection.files()
    assert before.items() <= found.items(), "what the layer shows stays until it shows the new"
    assert {name for name in found if name.startswith("layer")} == {name for name in before if name.startswith("layer")}
    assert detection.plan(tmp_path / "plan").shards == 0, "nothing is new"
    counts = detection.run()
    assert (counts["scenes_published"], counts["scenes_up_to_date"], counts["layer_scenes"]) == (0, 4, 4)
    assert (counts["buildings_new"], counts["buildings_gone"]) == (2, 1)
    assert detection.files() == undisturbed.files()


def test_a_scene_that_its_shard_cannot_finish_is_tried_again_and_named_once(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = Path(detection.images)
    write_three(images)
    detection.run()
    (earlier,) = (Path(detection.output) / "scenes").glob("west-*/*/footprints.parquet")
    rows = earlier.read_bytes()
    earlier.write_bytes(b"broken")
    write_town(images / "west.tif", SIZE, HOUSE, HALL)
    write_town(images / "north.tif", SIZE, SHED, south_px=-1000)
    (tmp_path / "work").mkdir()

    parts = detection.detect(tmp_path / "work")
    with pytest.raises(
        TooManySkippedError, match=r"1 of \d+ images skipped.*: west\.tif: .*holds no footprints of a scene"
    ):
        detection.publish(tmp_path / "work", parts)

    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [message.startswith("skipped: west.tif: publish_collection:") for message in warned] == [True]
    (note,) = (Path(detection.output) / "failures").iterdir()
    assert json.loads(note.read_text())["tries"] == 1
    assert len(layer(detection).query("source == 'north.tif'")) == 1
    earlier.write_bytes(rows)
    assert detection.publish(tmp_path / "work", parts)["scenes_published"] == 2, "publication finishes what is left"
    assert len(layer(detection).query("source == 'west.tif'")) == 2
    assert not list((Path(detection.output) / "failures").iterdir())


def test_one_broken_image_among_a_hundred(detection: Detection) -> None:
    images = Path(detection.images)
    small = Size(64, 64)
    for index in range(99):
        write_town(images / f"town_{index:02d}.tif", small, (20, 20, 10, 10), east_px=100 * index)
    (images / "town_99.tif").write_bytes((images / "town_00.tif").read_bytes()[:1000])

    with pytest.raises(TooManySkippedError, match=r"1 of \d+ images skipped.*town_99\.tif: .*max_bad to at least 1"):
        detection.run()

    assert len(layer(detection)) == 99
    (report,) = (Path(detection.output) / "reports").iterdir()
    assert "town_99.tif" in report.read_text()
    counts = detection.run(max_bad=1)
    assert (counts["scenes_failed"], counts["scenes_up_to_date"]) == (1, 99)


def test_an_image_that_fails_run_after_run_is_given_up(detection: Detection, tmp_path: Path) -> None:
    """So that a recurring run with nothing new starts no GPU step for it."""
    images = Path(detection.images)
    write_town(images / "good.tif", SIZE, HOUSE)
    write_town(images / "tiny.tif", Size(20, 20))
    for _ in range(MOST_TRIES):
        assert detection.plan(tmp_path / "plan").shards == 1
        assert detection.run(max_bad=1)["scenes_failed"] == 1

    assert detection.plan(tmp_path / "plan").shards == 0
    with pytest.raises(TooManySkippedError, match=r"tiny\.tif: .*window.*failed in 3 runs.*failures/tiny"):
        detection.run()

    write_town(images / "tiny.tif", SIZE, SHED)
    counts = detection.run()
    assert (counts["scenes_published"], counts["scenes_failed"], counts["layer_buildings"]) == (1, 0, 2)
    assert not list((Path(detection.output) / "failures").iterdir())


def test_an_image_that_cannot_be_placed_is_named(detection: Detection) -> None:
    write_three(Path(detection.images))
    write_raster(Path(detection.images) / "lost.tif", noise(SIZE))

    with pytest.raises(TooManySkippedError, match=r"lost\.tif: .*CRS"):
        detection.run()

    assert len(layer(detection)) == 3


def test_an_empty_prefix_never_empties_the_layer(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    shutil.rmtree(detection.images)
    Path(detection.images).mkdir()

    with pytest.raises(ConfigError, match=r"images_uri: no image .* below"):
        detection.run()

    assert len(layer(detection)) == 3


def test_a_class_that_the_model_does_not_find_never_empties_the_layer(detection: Detection) -> None:
    write_three(Path(detection.images))
    detection.run()
    before = detection.files()
    wrong = replace(detection, settings=replace(detection.settings, class_title="roofs")).with_options(redo="all")

    with pytest.raises(ConfigError, match=r"'roofs' is not a class of .*untitled_dl"):
        wrong.run()

    assert detection.files() == before
