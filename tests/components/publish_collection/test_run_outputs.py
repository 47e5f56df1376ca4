from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.core.collection.describe import describe_model, described_classes, fetch_and_describe_model
from components.core.collection.ledger import Collection
from components.core.collection.parts import put_part
from components.core.collection.stac import MaskClass
from components.core.command.run import stage_main
from components.core.errors import ConfigError, DataError, TooManySkippedError
from components.publish_collection.publish_collection import publish_collection
from tests.detection.detected import Detected


@pytest.fixture(scope="module")
def told(detected: Detected) -> dict[str, object]:
    """The summary of a run, published where its plan says."""
    folder = detected.folder
    put_part(detected.plan, "1/1", detected.parts[0])
    flags = ["--plan", folder / "plan", "--summary", folder / "summary.json"]
    flags += ["--report", folder / "report.html", "--metrics", folder / "metrics.json"]
    flags += ["--formats", "geojsonl", "--max-bad", "1", "--workers", "1"]
    assert stage_main("publish_collection", [str(flag) for flag in flags]) == 0
    content: dict[str, object] = json.loads((folder / "summary.json").read_text())
    return content


def test_the_summary_says_in_a_sentence_what_was_done(told: dict[str, object]) -> None:
    assert str(told["sentence"]).startswith("2 scenes detected, 1 skipped, 0 up to date; the layer has 4 buildings, ")


def test_the_summary_and_the_metrics_count_the_same(told: dict[str, object], detected: Detected) -> None:
    counts = told["counts"]
    assert isinstance(counts, dict)
    assert (counts["scenes_published"], counts["scenes_failed"], counts["layer_buildings"]) == (2, 1, 4)
    assert counts["buildings_new"] == 4
    assert counts["megapixels"] == 2 * 160 * 140 / 1e6
    assert json.loads((detected.folder / "metrics.json").read_text()).items() >= counts.items()


def test_the_places_are_there(told: dict[str, object]) -> None:
    places = told["places"]
    assert isinstance(places, dict)
    assert sorted(places) == ["changes", "geojsonl", "layer", "ledger", "report"]
    assert all(Path(place).exists() for place in places.values())


def test_the_report_names_what_failed_and_where(told: dict[str, object], detected: Detected) -> None:
    page = (detected.folder / "report.html").read_text()
    assert "2 scenes published, 1 scene failed." in page
    stages = ("import_images", "infer_windows", "split_masks", "finish_scenes")
    for text in ("tiny.tif", "fiji.tif", "town_2026-05-01.tif", *stages):
        assert text in page


@pytest.mark.usefixtures("told")
def test_a_run_that_is_told_again_publishes_the_same(detected: Detected) -> None:
    """A step that was killed at its very end, and is tried again."""
    before = detected.detection.files()

    with pytest.raises(TooManySkippedError, match=r"^1 of 3 images skipped, and max_bad allows 0: tiny\.tif: .*window"):
        publish_collection(detected.folder / "plan", detected.parts, detected.folder / "again.json", workers=1)

    assert detected.detection.files() == before
    assert json.loads((detected.folder / "again.json").read_text())["counts"]["partitions_written"] == 0


def test_wrong_parameters_are_found_before_anything_is_written(detected: Detected, tmp_path: Path) -> None:
    for options, message in (
        ({"max_bad": -1}, "max_bad: -1"),
        ({"formats": "shp"}, "formats: 'shp' is not one of gpkg"),
    ):
        with pytest.raises(ConfigError, match=message):
            publish_collection(detected.folder / "plan", detected.parts, tmp_path / "summary.json", **options)
    assert not any(tmp_path.iterdir())


def test_a_model_is_described_once(detected: Detected, tmp_path: Path) -> None:
    collection, plan = Collection(str(tmp_path)), detected.plan
    describe_model(collection, plan, Path(plan.model_uri))
    (item,) = (tmp_path / "model").iterdir()
    said = json.loads((Path(plan.model_uri) / "config.json").read_text())["classes"]
    classes = tuple(MaskClass(value, entry["title"], entry["color"]) for value, entry in enumerate(said))
    assert described_classes(collection, plan) == classes and len(classes) == 2

    item.write_bytes(b"as it was")
    describe_model(collection, plan, Path(plan.model_uri))
    fetch_and_describe_model(collection, plan)

    assert item.read_bytes() == b"as it was"
    with pytest.raises(DataError, match=r"model/\w+\.json: is not the STAC item of a model .* delete it"):
        described_classes(collection, plan)
