"""What validation tells of probabilities, against values worked out by hand, and what a model folder keeps of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from components.core.network.description import read_config
from components.train_unet.calibration import Calibration, CalibrationMeasures
from components.train_unet.report import write_report
from components.train_unet.train_unet import train
from tests.components.train_unet.projects import TINY

NEUTRAL = 255


def drawn(temperature: float, pixels: int = 1 << 18, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a network that is over-confident by a factor, and classes drawn by what they should have said."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 1.5, pixels)
    target = random.random(pixels) < 1 / (1 + np.exp(-honest))
    logits = torch.tensor(honest * temperature, dtype=torch.float32)
    side = int(np.sqrt(pixels))
    plane = logits.view(1, side, side)
    return torch.stack([torch.zeros_like(plane), plane], 1), torch.from_numpy(target.astype(np.uint8)).view_as(plane)


def calibration_of(logits: torch.Tensor, target: torch.Tensor) -> Calibration:
    measures = CalibrationMeasures(logits.shape[1])
    measures.update(logits, target)
    found = measures.compute().calibration()
    assert found is not None
    return found


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 4.0])
def test_the_factor_of_over_confidence_is_found(temperature: float) -> None:
    found = calibration_of(*drawn(temperature))
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.calibrated.error < 0.01
    if temperature > 1:
        assert found.plain.error > 0.05


def test_errors_and_bins_are_as_defined() -> None:
    logits, target = drawn(3.0, pixels=4096)
    found = calibration_of(logits, target)
    scores = logits[0, :, ::2, ::2].flatten(1).double().softmax(0).numpy()
    confidence, hit = scores.max(0), scores.argmax(0) == target[0, ::2, ::2].flatten().numpy()
    bins = np.minimum((confidence * 20).astype(int), 19)
    expected = [
        (confidence[bins == index].mean(), hit[bins == index].mean(), (bins == index).sum())
        for index in range(20)
        if (bins == index).any()
    ]
    assert [(entry.confidence, entry.accuracy, entry.pixels) for entry in found.plain.bins] == [
        (pytest.approx(said, abs=1e-5), pytest.approx(was), count) for said, was, count in expected
    ]
    error = sum(abs(said - was) * count for said, was, count in expected) / len(confidence)
    assert found.plain.error == pytest.approx(error, abs=1e-5)


def test_the_threshold_is_that_of_the_greatest_iou() -> None:
    own, others = [0.9] * 30 + [0.35] * 20, [0.32] * 10 + [0.1] * 40
    shares = torch.tensor(own + others, dtype=torch.float64).repeat_interleave(2)
    logits = torch.stack([torch.zeros_like(shares), torch.log(shares / (1 - shares))])[None, :, None].float()
    target = torch.tensor([1] * 50 + [0] * 50, dtype=torch.uint8).repeat_interleave(2)[None, None]
    ((plain, _),) = calibration_of(logits, target).thresholds
    assert plain == 0.35, "30 of 50 from 0.5 on; all 50 from 0.35 on; from 0.32 on ten others, too"


def test_batches_add_up_and_what_is_neutral_does_not_count() -> None:
    logits, target = drawn(2.0, pixels=4096)
    whole = calibration_of(logits, target)
    measures = CalibrationMeasures(2)
    for rows in (slice(0, 30), slice(30, 64)):
        measures.update(logits[:, :, rows], target[:, rows])
    measures.update(logits * 9, torch.full_like(target, NEUTRAL))
    found = measures.compute().calibration()
    assert found is not None
    assert found.temperature == whole.temperature
    assert found.plain.error == pytest.approx(whole.plain.error, abs=1e-9)
    assert Calibration.of_json(json.loads(json.dumps(found.as_json()))).as_json() == found.as_json()


def test_nothing_is_told_of_nothing() -> None:
    measures = CalibrationMeasures(2)
    measures.update(torch.zeros(1, 2, 4, 4), torch.full((1, 4, 4), NEUTRAL, dtype=torch.uint8))
    assert measures.compute().calibration() is None


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), -float("inf")])
def test_logits_that_are_no_numbers_tell_nothing_and_stop_nothing(broken: float) -> None:
    measures = CalibrationMeasures(2)
    measures.update(torch.full((1, 2, 4, 4), broken), torch.ones(1, 4, 4, dtype=torch.uint8))
    assert measures.compute().calibration() is None


def test_a_class_that_is_not_there_has_no_threshold() -> None:
    logits = torch.zeros(1, 3, 4, 4)
    logits[:, 1] = 1
    found = calibration_of(logits, torch.ones(1, 4, 4, dtype=torch.uint8))
    assert found.thresholds[1] == (None, None)


@pytest.mark.parametrize("calibrate", [False, True])
def test_a_model_keeps_what_validation_tells(project: Path, tmp_path: Path, calibrate: bool) -> None:
    result = train(project, tmp_path / "model", config=TINY | {"calibrate": calibrate})
    config = read_config(tmp_path / "model")
    told = Calibration.of_json(result.metrics["calibration"])
    assert config.temperature == pytest.approx(told.temperature if calibrate else 1.0, abs=1e-5)
    assert list(config.thresholds.values()) == [pair[calibrate] for pair in told.thresholds]
    assert told.calibrated.bins and sum(found.pixels for found in told.plain.bins) > 0
    used = told.calibrated if calibrate else told.plain
    assert result.scalars()["val_calibration_error"] == pytest.approx(used.error, abs=1e-6)
    write_report(result, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert ("The model divides its logits by the temperature." in page) == calibrate
    assert page.count(" of the pixels</title>") == len(told.plain.bins) + len(told.calibrated.bins)


def test_calibrating_changes_no_weights(project: Path, tmp_path: Path) -> None:
    for calibrate in (False, True):
        train(project, tmp_path / f"{calibrate}", config=TINY | {"calibrate": calibrate})
    weights = [(tmp_path / f"{calibrate}" / "model.safetensors").read_bytes() for calibrate in (False, True)]
    assert weights[0] == weights[1]
