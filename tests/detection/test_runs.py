"""What recurring runs do with imagery that comes, changes and goes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo.cogeo import cog_validate

from components.core import storage
from components.core.champion import Champion, read_pointer
from components.core.collection.failure_log import MOST_TRIES
from components.core.drift import (
    BANDS,
    CONFIDENCE_EDGES,
    LEAST_LIMITS,
    PIXEL_BINS,
    Reference,
    TrainingStatistics,
    confidence_counts,
    pixel_counts,
)
from components.core.errors import ConfigError, TooManySkippedError
from components.core.geometry import Size
from components.core.models import CONFIG_FILE, ONNX_FILE, model_digest
from components.core.network.model_artifact import load_model
from components.core.network.onnx_export import write_onnx
from tests.builders import noise, write_raster, write_tiled
from tests.components.core.collection.stac.valid import check, links
from tests.detection.bright_model import save_bright_model
from tests.detection.detecting import CRS, GSD_M, HALL, HOUSE, PLACE, SHED, SIZE, Detection, layer, town, write_town


def write_three(folder: Path) -> None:
    write_town(folder / "west.tif", SIZE, HOUSE, SHED)
    write_town(folder / "east" / "east_2026-11-20.tif", SIZE, HALL, east_px=1000)
    write_town(folder / "south.tif", SIZE, south_px=1000)


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
    assert [path.name for path in masks] == ["confidence.tif", "mask.tif"] * 3
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
    assert model_digest(model, "onnx")[:12] in item.name
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


def test_a_run_works_with_the_model_that_its_pointer_named_when_it_began(detection: Detection, tmp_path: Path) -> None:
    """Whatever the pointer names meanwhile; digests and keys are those of the model, as if its folder were given."""
    write_three(Path(detection.images))
    pointer = str(tmp_path / "models" / "current.json")
    pointed = replace(detection, model=point(pointer, detection.model))
    plan = pointed.plan(tmp_path / "plan")
    assert (plan.model_uri, plan.pointer_uri) == (detection.model, pointer)
    assert plan.detector == detection.plan(tmp_path / "other").detector

    point(pointer, str(save_bright_model(tmp_path / "second", threshold=250)))
    assert len(pointed.publish(tmp_path, _detected(pointed, tmp_path))) and len(layer(detection)) == 3

    (waiting,) = {pointed.plan(tmp_path / "next").waiting}
    assert waiting == 3, "the next run knows the second model, and leaves what is done"


def test_a_pointer_goes_with_either_runtime(detection: Detection, tmp_path: Path) -> None:
    """What it says of the weights is seen, whatever file is then run."""
    write_town(Path(detection.images) / "west.tif", SIZE, HOUSE)
    loaded = load_model(Path(detection.model))
    write_onnx(Path(detection.model) / ONNX_FILE, loaded.network, loaded.config)
    pointer = str(tmp_path / "models" / "current.json")
    settings = replace(detection.settings, inference_config=json.dumps({"runtime": "onnx"}))
    pointed = replace(detection, model=point(pointer, detection.model), settings=settings)
    assert pointed.plan(tmp_path / "plan").model == model_digest(Path(detection.model), "onnx")


def _detected(detection: Detection, work: Path) -> list[Path]:
    detection.do_shard(work, "1/1")
    return detection.parts(work)


def point(pointer: str, model: str) -> str:
    """Let a pointer name a model, after those that it named before; gives the pointer."""
    seen = read_pointer(pointer)
    before = () if seen.champion is None else seen.champion.as_predecessor()
    digest = model_digest(Path(model))
    champion = Champion(model_uri=model, model=digest, promoted="2026-11-20T00:00:00Z", predecessors=before)
    storage.write_bytes(pointer, champion.as_bytes())
    return pointer


def test_the_items_of_models_lead_to_predecessor_and_successor(detection: Detection, tmp_path: Path) -> None:
    """The predecessor is the last one that the collection knows: it need not have been run with each."""
    pointer, folder = str(tmp_path / "models" / "current.json"), Path(detection.output) / "model"
    pointed = replace(detection, model=pointer)
    models = [save_bright_model(tmp_path / f"m{number}", threshold=100 + number) for number in range(3)]
    names = [f"{model_digest(model)[:12]}.json" for model in models]
    write_town(Path(detection.images) / "west.tif", SIZE, HOUSE)
    point(pointer, str(models[0]))
    pointed.run()
    assert links(json.loads((folder / names[0]).read_text()), "successor-version") == []

    point(pointer, str(models[1]))
    point(pointer, str(models[2]))
    pointed.run()
    first, last = (json.loads((folder / names[number]).read_text()) for number in (0, 2))
    assert links(first, "successor-version") == [f"./{names[2]}"] and not links(first, "predecessor-version")
    assert links(last, "predecessor-version") == [f"./{names[0]}"] and not links(last, "successor-version")
    for item in (first, last):
        check(item)
        assert item["properties"]["version"] == item["id"].removeprefix("model-")

    before = (folder / names[0]).stat().st_mtime_ns
    pointed.run()
    assert (folder / names[0]).stat().st_mtime_ns == before, "nothing new is written where the links are there"


def with_statistics(model: Path, folder: Path) -> Path:
    """A copy of a model that has learnt from images such as `write_three` makes."""
    shutil.copytree(model, folder)
    pixels, confidence = {}, {}
    for number in range(3):
        seen = town(SIZE, HOUSE, SHED) if number else town(SIZE, HALL)
        pixels[str(number)] = pixel_counts(seen)
        confidence[str(number)] = confidence_counts(np.full(SIZE.area, 255, np.uint8))
    known = TrainingStatistics(
        Reference.of_images(pixels, PIXEL_BINS, BANDS), Reference.of_images(confidence, len(CONFIDENCE_EDGES) - 1)
    )
    (folder / "training_statistics.json").write_text(json.dumps(known.as_json()))
    return folder


def test_a_scene_unlike_the_training_is_named_in_the_log_and_the_report_and_its_results_are_the_same(
    detection: Detection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_three(Path(detection.images))
    hazy = np.clip(town(SIZE, HOUSE).astype(np.int64) // 2 + 90, 0, 255).astype(np.uint8)
    write_tiled(Path(detection.images) / "hazy.tif", hazy, crs=CRS, transform=PLACE @ Affine.translation(0, 3000))
    known = replace(
        detection,
        model=str(with_statistics(Path(detection.model), tmp_path / "known")),
        output=str(tmp_path / "out_known"),
    )
    without, counts = detection.run(), known.run()
    assert not [name for name in without if name.startswith("drift")]
    assert counts["drift_pixels"] < LEAST_LIMITS["pixels"]
    (warning,) = [record.getMessage() for record in caplog.records if "unlike those of the training" in record.message]
    assert warning.startswith("1 of 4 scenes has pixels") and "hazy.tif" in warning and "west" not in warning
    (page,) = (Path(known.output) / "reports").glob("*.html")
    assert "Distance from the training" in page.read_text() and "hazy.tif (" in page.read_text()

    plain, compared = detection.files(), known.files()
    assert plain.keys() == compared.keys(), "keys are the model's, whatever is known of its training"
    for name, content in plain.items():
        if name.startswith("ledger/"):
            said = json.loads(compared[name])
            assert set(said.pop("drift")) == {"pixels", "confidence"} and said == json.loads(content)
        elif name.endswith((".tif", ".parquet")):
            assert compared[name] == content, name


def test_the_distance_is_the_same_after_a_killed_run_and_for_scenes_of_several_shards(
    detection: Detection, tmp_path: Path
) -> None:
    """Whether the network looked at a scene in this run, or in an earlier one; and whoever finishes it."""
    write_three(Path(detection.images))
    model = str(with_statistics(Path(detection.model), tmp_path / "known"))
    known = replace(detection, model=model)
    whole = {name: drift_in(content) for name, content in run_into(known, tmp_path / "first").items()}
    again = {name: drift_in(content) for name, content in run_into(known, tmp_path / "second").items()}
    assert whole == again and len(whole) == 3 and all(whole.values())

    cut = replace(known, output=str(tmp_path / "cut"), data_root=str(tmp_path / "other"))
    counts = cut.with_options(shard_megapixels=0.03).run()
    assert counts["scenes_published"] == 3
    parts = {name: drift_in(content) for name, content in cut.files().items() if name.startswith("ledger/")}
    for name, found in whole.items():
        assert parts[name].keys() == found.keys()
        assert all(abs(parts[name][kind] - value) < 0.05 for kind, value in found.items())


def run_into(detection: Detection, output: Path) -> dict[str, bytes]:
    """The ledger of a collection of its own; predictions that there are are used again."""
    own = replace(detection, output=str(output))
    own.run()
    return {name: content for name, content in own.files().items() if name.startswith("ledger/")}


def drift_in(marker: bytes) -> dict[str, float]:
    found: dict[str, float] = json.loads(marker)["drift"]
    return found
