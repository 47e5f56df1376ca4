"""Scenes that are unlike the training: what runs say of them, and that their results stay what they are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from components.core.drift import (
    BANDS,
    CONFIDENCE_EDGES,
    LEAST_LIMITS,
    PIXEL_BINS,
    Reference,
    SeenImage,
    TrainingStatistics,
    confidence_counts,
    pixel_counts,
)
from tests.builders import write_tiled
from tests.detection.detecting import (
    CRS,
    HALL,
    HOUSE,
    PLACE,
    SHED,
    SIZE,
    Detection,
    town,
    write_three,
)


def with_statistics(model: Path, folder: Path) -> Path:
    """A copy of a model that has learnt from images such as `write_three` makes."""
    shutil.copytree(model, folder)
    pixels, confidence = {}, {}
    for number in range(3):
        seen = town(SIZE, HOUSE, SHED) if number else town(SIZE, HALL)
        pixels[str(number)] = SeenImage(pixel_counts(seen), SIZE.area)
        confidence[str(number)] = SeenImage(confidence_counts(np.full(SIZE.area, 255, np.uint8)), SIZE.area)
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
